"""One process's part in a crawl: the master, which runs the traversal, and the workers, which run its jobs.

The life of a crawl: targets are resolved to user ids (`twittomatic.planning`), the `master` puts them into
the frontier and moves them from there, in the order of the traversal, to the job streams. A `worker` runs
some jobs of each module at a time. What the analyzer finds goes back to the frontier, until nothing within
MAX_DEPTH is left. `options` are what all processes of a crawl share, and `pause` decides who stops when the
network refuses.
"""
