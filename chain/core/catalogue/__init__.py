"""Every code of the error tree with its cause and its remedy, as data.

docs/errors.md is made of it (``manage.py error_docs``), and a test holds it against the source: no code is raised
that is not here, and none is here that nobody raises.  A package above the core adds its own codes in a module
``catalogue`` with a tuple ``ENTRIES``.
"""

from __future__ import annotations

from chain.core.catalogue.entry import Entry
from chain.core.catalogue.node import NODE
from chain.core.catalogue.requests import REQUESTS
from chain.core.catalogue.rules import RULES
from chain.core.catalogue.stores import STORES
from chain.core.catalogue.waiting import WAITING

ENTRIES: tuple[Entry, ...] = (*RULES, *WAITING, *REQUESTS, *STORES, *NODE)

__all__ = ["ENTRIES", "Entry"]
