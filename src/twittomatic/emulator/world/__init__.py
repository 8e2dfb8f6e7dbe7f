"""Worlds: the users, follows and posts that the emulator serves."""
