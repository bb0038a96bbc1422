"""From candidates to a committed chain: the single writer and its warm start."""
