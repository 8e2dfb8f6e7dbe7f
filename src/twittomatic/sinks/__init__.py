"""Sinks: consumers of a crawl's events, each a process of its own.

A sink reads the event stream of one crawl through a consumer group of its own, so it gets every event at
least once, at its own pace. An event carries no posts: it points at the bytes of a committed file, and a sink
that wants the posts reads them there. It acknowledges an event when its own side holds it for good, and bears
to see one twice. A sink that was down catches up; one that lost everything is rebuilt from the dataset alone.
It never changes the crawl, and a crawl never waits for it.
"""
