"""How messages are written and read: the proto3 JSON mapping."""

from __future__ import annotations

from typing import Any, TypeVar

import msgspec

from .limits import IN_WORDS

T = TypeVar("T")


class Message(msgspec.Struct, rename="camel", omit_defaults=True):
    """Base of all messages: camelCase on the wire, defaults omitted."""


class Int64(int):
    """A 64-bit integer, which the proto3 JSON mapping writes as a string."""

    __slots__ = ()


def encode(message: Any) -> bytes:
    """The JSON text of a message."""
    return msgspec.json.encode(message, enc_hook=_encode_hook)


def to_builtins(message: Any) -> Any:
    """A message as plain dicts, lists and scalars, as it would be on the wire."""
    return msgspec.to_builtins(message, enc_hook=_encode_hook)


def decode(data: bytes | str, target: type[T]) -> T:
    """Parse and check a message. Raises `msgspec.ValidationError` or `msgspec.DecodeError`."""
    return msgspec.json.decode(data, type=target, dec_hook=_decode_hook, strict=False)


def convert(data: Any, target: type[T]) -> T:
    """As `decode`, from plain objects."""
    return msgspec.convert(data, type=target, dec_hook=_decode_hook, strict=False)


def in_words(error: msgspec.ValidationError) -> str:
    """What is wrong with a message, with the patterns of texts in words."""
    text = str(error)
    for pattern, words in IN_WORDS.items():
        text = text.replace(f"Expected `str` matching regex {pattern!r}", f"Expected {words}")
    return text


def _encode_hook(value: Any) -> Any:
    if isinstance(value, Int64):
        return str(int(value))
    raise NotImplementedError(f"{type(value).__name__} has no JSON form")


def _decode_hook(target: type, value: Any) -> Any:
    if target is Int64:
        if isinstance(value, bool) or not isinstance(value, int | str):
            raise ValueError("expected an integer")
        number = Int64(value)
        if not -(2**63) <= number < 2**63:
            raise ValueError("outside the range of a 64-bit integer")
        return number
    raise NotImplementedError(f"no decoder for {target.__name__}")
