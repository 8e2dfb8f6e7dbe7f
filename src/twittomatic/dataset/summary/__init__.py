"""Summarize a dataset on one page: size, coverage, degrees, communities, top users, posts, cautions.

`summarize` reads the journal, the graph, the profiles and the posts once each, and returns a `Summary`, which
`cli/render/` shows in a terminal or as Markdown, and which msgspec writes as JSON.
"""

from twittomatic.dataset.summary.compute import summarize, summarize_timelines
from twittomatic.dataset.summary.page import Summary
from twittomatic.dataset.summary.posts import Posts

__all__ = ["Posts", "Summary", "summarize", "summarize_timelines"]
