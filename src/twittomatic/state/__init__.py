"""The state of crawls, in Redis: what every process of a crawl shares, and what outlives all of them.

A `Connection` runs our Lua scripts, each of which makes one atomic change and has its key schema in its
header. Small classes use it, each for one idea: `Frontier`, `Jobs`, `JobAdmin`, `CrawlState`, `Leadership`,
`Account` and `EventStream`. `read_status` alone reads the status of a crawl. Keys are named by `keys`
alone. `embedded` runs a Valkey server where none is given.
"""
