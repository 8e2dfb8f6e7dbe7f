"""Synthetic users, follows and posts, reproducible from a seed."""
