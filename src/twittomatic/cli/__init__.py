"""The command `twittomatic`, one file per group of commands."""
