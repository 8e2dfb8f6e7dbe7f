"""What each command does, without a terminal: it returns results and never prints."""
