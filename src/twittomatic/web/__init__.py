"""What a browser sees of a crawl: servers on 127.0.0.1 that only read, unless told otherwise.

Each server is a process of its own. It asks the state of the crawl, or an index of its posts, and keeps
nothing that a crawl needs. It can be started and stopped at any time, and a crawl does not notice.
"""
