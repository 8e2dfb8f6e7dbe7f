"""What a browser sees of a crawl: servers on 127.0.0.1 that change nothing of it.

Each server is a process of its own. It asks the state of the crawl, or an index of its posts, when a page is
asked of it, and keeps nothing. It can be started and stopped at any time, and a crawl does not notice.
"""
