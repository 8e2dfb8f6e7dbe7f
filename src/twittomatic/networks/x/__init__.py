"""X's API v2, as an app with bearer tokens uses it.

`requests` builds a request whose maximum price is known beforehand (`prices`). `reply` reads the response,
`salvage` reads malformed ones, `flatten` embeds expanded objects into the posts. `errors` maps a refusal to
one of our errors, by what `problems` reads from it. `profiles` presents a stored profile to SELECT and
PRIORITY, and `documents` a stored post to the indexer.

X has two dialects (`tweet.fields`, `includes.tweets`, and the newer `post.fields`, `includes.posts`) and
answers in the one of the request. We use the older one, which all of X's documentation describes, and read
both.
"""

from twittomatic.networks.x.network import X

__all__ = ["X"]
