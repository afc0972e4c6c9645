"""Logs: an event's name and ids, one JSON object a line; readable colours where a person looks on."""

import logging
import sys

import msgspec
import structlog

log = structlog.get_logger(__name__)


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
    except msgspec.DecodeError:
        log.info("csp.unreadable_report", size=len(body))
        return
    log.warning(
        "csp.violation",
        # Queries and fragments of addresses may hold tokens.
        page=report.document_uri.partition("?")[0][:200],
        directive=(report.effective_directive or report.violated_directive)[:60],
        blocked=report.blocked_uri.partition("?")[0][:200],
        source=report.source_file.partition("?")[0][:200],
        line=report.line_number,
    )
