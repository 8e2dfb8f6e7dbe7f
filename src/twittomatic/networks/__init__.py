"""What a network offers: its requests, its pages, its errors, its prices and its limits.

A network turns a wish ("followers of 12, from this token") into a `Request`, and the `Response` to it into a
`Page` or an error of our tree. It does no input or output and keeps no state. `registry` finds it by name.
"""
