"""The settings, from their declaration."""

from __future__ import annotations

from twittomatic.settings import ENVIRONMENT_PREFIX, OPTIONS, Option, Section


def markdown() -> str:
    parts = []
    for title in Section:
        options = [option for option in OPTIONS if option.section is title]
        parts += [f"## {title}", *map(_setting, options)]
    return "\n\n".join(parts)


def _setting(option: Option) -> str:
    if not option.meaning or not option.why:
        raise LookupError(f"{option.name} lacks its meaning or the reason for its default")
    names = [f"`{ENVIRONMENT_PREFIX}{option.name}`", f"`{option.key}`"]
    if option.has_flag:
        names.insert(0, f"`{option.flag}`")
    unit = f" ({option.unit})" if option.unit else ""
    lines = [
        f"### {option.name}",
        "",
        option.meaning + (" A secret: no message or log shows it." if option.secret else ""),
        "",
        f"- default: {f'`{option.default}`' if option.default else 'none'}; {option.why}",
        f"- allowed: {option.allowed}{unit}",
        f"- {'flag, ' if option.has_flag else ''}environment, configuration file: {', '.join(names)}",
    ]
    return "\n".join(lines)
