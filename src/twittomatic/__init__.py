"""Twittomatic: a crawler of social graphs for research."""

__version__ = "0.1.0"
