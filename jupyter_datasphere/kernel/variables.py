"""Local objects become JSON values, exactly or not at all.

What arrives over there equals what is here: None, bool, int, float, str, list, and dict with string keys, at
any depth. Subclasses travel by value (a Counter as a dict, an IntEnum as an int). A tuple is refused, because
it would arrive as a list.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from ..errors import UsageError, VariableError
from .arguments import Input
from .suggest import did_you_mean

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

MAX_DEPTH = 100
"""How deep lists and dicts may be nested; JSON parsers give up at some hundreds."""

REMEDIES = {
    "tuple": "convert it with list()",
    "set": "convert it with sorted() or list()",
    "frozenset": "convert it with sorted() or list()",
    "bytes": "convert it with .decode(), or base64 for binary data",
    "range": "convert it with list()",
    "complex": "send .real and .imag",
    "numpy.ndarray": "convert it with .tolist()",
    "pandas.DataFrame": "convert it with .to_dict('records')",
    "pandas.Series": "convert it with .to_list()",
    "function": "define it over there",
    "module": "import it over there",
}


def gather(shell: InteractiveShell, inputs: Iterable[Input]) -> dict[str, Any]:
    """The values of the inputs as JSON values; raises `UsageError` before anything is sent."""
    return {name: encode(name, _value(shell, name, expression)) for name, expression in inputs}


def encode(name: str, value: Any) -> Any:
    """`value` as a JSON value; `name` is what the errors call it."""
    return _Encoder(name).encode(value)


def _value(shell: InteractiveShell, name: str, expression: str | None) -> Any:
    if expression is None:
        try:
            return shell.user_ns[name]
        except KeyError:
            raise UsageError(
                f"There is no local variable {name!r} to send.",
                code="undefined-variable",
                hint=did_you_mean(name, shell.user_ns),
            ) from None
    try:
        # The one place where something that the user wrote in an option is evaluated.
        return shell.ev(expression)  # type: ignore[no-untyped-call]
    except Exception as error:
        hint = None
        if isinstance(error, NameError) and expression.isidentifier():
            hint = did_you_mean(expression, shell.user_ns) or f'For a string write -i {name}="{expression}".'
        elif isinstance(error, SyntaxError):
            hint = f"A string with spaces takes both kinds of quotes: -i \"{name}='...'\"."
        raise UsageError(
            f"-i {name}={expression} raises {type(error).__name__}: {str(error).rstrip('.')}.",
            code="input-expression",
            hint=hint,
        ) from error


class _Encoder:
    """Walks one value and remembers the way, so that an error can say where."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._path: list[str | int] = []
        self._open: set[int] = set()  # the containers around the present place: to notice a cycle

    def encode(self, value: Any) -> Any:
        match value:
            case None | True | False:
                return value
            case str():
                return self._text(value)
            case int():
                return self._integer(value)
            case float():
                if not math.isfinite(value):
                    self._refuse(f"is {float.__repr__(value)}, which JSON does not know", "send None instead")
                return float.__float__(value)
            case list():
                return self._inside(value, lambda: [self._at(i, item) for i, item in enumerate(value)])
            case dict():
                return self._inside(
                    value, lambda: {self._key(key): self._at(key, item) for key, item in value.items()}
                )
            case _:
                return self._refuse_type(value)

    def _at(self, step: str | int, value: Any) -> Any:
        self._path.append(step)
        encoded = self.encode(value)
        self._path.pop()
        return encoded

    def _inside(self, container: Any, encode: Any) -> Any:
        if id(container) in self._open:
            self._refuse("contains itself", "send a part of it")
        if len(self._open) == MAX_DEPTH:
            self._refuse(f"is nested deeper than {MAX_DEPTH} levels", "flatten it")
        self._open.add(id(container))
        encoded = encode()
        self._open.discard(id(container))
        return encoded

    def _key(self, key: Any) -> str:
        if not isinstance(key, str):
            self._refuse(
                f"has the key {key!r} of type {_type_name(key)}, and JSON knows only string keys",
                "convert the keys with str()",
            )
        return self._text(key)

    def _text(self, text: str) -> str:
        text = str.__str__(text)
        if not text.isascii():
            try:
                text.encode()
            except UnicodeEncodeError:
                self._refuse("holds half a surrogate pair, which is no Unicode text", "encode it")
        return text

    def _integer(self, number: int) -> int:
        number = int.__int__(number)
        if number.bit_length() > 4096:
            try:
                str(number)
            except ValueError:  # beyond sys.get_int_max_str_digits(), which holds over there, too
                self._refuse("is an integer with too many digits to be written", "convert it with hex()")
        return number

    def _refuse_type(self, value: Any) -> None:
        kind = _type_name(value)
        if kind.startswith("numpy.") and hasattr(value, "item") and kind != "numpy.ndarray":
            remedy = "convert it with .item()"
        else:
            remedy = REMEDIES.get(kind, "convert it, e.g. with str()")
        article = "an" if kind[0] in "aeiou" else "a"
        self._refuse(f"is {article} {kind}", remedy)

    def _refuse(self, what: str, remedy: str) -> None:
        where = self._name + "".join(f"[{step!r}]" for step in self._path)
        raise VariableError(
            f"Variable {self._name!r} cannot travel: {where} {what}.",
            hint=f"{remedy[0].upper()}{remedy[1:]}.",
        )


def _type_name(value: Any) -> str:
    kind = type(value)
    if kind.__module__ == "builtins":
        return kind.__qualname__
    # pandas.core.frame.DataFrame is known to everybody as pandas.DataFrame.
    return f"{kind.__module__.partition('.')[0]}.{kind.__qualname__}"
