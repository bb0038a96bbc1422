"""The node's own miners: slices of work on templates from the virtual block."""
