"""Pictures of every page on a node with varied traffic: ``python -m tests.screenshots --help``."""
