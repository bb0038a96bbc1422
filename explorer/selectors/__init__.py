"""What the pages, the read API and the ``ots_`` methods read of the explorer's own tables."""
