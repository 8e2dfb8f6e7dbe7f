"""Who does what when: the master that keeps the traversal, the workers that do its jobs.

The life of a crawl: `targets` are read and resolved, the `master` sends them to the frontier and from there,
in the order of the traversal, to the job streams; a `worker` holds some jobs of each module at a time and
runs them; what the analyzer finds goes back to the frontier, until nothing within MAX_DEPTH is left. `local`
runs a master and a worker in one process.
"""
