"""Crawls, processes and datasets that a test owns; typed, and held to mypy strict by `make check`."""
