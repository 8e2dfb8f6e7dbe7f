"""All settings of Twittomatic, and where a process takes them from.

A setting is declared once, in `crawl` (what all processes of a crawl share) or in `process`. Its flag, its
environment variable, its key in `twittomatic.toml`, its check, and its paragraph in the file of `twittomatic
init` and in the reference are derived from there. `sources` reads flags, environment and file.

Derived by our own 100 lines from msgspec's structs, which are there anyway: pydantic-settings ignores unknown
variables instead of naming them, words its own errors, and takes 170 ms to import.
"""

from twittomatic.settings.crawl import CrawlSettings
from twittomatic.settings.option import Option, Section
from twittomatic.settings.process import OPTIONS, TABLES, X_API, Settings, load
from twittomatic.settings.sources import CONFIG_FILE, ENVIRONMENT_PREFIX

__all__ = [
    "CONFIG_FILE",
    "ENVIRONMENT_PREFIX",
    "OPTIONS",
    "TABLES",
    "X_API",
    "CrawlSettings",
    "Option",
    "Section",
    "Settings",
    "load",
]
