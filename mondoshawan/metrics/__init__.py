"""``/metrics``: what all processes of the node counted, and what is so at the moment of the scrape."""
