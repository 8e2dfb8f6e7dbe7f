"""The dataset on disk: names, part files, commits, the journal, verification and repair.

The life of a file: an attempt appends to a `PartFile` in TEMPORARY_DIRECTORY, one gzip `member` per page,
and syncs each before the checkpoint that counts it. An attempt that takes over a job copies its
predecessor's bytes up to that checkpoint. At the end, `commit` renames the complete part file into the
dataset, and a line in the `Journal` proves it. `verify` compares files with those lines. Everything here is
synchronous: asynchronous callers use a thread, where compression and sync do not block the event loop.
"""
