"""Local web servers that show a crawl in a browser, read-only by default.

Each server is a separate process that reads the crawl's state or a store filled by a sink. It holds nothing
that the crawl needs, so it can be started and stopped at any time.
"""
