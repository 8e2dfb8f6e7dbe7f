"""The quote: what a crawl will cost, from targets and what is known of them, before anything is spent."""
