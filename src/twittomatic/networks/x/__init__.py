"""X's API v2, as one app with bearer tokens sees it.

The life of an exchange: `requests` builds a request whose price is known beforehand (`prices`); its
response comes back, and `reply` reads it as far as we need it, `flatten` puts in place what was bought
with the posts, `errors` says what a refusal means, `problems` reads X's words for it. Later `profiles`
shows a stored profile to SELECT and PRIORITY.

X speaks two dialects (`tweet.fields`, `includes.tweets` and the newer `post.fields`, `includes.posts`) and
answers in the one it was asked in. We ask in the older one, which all of X's prose documents, and read both.
"""

from twittomatic.networks.x.network import X

__all__ = ["X"]
