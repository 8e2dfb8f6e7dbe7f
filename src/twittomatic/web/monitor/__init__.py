"""A crawl, live, in a browser.

Life: `Sampler` looks at the state server once a second, and at the logs; `History` keeps what charts draw;
`Server` sends every look to all pages that are open, and answers what a page asks for besides: one user, the
graph, the log. The pages in `static/` draw it. A crawl needs nothing of this, and waits for nothing of it.
"""
