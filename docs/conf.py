"""Sphinx configuration of the documentation site; `make docs` builds it."""

from __future__ import annotations

import sys
from pathlib import Path

import twittomatic

sys.path.insert(0, str(Path(__file__).parent))  # for `generators`

project = "Twittomatic"
author = "The Twittomatic developers"
version = release = twittomatic.__version__
language = "en"

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "generators",
    "notebooks",
    "repository_links",
    "checked_names",
]
root_doc = "index"
source_suffix = {".md": "markdown", ".ipynb": "notebook"}
exclude_patterns = ["**/__pycache__"]

html_theme = "furo"
html_title = "Twittomatic"
html_copy_source = False
html_show_sphinx = False
html_show_copyright = False
html_theme_options = {"navigation_with_keys": True}

# Strict: `sphinx-build -W` makes each warning an error, and -n warns of each reference that leads nowhere.
nitpicky = True
nitpick_ignore_regex = [
    (
        "py:class",
        r"datetime|(collections|datetime|numpy|pandas|pathlib|polars|pyarrow|typing)\..*",
    ),  # their documentation is not built here
    (
        "py:class",
        r"twittomatic(\.\w+){2,4}|Batch|Column|Labels|ReadProfiles",
    ),  # a public class in its own module; the page has it as `tw.NAME`
    (
        "py:class",
        r"twittomatic\.model\.\w+",
    ),  # values of a status: enumerations whose members are texts, and structs of plain values
    ("py:class", r"twittomatic\.dataset\.summary(\.\w+)+"),  # the parts of a `Summary`
    ("py:class", r"measures\.\w+"),  # the structs of twittomatic.dataset.measures, as `Graph` names them
]
myst_heading_anchors = 4
myst_enable_extensions = ["deflist"]

# Docstrings are written with Markdown's backticks, which are code, not a reference.
default_role = "literal"
autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_preserve_defaults = True
napoleon_numpy_docstring = False
napoleon_use_ivar = True  # one line for each attribute
