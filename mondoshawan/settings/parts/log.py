"""Logging: every process writes to its standard output; the supervisor keeps and rotates the files."""

from __future__ import annotations

from typing import Any

import structlog

from chain.rpc.caller import NOBODY, current_caller


def _with_caller(logger: Any, name: str, event: dict[str, Any]) -> dict[str, Any]:
    """Whose JSON-RPC request a line is about; worked out only where a line is written."""
    caller = current_caller()
    if caller is not NOBODY:
        event.setdefault("request_id", caller.identity)
        event.setdefault("peer", caller.address)
    return event


def _without_objects(logger: Any, name: str, event: dict[str, Any]) -> dict[str, Any]:
    """Leave out what Django adds to its own lines: the whole request, whose address may carry a key."""
    event.pop("request", None)
    return event


_SHARED = (
    structlog.contextvars.merge_contextvars,
    _with_caller,
    structlog.stdlib.add_logger_name,
    structlog.stdlib.add_log_level,
    structlog.stdlib.ExtraAdder(),
    _without_objects,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
)


def configure_structlog() -> None:
    """Let structlog's loggers write through the standard library's; once a process, before the first line.

    A logger keeps what it was made with: those that wrote before another configuration would stay with the old one.
    """
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *_SHARED,
            structlog.processors.StackInfoRenderer(),
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )


def logging_config(level: str, form: str) -> dict[str, Any]:
    """The ``LOGGING`` setting for standard library and structlog loggers alike.

    Parameters
    ----------
    level : str
        Least important level of our own loggers.
    form : str
        ``json`` for one object a line, ``console`` for people.
    """
    renderer: tuple[Any, ...]
    if form == "json":
        renderer = (structlog.processors.format_exc_info, structlog.processors.JSONRenderer(default=_plain))
    else:
        plain_tracebacks = structlog.dev.plain_traceback
        renderer = (structlog.dev.ConsoleRenderer(colors=False, exception_formatter=plain_tracebacks),)
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "line": {
                "()": structlog.stdlib.ProcessorFormatter,
                "processors": [structlog.stdlib.ProcessorFormatter.remove_processors_meta, *renderer],
                "foreign_pre_chain": list(_SHARED),
            }
        },
        "handlers": {
            "stdout": {"class": "logging.StreamHandler", "stream": "ext://sys.stdout", "formatter": "line"},
        },
        "root": {"handlers": ["stdout"], "level": "WARNING" if level == "DEBUG" else level},
        "loggers": {name: {"level": level} for name in ("chain", "explorer", "admin_ui", "mondoshawan")}
        | {
            "django.server": {"level": "WARNING", "handlers": [], "propagate": True},
            "daphne": {"level": "WARNING"},
            "celery": {"level": "WARNING"},
            "celery.beat": {"level": "WARNING"},
            "uvicorn.access": {"level": "WARNING"},
        },
    }


def _plain(value: Any) -> str:
    """Bytes of a log call as 0x hex, anything else as its text."""
    return "0x" + value.hex() if isinstance(value, (bytes, bytearray)) else str(value)
