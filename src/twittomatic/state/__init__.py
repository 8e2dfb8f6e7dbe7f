"""What a crawl remembers, in a Redis-protocol server: the frontier, the jobs, the windows, the money.

A `Connection` runs our Lua scripts, each of which is one atomic change with its key schema in its header.
Around it stand small classes, one idea each: `Frontier`, `Jobs`, `CrawlState`, `Leadership`, `Money`,
`Events`. Keys are named by `keys` alone. `server` runs an embedded Valkey where no server is given.
"""
