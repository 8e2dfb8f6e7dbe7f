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
    spelled = [f"`{option.flag}`"] if option.has_flag else []
    spelled += [f"`{ENVIRONMENT_PREFIX}{option.name}`", f"`{option.key}`"]
    lines = [
        f"### {option.name}",
        option.meaning,
        f"Default: {f'`{option.default}`' if option.default else 'none'}. Why: {option.why}.",
        f"Allowed: {option.allowed}." + (f" Unit: {option.unit}." if option.unit else ""),
        f"Spelled: {', '.join(spelled)}."
        + ("" if option.has_flag else " There is no flag, because command lines are visible to other users.")
        + (" A secret: no message or log shows its value." if option.secret else ""),
    ]
    return "\n\n".join(lines)
