"""The networks that can be crawled: their requests, answers, prices and rate limits.

A network builds a `Request` ("followers of 12, from this token") and turns the `Response` into a `Page` or
into one of our errors. It does no input or output and keeps no state. `base` holds the interface, `registry`
finds a network by its name.
"""
