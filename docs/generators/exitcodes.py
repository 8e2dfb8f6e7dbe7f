"""The exit codes, from the constants and what is written below each of them."""

from __future__ import annotations

import ast
import inspect

from generators import docstrings
from twittomatic.cli import exitcodes


def markdown() -> str:
    body = ast.parse(inspect.getsource(exitcodes)).body
    rows = []
    for statement, below in zip(body, [*body[1:], None], strict=True):
        match statement:
            case ast.AnnAssign(target=ast.Name(id=name), value=ast.Constant(value=int(code))):
                rows.append(f"| {code} | {_meaning(name, below)} |")
    return "\n".join(["| code | meaning |", "|---|---|", *rows])


def _meaning(name: str, below: ast.stmt | None) -> str:
    match below:
        case ast.Expr(value=ast.Constant(value=str(text))):
            return docstrings.cell(text)
    raise LookupError(f"the exit code {name} lacks its meaning")
