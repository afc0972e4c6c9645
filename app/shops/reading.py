"""Reads a JSON body strictly: what two readers could understand in two ways is refused, naming the place.

msgspec checks types, lengths and unknown fields (it takes neither `1.0` nor `true` for an integer and refuses lone
surrogates). On top of it: keys given twice, of which JSON readers keep different ones, and control characters,
which PostgreSQL or a terminal would take amiss.
"""

import json
import re
from collections.abc import Iterator
from typing import Any, TypeVar

import msgspec

from app.errors import FieldError, Malformed

Body = TypeVar("Body")

_PATH_STEP = re.compile(r"\.([^.\[\]]+)|\[(\d+|\.\.\.)\]")
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_CONTROL_RAW = re.compile(rb"[\x7f\\]|\xc2[\x80-\x9f]|\xe2\x80[\xa8\xa9]")
_NAMED = re.compile(r"^Object (contains unknown field|missing required field) `(.*)`$", re.DOTALL)


def read(raw: bytes, decoder: msgspec.json.Decoder[Body]) -> Body:
    """The body as the decoder's type. Malformed (400) names the first field that is wrong."""
    body = decode(raw, decoder)
    if _CONTROL_RAW.search(raw):
        for pointer, text in _texts(msgspec.to_builtins(body), ""):
            if not is_plain(text):
                field = FieldError(pointer, "control_character", "Control characters are not allowed here.")
                raise Malformed("A text holds a control character.", fields=[field])
    return body


def decode(raw: bytes, decoder: msgspec.json.Decoder[Body]) -> Body:
    """As `read`, without a look at the texts."""
    try:
        body = decoder.decode(raw)
        json.loads(raw, object_pairs_hook=_refuse_twice)
    except msgspec.ValidationError as error:
        raise malformed(str(error)) from error
    except (msgspec.DecodeError, ValueError) as error:
        raise Malformed("The body is not JSON in UTF-8: %(why)s", why=str(error)[:200]) from error
    except RecursionError as error:
        raise Malformed("The body is nested too deeply.") from error
    return body


def is_plain(text: str) -> bool:
    """Whether `text` is free of control characters and lone surrogates."""
    return _CONTROL.search(text) is None


def malformed(message: str) -> Malformed:
    """msgspec's message as a refusal with a JSON pointer."""
    what, _, path = message.partition(" - at `")
    pointer = "".join(f"/{escaped(name or index)}" for name, index in _PATH_STEP.findall(path.rstrip("`")))
    named = _NAMED.match(what)
    if named is None:
        field = FieldError(pointer, _code(what), what[:200])
    elif named.group(1).startswith("missing"):
        field = FieldError(f"{pointer}/{escaped(named.group(2))}", "missing", "This field is required.")
    else:
        name = escaped(named.group(2))[:100]
        field = FieldError(f"{pointer}/{name}", "unknown_field", "There is no such field here.")
    return Malformed("The body does not have the form that is expected here.", fields=[field])


def escaped(step: str) -> str:
    """A name as one step of a JSON pointer (RFC 6901 §3)."""
    return step.replace("~", "~0").replace("/", "~1")


def _code(what: str) -> str:
    if what.startswith("Invalid enum value"):
        return "unknown_value"
    if what.startswith("Invalid RFC3339") or "timezone component" in what:
        return "not_a_moment"
    if " of length " in what:
        return "wrong_length"
    if "matching regex" in what:
        return "wrong_form"
    if "out of range" in what or re.search(r"[<>]=? -?\d", what):
        return "out_of_range"
    return "wrong_type"


def _refuse_twice(pairs: list[tuple[str, Any]]) -> None:
    if len({key for key, _value in pairs}) == len(pairs):
        return
    seen: set[str] = set()
    for key, _value in pairs:
        if key in seen:
            field = FieldError(f"/{escaped(key)[:100]}", "repeated_key", "This key is given twice.")
            raise Malformed("The body names a key twice.", fields=[field])
        seen.add(key)


def _texts(value: Any, pointer: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, str):
        yield pointer, value
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from _texts(item, f"{pointer}/{escaped(key)}")
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _texts(item, f"{pointer}/{index}")
