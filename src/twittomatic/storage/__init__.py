"""The dataset on disk: how its files are named, grown, committed, proved and checked.

The life of a file: an attempt grows a `PartFile` in TEMPORARY_DIRECTORY, one gzip `member` a page, each
synced before the checkpoint that counts it; an attempt that takes over a job copies its predecessor's bytes
up to that checkpoint. At the end `commit` renames the part into the dataset, once and whole, and the
`Journal` gets the line that proves it. `verify` holds the files against those lines. Everything here is
synchronous: an asynchronous caller uses a thread, where the slow calls (compression, sync) hold nobody up.
"""
