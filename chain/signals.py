"""What the node tells apps above it, in the process where it happens; a receiver must be quick and may not fail it."""

from __future__ import annotations

from django.dispatch import Signal

# the writer has committed and shown an update; keyword ``sequence``
committed = Signal()
