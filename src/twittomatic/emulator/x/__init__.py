"""X's API v2: endpoints, rate limits, prices and errors."""
