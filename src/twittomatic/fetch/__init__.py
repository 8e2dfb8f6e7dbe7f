"""Send requests within rate limits and budget.

For each request the `Fetcher` acquires a permit from `state`, which uses up one request of a credential's
window and reserves the money, in one round trip. The `Transport` sends the request and returns the response,
which `networks` decodes. The actual cost and the window in the headers are settled together with the commit
of the page. `Credentials` hold the tokens and reveal only their names.
"""
