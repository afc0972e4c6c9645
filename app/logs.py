"""Logs: an event's name and ids, one JSON object a line; readable colours where a person looks on."""

import logging
import re
import sys

import msgspec
import structlog

log = structlog.get_logger(__name__)

_TOKEN = re.compile(r"[A-Za-z0-9_-]{32,}")


def configure(level: int = logging.INFO) -> None:
    """Set structlog up; safe to call again."""
    processors: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    if sys.stderr.isatty():
        processors.append(structlog.dev.ConsoleRenderer())
    else:
        # Without the frames' local variables: they hold keys, cookies and people's data.
        tracebacks = structlog.processors.ExceptionRenderer(
            structlog.tracebacks.ExceptionDictTransformer(show_locals=False)
        )
        processors += [tracebacks, structlog.processors.JSONRenderer()]
    structlog.configure(
        processors=processors,
        wrapper_class=structlog.make_filtering_bound_logger(level),
        # Asked at each line: who redirects standard error later is followed.
        logger_factory=lambda *_names: structlog.PrintLogger(sys.stderr),
        cache_logger_on_first_use=False,
    )


def without_tokens(address: str) -> str:
    """An address or path as it may be logged: queries, fragments and the last step of a one-time link sign somebody in."""
    return _TOKEN.sub("…", re.split("[?#]", address, maxsplit=1)[0])


class _CspBody(msgspec.Struct, rename="kebab"):
    document_uri: str = ""
    effective_directive: str = ""
    violated_directive: str = ""
    blocked_uri: str = ""
    source_file: str = ""
    line_number: int = 0


class _CspReport(msgspec.Struct):
    csp_report: _CspBody = msgspec.field(name="csp-report")


def csp_reported(body: bytes) -> None:
    """Log a browser's report (application/csp-report). Whoever wants may send one: only its short known parts are kept."""
    try:
        report = msgspec.json.decode(body, type=_CspReport).csp_report
    except (msgspec.DecodeError, ValueError):  # ValueError: not UTF-8
        log.info("csp.unreadable_report", size=len(body))
        return
    log.warning(
        "csp.violation",
        page=without_tokens(report.document_uri)[:200],
        directive=(report.effective_directive or report.violated_directive)[:60],
        blocked=without_tokens(report.blocked_uri)[:200],
        source=without_tokens(report.source_file)[:200],
        line=report.line_number,
    )
