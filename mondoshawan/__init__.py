"""Composition root of the node: settings, wiring and the appliance.  Imported by nobody."""

__version__ = "0.1.0"
