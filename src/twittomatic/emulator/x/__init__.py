"""X's API v2 on loopback: endpoints, limits, prices and errors."""
