"""Structured logs: to the console or as JSON lines; no field of them is personal."""

import logging
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import msgspec
import structlog


def configure_logs(form: str, *, quiet: bool = False) -> None:
    """Write logs to standard error; `quiet` leaves out what is no trouble."""
    level = logging.WARNING if quiet else logging.INFO
    structlog.configure(
        processors=[_stamp, _renderer(form)],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.WriteLoggerFactory(file=sys.stderr),
        cache_logger_on_first_use=True,
    )
    # Libraries say only what is trouble: their messages are not ours to vouch for.
    logging.basicConfig(level=logging.ERROR, stream=sys.stderr, format="%(name)s: %(levelname)s")


def _renderer(form: str) -> structlog.typing.Processor:
    """For machines, for a person who watches, or for a file that somebody reads later."""
    if form == "json":
        return structlog.processors.JSONRenderer(_json)
    if sys.stderr.isatty():
        return structlog.dev.ConsoleRenderer()
    return structlog.processors.KeyValueRenderer(key_order=["timestamp", "level", "event"])


def _stamp(
    logger: Any, level: str, event: structlog.typing.EventDict
) -> structlog.typing.EventDict:
    """When it was and how grave; a request a line, so it may not cost what structlog's own do."""
    event["timestamp"] = datetime.now(UTC).isoformat()
    event["level"] = level
    return event


def _json(event: Any, default: Callable[[Any], Any]) -> str:
    return msgspec.json.encode(event, enc_hook=default).decode()
