"""Functions and classes that the code of a session defined, as something that can be pickled.

What can be imported goes by its name, as ever. What cannot goes by its content: a function as its code, its
defaults, its closure and the globals that it had, which for one of the session are the session's namespace
*itself*, so that it sees there what the next cell changes; a class as its bases and what is in it. The
builders make them from that again. Their names and arguments are part of the format of stored sessions.
"""

from __future__ import annotations

import dataclasses
import enum
import functools
import importlib.util
import marshal
import sys
import types
import typing
from pickle import PicklingError
from typing import Any

MAGIC = importlib.util.MAGIC_NUMBER.hex()
"""Tells versions of Python apart that do not understand each other's code."""

_FUNCTION_ATTRIBUTES = (
    "__defaults__",
    "__kwdefaults__",
    "__annotations__",
    "__qualname__",
    "__module__",
    "__doc__",
    "__type_params__",
)
_SENTINELS = {
    id(value): name
    for name, value in vars(dataclasses).items()
    if name in ("MISSING", "KW_ONLY", "_FIELD", "_FIELD_CLASSVAR", "_FIELD_INITVAR", "_HAS_DEFAULT_FACTORY")
}
"""Objects of `dataclasses` that are compared by identity."""

_OF_THE_CLASS_ITSELF = ("__dict__", "__weakref__", "_abc_impl", "__static_attributes__", "__firstlineno__")
_MADE_BY_CODE = 1 << 9
"""The flag of classes that a class statement made."""

_OF_A_MEMBER = ("_value_", "_name_", "__objclass__", "_sort_order_")
_OF_AN_ENUM = frozenset(
    {
        *("_generate_next_value_", "_member_names_", "_member_map_", "_member_type_", "_value2member_map_"),
        *(
            "_hashable_values_",
            "_unhashable_values_",
            "_unhashable_values_map_",
            "_use_args_",
            "_value_repr_",
        ),
        *("_new_member_", "_sort_order_", "_flag_mask_", "_singles_mask_", "_all_bits_", "_inverted_"),
        *("__new__", "__new_member__"),
    }
)
"""What the metaclass makes by itself."""


def reduced(value: Any) -> Any:
    """How to pickle `value`, or NotImplemented where pickle knows."""
    kind = type(value)
    if kind is types.FunctionType:
        return NotImplemented if _importable(value) else _reduced_function(value)
    if issubclass(kind, type):
        return NotImplemented if _importable(value) else _reduced_class(value)
    if kind is types.CellType:
        if not _is_full(value):
            return build_cell, ()
        return build_cell, (), value.cell_contents, None, None, fill_cell
    if kind is types.ModuleType or issubclass(kind, types.ModuleType):
        return _reduced_module(value)
    if kind is types.CodeType:
        return build_code, (MAGIC, marshal.dumps(value))
    if kind is types.MappingProxyType:
        return build_mapping, (dict(value),)
    if kind is property:
        return property, (value.fget, value.fset, value.fdel, value.__doc__)
    if kind in (staticmethod, classmethod):
        return kind, (value.__func__,)
    if kind is functools._lru_cache_wrapper and value.__module__ == "__main__":
        return build_cached, (value.__wrapped__, _cache_size(value), vars(value))
    if kind is typing.TypeVar and value.__module__ == "__main__":
        variance = (value.__covariant__, value.__contravariant__)
        return build_type_variable, (value.__name__, value.__constraints__, value.__bound__, *variance)
    if id(value) in _SENTINELS:
        return getattr, (dataclasses, _SENTINELS[id(value)])
    return NotImplemented


def _importable(value: Any) -> bool:
    """Whether another interpreter finds this function or class by its name, or pickle knows it otherwise."""
    if isinstance(value, type) and not value.__flags__ & _MADE_BY_CODE:
        return True
    found: Any = sys.modules.get(str(value.__module__))
    if value.__module__ == "__main__" or getattr(found, "__spec__", None) is None:
        return False
    for part in value.__qualname__.split("."):
        found = getattr(found, part, None)
    return found is value


def _reduced_module(module: types.ModuleType) -> Any:
    spec = getattr(module, "__spec__", None)
    if spec is None or sys.modules.get(module.__name__) is not module:
        raise PicklingError(f"the module {module.__name__} cannot be imported by its name")
    return build_module, (module.__name__,)


# Functions


def _is_full(cell: Any) -> bool:
    try:
        cell.cell_contents  # noqa: B018 - it raises
    except ValueError:
        return False
    return True


def _reduced_function(function: Any) -> Any:
    state = {name: getattr(function, name) for name in _FUNCTION_ATTRIBUTES if hasattr(function, name)}
    arguments = (function.__code__, function.__globals__, function.__name__, function.__closure__)
    return build_function, arguments, (state, dict(vars(function))), None, None, fill_function


def build_code(magic: str, code: bytes) -> Any:
    return marshal.loads(code) if magic == MAGIC else None  # noqa: S302 - trusted as the notebooks are


def build_cell() -> Any:
    return types.CellType()


def fill_cell(cell: Any, content: Any) -> None:
    cell.cell_contents = content


def build_function(code: Any, namespace: dict[str, Any], name: str, closure: Any) -> Any:
    if code is not None:
        return types.FunctionType(code, namespace, name, None, closure)

    def another_python(*args: Any, **options: Any) -> Any:
        raise RuntimeError(f"{name} was defined under another version of Python: define it again.")

    return another_python


def fill_function(function: Any, state: Any) -> None:
    attributes, own = state
    for name, value in attributes.items():
        setattr(function, name, value)
    vars(function).update(own)


# Classes


def _reduced_class(cls: Any) -> Any:
    if issubclass(cls, enum.Enum) and getattr(cls, "_member_map_", None):
        return _reduced_enum(cls)
    content = {name: value for name, value in vars(cls).items() if name not in _OF_THE_CLASS_ITSELF}
    slots = content.pop("__slots__", None)
    first = {"__module__": cls.__module__, "__qualname__": cls.__qualname__}
    if slots is not None:
        first["__slots__"] = slots
        for name in [slots] if isinstance(slots, str) else slots:
            private = name.startswith("__") and not name.endswith("__")
            content.pop(f"_{cls.__name__.lstrip('_')}{name}" if private else name, None)
    bases = vars(cls).get("__orig_bases__") if typing.Generic in cls.__bases__ else cls.__bases__
    return build_class, (type(cls), cls.__name__, bases, first), content, None, None, fill_class


def _reduced_enum(cls: Any) -> Any:
    members = {name: member._value_ for name, member in cls._member_map_.items()}
    content = {
        name: value
        for name, value in vars(cls).items()
        if name not in _OF_AN_ENUM and name not in _OF_THE_CLASS_ITSELF and name not in members
    }
    own = {
        name: {key: value for key, value in vars(member).items() if key not in _OF_A_MEMBER}
        for name, member in cls._member_map_.items()
    }
    arguments = (type(cls), cls.__name__, cls.__bases__, members, cls.__module__, cls.__qualname__)
    return build_enum, arguments, (content, own), None, None, fill_enum


def build_class(meta: Any, name: str, bases: tuple[Any, ...], content: dict[str, Any]) -> Any:
    return types.new_class(name, bases, {"metaclass": meta}, lambda space: space.update(content))


def build_enum(
    meta: Any, name: str, bases: tuple[Any, ...], members: dict[str, Any], module: str, qualname: str
) -> Any:
    space = meta.__prepare__(name, bases)
    space["__module__"] = module
    space["__qualname__"] = qualname
    for member, value in members.items():
        space[member] = value
    return meta.__new__(meta, name, bases, space)


def fill_class(cls: Any, content: dict[str, Any]) -> None:
    for name, value in content.items():
        type.__setattr__(cls, name, value)


def fill_enum(cls: Any, state: Any) -> None:
    content, own = state
    fill_class(cls, content)
    for name, attributes in own.items():
        vars(cls._member_map_[name]).update(attributes)


# The rest


def build_module(name: str) -> Any:
    return importlib.import_module(name)


def build_mapping(content: dict[str, Any]) -> Any:
    return types.MappingProxyType(content)


def _cache_size(cached: Any) -> tuple[int | None, bool]:
    if hasattr(cached, "cache_parameters"):
        parameters = cached.cache_parameters()
        return parameters["maxsize"], parameters["typed"]
    return cached.cache_info().maxsize, False  # Python 3.8


def build_cached(function: Any, size: tuple[int | None, bool], own: dict[str, Any]) -> Any:
    """With an empty cache."""
    cached = functools.lru_cache(*size)(function)
    vars(cached).update(own)
    return cached


def build_type_variable(name: str, constraints: Any, bound: Any, covariant: bool, contravariant: bool) -> Any:
    variable = typing.TypeVar(  # type: ignore[misc]
        name, *constraints, bound=bound, covariant=covariant, contravariant=contravariant
    )
    variable.__module__ = "__main__"
    return variable


BUILDERS = {
    builder.__name__: builder
    for builder in (
        build_code,
        build_cell,
        fill_cell,
        build_function,
        fill_function,
        build_class,
        build_enum,
        fill_class,
        fill_enum,
        build_module,
        build_mapping,
        build_cached,
        build_type_variable,
    )
}
