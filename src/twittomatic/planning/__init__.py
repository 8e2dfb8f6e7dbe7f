"""Quote a crawl before anything is spent: read targets, resolve names, estimate cost and time."""
