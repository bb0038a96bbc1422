"""Projections of the chain for reading: each one file with ``apply`` and ``undo``, kept current by ``sync``."""
