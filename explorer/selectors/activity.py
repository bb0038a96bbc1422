"""An address's history: keyset pages in both directions, as places in the chain's canonical order.

Callers read the transactions themselves from the chain, within the same snapshot.  Places that a reorganisation has
made untrue, and that the index has not undone yet, are left out.
"""

from __future__ import annotations

from dataclasses import dataclass

from chain.selectors.query import Query, columns_as
from explorer.selectors.lag import trusted_number


@dataclass(frozen=True, slots=True)
class ActivityPlace:
    """A transaction that concerns an address; ``roles`` is a sum of ``explorer.indexers.addresses.Role``."""

    number: int
    index: int
    roles: int


@dataclass(frozen=True, slots=True)
class AddressTotals:
    """How many accepted transactions concern an address, and how many it sent."""

    txs: int
    sent: int


# + 0: a second bound on the index would have it begin there, and pass everything that is newer than the cursor
_PLACE = (
    'SELECT number, "index", roles FROM explorer_activity WHERE address = %s'  # noqa: S608 - our own names
    f" AND number + 0 <= {trusted_number('addresses')} AND "
)

# (address, number and index below which to go on, limit): newest first
ACTIVITY_BEFORE: Query[ActivityPlace] = Query(
    f'{_PLACE}(number, "index") < (%s, %s) ORDER BY number DESC, "index" DESC LIMIT %s', columns_as(ActivityPlace)
)
# (address, number and index above which to go on, newest number, limit): oldest first
ACTIVITY_AFTER: Query[ActivityPlace] = Query(
    f'{_PLACE}(number, "index") > (%s, %s) AND number <= %s ORDER BY number, "index" LIMIT %s',
    columns_as(ActivityPlace),
)
# (address)
ADDRESS_TOTALS: Query[AddressTotals] = Query(
    "SELECT txs, sent FROM explorer_address_total WHERE address = %s", columns_as(AddressTotals)
)
