"""The lookup service: from user id to screen name and back, over HTTP."""
