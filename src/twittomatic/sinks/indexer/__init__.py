"""The indexer: a crawl's posts in Elasticsearch, or in OpenSearch, seconds after they were committed.

The life of a post there: an event tells of its bytes, or a rebuild comes to its file; `documents` makes of
its line what can be searched, whatever the network wrote; `bulk` sends it together with others, under its own
id, so that twice is once, and with the time of its copy as its version, so that an older copy never takes the
place of a newer one; `indices` knows the index of its month, behind one alias. What the server will never
take is kept in a file. A rebuild fills indices of its own, and the alias is moved over in one step.
"""
