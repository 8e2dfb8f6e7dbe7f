"""Record a crawl's measures and send them to Graphite or Prometheus."""
