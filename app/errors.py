"""What can go wrong by somebody's input, said to its reader: what happened, what to do, a status, a stable code.

`app/main.py` registers the one handler that renders these as a page, an htmx fragment or problem+json (RFC 9457).
Messages are English message ids of the catalogues; the handler translates them and fills in `values`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any


def message_id(message: str) -> str:
    """The message itself: marks one that a table of refusals holds, so that it is collected for the catalogues."""
    return message


@dataclass(frozen=True, slots=True)
class FieldError:
    """One wrong field: `pointer` is a JSON pointer or a form field's name."""

    pointer: str
    code: str
    detail: str
    values: Mapping[str, object] = field(default_factory=dict)


class DomainError(Exception):
    """A refusal. `message` may hold `%(name)s` places that `values` fill in."""

    status = 422
    code = "refused"

    def __init__(
        self,
        message: str,
        *,
        code: str | None = None,
        status: int | None = None,
        fields: Sequence[FieldError] = (),
        retry_after: int | None = None,
        **values: object,
    ) -> None:
        super().__init__(message % values if values else message)
        self.message = message
        self.values = values
        self.fields = tuple(fields)
        self.retry_after = retry_after
        if code is not None:
            self.code = code
        if status is not None:
            self.status = status


class Malformed(DomainError):
    """The request cannot be read: wrong JSON, a wrong type, an unknown field."""

    status = 400
    code = "malformed"


class Unauthenticated(DomainError):
    """Nobody is signed in, or the key is missing or wrong."""

    status = 401
    code = "unauthenticated"


class Forbidden(DomainError):
    """Known, but not allowed."""

    status = 403
    code = "forbidden"


class NotFound(DomainError):
    """There is no such thing, or it belongs to somebody else: both look alike."""

    status = 404
    code = "not_found"

    def __init__(self, message: str = "There is nothing here.", **values: Any) -> None:
        super().__init__(message, **values)


class Conflict(DomainError):
    """The thing is in another state than the request supposes."""

    status = 409
    code = "conflict"


class TooManyRequests(DomainError):
    """A limit is reached; `retry_after` says when to come again."""

    status = 429
    code = "too_many_requests"


class Unavailable(DomainError):
    """Our own servers are not there; nothing was written."""

    status = 503
    code = "unavailable"


def invalid(*fields: FieldError, message: str = "Please check the marked fields.") -> DomainError:
    """A 422 that names each wrong field."""
    return DomainError(message, code="invalid", fields=fields)
