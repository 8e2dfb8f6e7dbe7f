"""How one request gets out, and what it cost.

The life of a request: the `Fetcher` asks `state` for a permit of some credential's window and puts the money
aside, in one round trip; the `Transport` sends it and hands back whatever came; the network's words are read
by `networks`; what it really cost and what its headers said of the window are settled together with the
commit of the page. `Credentials` hold the tokens, and show no one more than their names.
"""
