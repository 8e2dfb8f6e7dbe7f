"""The lookup service: user id to screen name and back, over HTTP."""
