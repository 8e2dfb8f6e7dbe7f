"""The truth that the emulator serves: users, follows and posts."""
