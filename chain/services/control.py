"""Mining settings that an operator changes while the node runs: streams on and off, shares, coinbase, ordering.

Environment wins over database, database over default.  The effective values have a copy in Redis, which
each slice reads, so a change is felt within one slice.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import orjson
import structlog
from django.conf import settings as django_settings
from django.db import transaction
from redis import Redis

from chain.core.errors import ConfigError, RequestError
from chain.core.pool import RULES, Ordering
from chain.core.types import Stream
from chain.kick import TaskName, kick
from chain.models import NodeSetting
from chain.services import audit
from chain.services.mining.lease import is_leased
from chain.services.mining.memory import read_memory
from chain.services.network import now_ms
from chain.services.redis_client import redis_client

SETTINGS_KEY = "mds:mining:settings"
STREAMS = (Stream.A, Stream.B, Stream.C)
TASK_OF = {Stream.A: TaskName.MINE_A, Stream.B: TaskName.MINE_B, Stream.C: TaskName.MINE_C}
# of one core; measured so that an idle node with all three leaves a two-core machine responsive.  C works
# only while transactions wait, A and B always.
DEFAULT_SHARES = {Stream.A: 0.10, Stream.B: 0.15, Stream.C: 0.80}
LEAST_SHARE, MOST_SHARE = 0.01, 1.0
ORDERING_KEY = "mining.ordering"
COINBASE_KEY = "mining.coinbase"
# the first account of the development mnemonic that every Ethereum tool knows
DEVNET_COINBASE = bytes.fromhex("f39fd6e51aad88f6f4ce6ab8827279cfffb92266")


log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class StreamSetting:
    """One stream: wanted or not, and its share of one core."""

    on: bool
    share: float


@dataclass(frozen=True, slots=True)
class MiningSettings:
    """The effective values; ``coinbase`` is None where a public network's node has none yet."""

    a: StreamSetting
    b: StreamSetting
    c: StreamSetting
    coinbase: bytes | None
    fixed: tuple[str, ...]  # keys that the environment fixes
    ordering: Ordering = Ordering.FEE

    def of(self, stream: Stream) -> StreamSetting:
        """The setting of one stream."""
        return (self.a, self.b, self.c)[stream - 1]

    def is_on(self, stream: Stream) -> bool:
        """Whether the stream is wanted."""
        return self.of(stream).on

    def share(self, stream: Stream) -> float:
        """The stream's share of one core."""
        return self.of(stream).share


def mining_settings(redis: Redis | None = None) -> MiningSettings:
    """The effective settings: from Redis, or, where it has none, resolved and put there."""
    redis = redis or redis_client()
    raw = redis.get(SETTINGS_KEY)
    return publish_settings(redis) if raw is None else _unpack(orjson.loads(raw))


def publish_settings(redis: Redis | None = None) -> MiningSettings:
    """Resolve environment, database and defaults, and show the result to the miners."""
    resolved = resolve_settings(_stored(), _environment(), django_settings.MDS_NETWORK)
    (redis or redis_client()).set(SETTINGS_KEY, orjson.dumps(_pack(resolved)))
    return resolved


def resolve_settings(stored: dict[str, Any], environment: dict[str, Any], network: str) -> MiningSettings:
    """Merge what the database holds, what the environment fixes and the network's defaults."""
    values: dict[str, Any] = {COINBASE_KEY: "0x" + DEVNET_COINBASE.hex() if network == "devnet" else None}
    values[ORDERING_KEY] = Ordering.FEE
    for stream in STREAMS:
        values[_on_key(stream)] = True
        values[_share_key(stream)] = DEFAULT_SHARES[stream]
    known = frozenset(values)
    for layer in (stored, environment):
        values.update({key: value for key, value in layer.items() if key in known})
    a, b, c = [StreamSetting(bool(values[_on_key(s)]), float(values[_share_key(s)])) for s in STREAMS]
    coinbase = values[COINBASE_KEY]
    return MiningSettings(
        a,
        b,
        c,
        coinbase=None if coinbase is None else bytes.fromhex(coinbase[2:]),
        fixed=tuple(sorted(known & environment.keys())),
        ordering=_known_ordering(values[ORDERING_KEY]),
    )


def start_mining(stream: Stream, by: str = audit.SYSTEM) -> MiningSettings:
    """Want a stream and start it now.

    Raises
    ------
    ConfigError
        ``mining_no_coinbase`` where nobody would be paid, ``setting_fixed`` by the environment.
    """
    with audit.operation("mining.start", stream.name, by) as trail:
        if mining_settings().coinbase is None:
            raise ConfigError("mining_no_coinbase", "no coinbase is set", hint="set one with mds_setCoinbase")
        changed = _store(_on_key(stream), True, by, trail)
        if not is_leased(redis_client(), stream.name):
            kick(TASK_OF[stream])
        return changed


def stop_mining(stream: Stream, by: str = audit.SYSTEM) -> MiningSettings:
    """No longer want a stream; the slice that runs is the last.

    Raises
    ------
    ConfigError
        ``setting_fixed`` by the environment.
    """
    with audit.operation("mining.stop", stream.name, by) as trail:
        return _store(_on_key(stream), False, by, trail)


def set_share(stream: Stream, share: float, by: str = audit.SYSTEM) -> MiningSettings:
    """Give a stream another share of one core.

    Raises
    ------
    RequestError
        ``invalid_params`` outside 0.01 to 1.
    ConfigError
        ``setting_fixed`` by the environment.
    """
    with audit.operation("mining.set_share", stream.name, by) as trail:
        if not math.isfinite(share) or not LEAST_SHARE <= share <= MOST_SHARE:
            raise RequestError("invalid_params", "a share is from 0.01 to 1 of one core", got=share)
        return _store(_share_key(stream), share, by, trail)


def set_coinbase(coinbase: bytes, by: str = audit.SYSTEM) -> MiningSettings:
    """Pay another account from the next template on.

    Raises
    ------
    RequestError
        ``invalid_params`` for anything but 20 bytes that are not all zero.
    ConfigError
        ``setting_fixed`` by the environment.
    """
    with audit.operation("mining.set_coinbase", by=by) as trail:
        if len(coinbase) != 20 or not any(coinbase):
            raise RequestError("invalid_params", "a coinbase is 20 bytes, not all zero", got=coinbase)
        return _store(COINBASE_KEY, "0x" + coinbase.hex(), by, trail)


def ordering_policy() -> dict[str, Any]:
    """How this node's miners order transactions, as JSON values, and what else they could do."""
    settings = mining_settings()
    return {
        "policy": str(settings.ordering),
        "rule": RULES[settings.ordering],
        "fixed": ORDERING_KEY in settings.fixed,
        "available": {str(policy): rule for policy, rule in RULES.items()},
    }


def set_ordering_policy(name: str, by: str = audit.SYSTEM) -> MiningSettings:
    """Order the transactions of the next templates by another policy.

    Raises
    ------
    RequestError
        ``invalid_params`` for a name that ``ordering_policy`` does not list.
    ConfigError
        ``setting_fixed`` by the environment.
    """
    with audit.operation("mining.set_ordering", by=by) as trail:
        names = [str(policy) for policy in Ordering]
        if name not in names:
            raise RequestError("invalid_params", f"a policy is one of {', '.join(names)}", got=name[:40])
        return _store(ORDERING_KEY, name, by, trail)


def mining_status(redis: Redis | None = None) -> dict[str, Any]:
    """What the miners do, as JSON values: coinbase, then per stream its settings, rate and finds.

    ``active``: wanted and a chain of slices is alive; ``hashrate`` is hashes a second, for C the slots
    tried a second.
    """
    redis = redis or redis_client()
    settings = mining_settings(redis)
    now = now_ms()
    streams = {}
    for stream in STREAMS:
        memory = read_memory(redis, stream.name)
        active = settings.coinbase is not None and settings.is_on(stream) and is_leased(redis, stream.name)
        streams[stream.name] = {
            "enabled": settings.is_on(stream),
            "active": active,
            "share": settings.share(stream),
            "hashrate": memory.rate_at(now) if active else 0,
            "hashes": memory.hashes,
            "blocksFound": memory.found,
            "blocksRefused": memory.refused,
            "lastFoundMs": memory.last_found_ms or None,
            "lastBlock": "0x" + memory.last_hash.hex() if memory.last_hash else None,
        }
    coinbase = None if settings.coinbase is None else "0x" + settings.coinbase.hex()
    return {
        "coinbase": coinbase,
        "ordering": str(settings.ordering),
        "fixed": list(settings.fixed),
        "streams": streams,
    }


def _on_key(stream: Stream) -> str:
    return f"mining.{stream.name.lower()}.on"


def _share_key(stream: Stream) -> str:
    return f"mining.{stream.name.lower()}.share"


def _known_ordering(name: Any) -> Ordering:
    """A policy by name; one that only another version knows is not followed."""
    try:
        return Ordering(name)
    except ValueError:
        log.warning("unknown ordering policy, the default is used", ordering=str(name)[:40])
        return Ordering.FEE


def _stored() -> dict[str, Any]:
    rows = NodeSetting.objects.filter(key__startswith="mining.").values_list("key", "value")
    return dict(rows)


def _environment() -> dict[str, Any]:
    """What MDS_* variables fix, by key; the composition root puts it together."""
    return dict(getattr(django_settings, "MDS_MINING_FIXED", {}))


def _store(key: str, value: Any, by: str, trail: audit.Trail) -> MiningSettings:
    trail.before = _value(publish_settings(), key)
    if key in _environment():
        raise ConfigError("setting_fixed", f"{key} is fixed by the environment", hint="change the MDS_ variable")
    name = audit.current_actor(by).name
    with transaction.atomic():
        NodeSetting.objects.update_or_create(
            key=key, defaults={"value": value, "updated_by": name[:150], "updated_ms": now_ms()}
        )
    changed = publish_settings()
    trail.after = _value(changed, key)
    return changed


def _value(settings: MiningSettings, key: str) -> Any:
    """The effective value of a key, as JSON carries it."""
    if key == COINBASE_KEY:
        return None if settings.coinbase is None else "0x" + settings.coinbase.hex()
    if key == ORDERING_KEY:
        return str(settings.ordering)
    _, stream, part = key.split(".")
    setting = settings.of(Stream[stream.upper()])
    return setting.on if part == "on" else setting.share


def _pack(settings: MiningSettings) -> dict[str, Any]:
    return {
        "streams": [[part.on, part.share] for part in (settings.a, settings.b, settings.c)],
        "coinbase": None if settings.coinbase is None else settings.coinbase.hex(),
        "fixed": settings.fixed,
        "ordering": str(settings.ordering),
    }


def _unpack(raw: dict[str, Any]) -> MiningSettings:
    a, b, c = [StreamSetting(bool(on), float(share)) for on, share in raw["streams"]]
    coinbase = raw["coinbase"]
    return MiningSettings(
        a,
        b,
        c,
        coinbase=None if coinbase is None else bytes.fromhex(coinbase),
        fixed=tuple(raw["fixed"]),
        # absent where an older version wrote the copy
        ordering=_known_ordering(raw.get("ordering", Ordering.FEE)),
    )
