"""The indexer: a crawl's posts in Elasticsearch or OpenSearch, seconds after they were committed.

The life of a post: an event points at its bytes, or a rebuild reads its file; `documents` turns its line into
a searchable document; `bulk` sends it in batches, under the post's id, so that duplicates collapse, and with
the time of the copy as its version, so that an older copy never replaces a newer one; `indices` names the
index of its month, behind one alias. Posts that the server will never accept are kept in a dead-letter file.
A rebuild fills new indices, and then moves the alias atomically.
"""
