"""The settings, from their declaration."""

from __future__ import annotations

from twittomatic.settings import ENVIRONMENT_PREFIX, OPTIONS, Option


def markdown() -> str:
    return "\n\n".join(_section(option) for option in OPTIONS)


def _section(option: Option) -> str:
    if not option.meaning or not option.why:
        raise LookupError(f"{option.name} lacks its meaning or the reason for its default")
    spelled = [f"`{option.flag}`"] if option.has_flag else []
    spelled += [f"`{ENVIRONMENT_PREFIX}{option.name}`", f"`{option.key}`"]
    lines = [
        f"### {option.name}",
        option.meaning,
        f"Default: {f'`{option.default}`' if option.default else 'none'}. Why: {option.why}.",
        f"Spelled: {', '.join(spelled)}."
        + ("" if option.has_flag else " There is no flag, because command lines are visible to other users.")
        + (" A secret: no message or log shows its value." if option.secret else ""),
    ]
    return "\n\n".join(lines)
