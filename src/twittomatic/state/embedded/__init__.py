"""The embedded state server: start it, join it, keep it alive."""
