"""Variables of a session, pickled and read again in a namespace that is another one."""

from __future__ import annotations

import io
import math
import pickle
import sys
import threading
import time
import types
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jupyter_datasphere.executions.runner.source import carried, pickles


class Session:
    """A namespace as the shell has it: that of the module `__main__`."""

    def __init__(self, code: str = "") -> None:
        self.module = types.ModuleType("__main__")
        self.names = vars(self.module)
        with self:
            self.run(code)

    def __enter__(self) -> Session:
        self._main = sys.modules["__main__"]
        sys.modules["__main__"] = self.module
        return self

    def __exit__(self, *error: object) -> None:
        sys.modules["__main__"] = self._main

    def run(self, code: str) -> None:
        exec(compile(code, "<session>", "exec", dont_inherit=True), self.names)

    def value(self, expression: str) -> Any:
        return eval(expression, self.names)

    def variables(self) -> dict[str, Any]:
        return {name: value for name, value in self.names.items() if not name.startswith("__")}


def written(session: Session) -> tuple[bytes, list[str]]:
    file = io.BytesIO()
    variables = session.variables()
    with session:
        for value in variables.values():
            pickles.weigh(value, session.names, 10**9, math.inf)
        pickles.write(file, variables, session.names, math.inf)
    return file.getvalue(), list(variables)


def restored(content: bytes, names: list[str], code: str = "") -> tuple[Session, dict[str, str]]:
    session = Session(code)
    with session:
        lost = pickles.load(lambda: io.BytesIO(content), names, session.names)
    return session, lost


def through(code: str) -> Session:
    """A session after its interpreter was another one."""
    session, lost = restored(*written(Session(code)))
    assert lost == {}
    return session


# Data


atoms = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text()
    | st.binary()
    | st.complex_numbers(allow_nan=False)
)
hashables = st.recursive(
    atoms, lambda inner: st.tuples(inner, inner) | st.frozensets(inner, max_size=3), max_leaves=5
)
values = st.recursive(
    hashables,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(hashables, inner, max_size=4)
        | st.sets(hashables, max_size=4)
        | st.binary().map(bytearray)
        | st.datetimes()
        | st.decimals(allow_nan=False)
        | st.builds(range, st.integers(-100, 100))
    ),
    max_leaves=15,
)


@settings(max_examples=300, deadline=None)
@given(st.lists(values, min_size=1, max_size=6), st.data())
def test_data_comes_back_equal_and_shared_where_it_was_shared(found: list[Any], data: st.DataObject) -> None:
    """Every variable may refer to objects of the others."""
    before = Session()
    for number, value in enumerate(found):
        before.names[f"v{number}"] = value
    picks = st.lists(st.integers(0, len(found) - 1), min_size=1, max_size=5)
    chosen = [data.draw(picks) for _ in range(3)]
    for number, indexes in enumerate(chosen):
        before.names[f"list{number}"] = [found[index] for index in indexes]
    before.names["itself"] = loop = []
    loop.append(loop)
    after, lost = restored(*written(before))
    assert lost == {}
    for number, value in enumerate(found):
        assert repr(after.names[f"v{number}"]) == repr(value) or after.names[f"v{number}"] == value
    for number, indexes in enumerate(chosen):
        for place, index in enumerate(indexes):
            assert type(found[index]) in (int, float, complex) or (
                after.names[f"list{number}"][place] is after.names[f"v{index}"]
            )
    assert after.value("itself[0] is itself")


def test_arrays() -> None:
    after = through(
        "import numpy as np\na = np.arange(5)\nb = [a, a]\nr = np.zeros(2, dtype=[('x', 'i4')])\nu = np.sin"
    )
    assert after.value("b[0] is b[1] is a and np.mean(a) == 2.0 and r['x'][1] == 0 and u is np.sin")


# Functions


def test_functions_see_the_namespace_itself() -> None:
    after = through("x = 1\ndef f(): return x\ndef g():\n    global y\n    y = f() + 1")
    after.run("x = 10\ng()")
    assert after.names["y"] == 11
    assert after.value("f.__globals__ is globals()")
    assert through("g = globals()\nh = [g]").value("g is globals() is h[0]")


def test_closures_share_their_cells() -> None:
    after = through(
        "def counter():\n    n = 0\n    def up():\n        nonlocal n\n        n += 1\n    def now(): return n\n    return up, now\n"
        "up, now = counter()\nup()\nalso = [up]"
    )
    assert after.value("also[0] is up")
    after.run("up(); also[0]()")
    assert after.value("now()") == 3


def test_a_cell_comes_before_and_after_its_function() -> None:
    code = "def make():\n    n = [1]\n    return lambda: n\n"
    assert through(code + "f = make()\ncell = f.__closure__[0]").value("cell.cell_contents is f()")
    assert through(code + "f_ = make()\ncell = f_.__closure__[0]\nf = f_\ndel f_").value(
        "cell.cell_contents is f()"
    )
    assert through(code + "cell = make().__closure__[0]").value("cell.cell_contents") == [1]


def test_a_function_that_refers_to_itself_and_one_whose_cell_is_empty() -> None:
    after = through(
        "def outer():\n    def fact(n): return 1 if n < 2 else n * fact(n - 1)\n    return fact\nfact = outer()\n"
        "def hollow():\n    def inner(): return later\n    if False: later = 1\n    return inner\nempty = hollow()\n"
        "def me(): pass\nme.me = me"
    )
    assert after.value("fact(5)") == 120
    assert after.value("fact.__closure__[0].cell_contents is fact and me.me is me")
    with pytest.raises(NameError):
        after.value("empty()")


def test_many_closures_that_refer_to_each_other() -> None:
    lines = [
        f"    def f{n}(d): return {n} if d == 0 else f{(n + 1) % 60}(d - 1) + f{(n + 7) % 60}(0)"
        for n in range(60)
    ]
    after = through("\n".join(["def make():", *lines, "    return f0"]) + "\nf = make()")
    before = Session("\n".join(["def make():", *lines, "    return f0"]) + "\nf = make()")
    assert after.value("f(100)") == before.value("f(100)")


def test_all_of_a_function_travels() -> None:
    after = through(
        "import functools\ndef f(a, b: int = 2, *c, d=[3], **e) -> str:\n    'about'\n    return a, b, c, d, e\n"
        "f.own = 1\npart = functools.partial(f, 1)\n@functools.lru_cache(maxsize=7)\ndef cached(n): return n * 2\n"
        "cached(1)\n@functools.wraps(f)\ndef wrapped(): return 'w'\nbound = [].append\nbuilt = len\nlam = lambda: part()"
    )
    assert after.value("f(1, x=5)") == (1, 2, (), [3], {"x": 5})
    assert after.value("(f.__doc__, f.own, f.__annotations__, f.__qualname__, f.__module__)") == (
        "about",
        1,
        {"b": int, "return": str},
        "f",
        "__main__",
    )
    assert after.value(
        "part() == lam() == f(1) and wrapped() == 'w' and wrapped.__wrapped__ is f and built is len"
    )
    assert after.value("(cached(4), cached.cache_info().maxsize)") == (8, 7)


def test_modules_go_by_their_name() -> None:
    after = through("import os.path, json as j\np = os.path\nfrom json import dumps\nimport __main__ as m")
    import json
    import os

    assert (after.names["j"], after.names["p"], after.names["dumps"]) == (json, os.path, json.dumps)
    assert after.value("m") is after.module


def test_functions_made_by_a_module_keep_the_globals_of_the_module() -> None:
    after = through("import contextlib\n@contextlib.contextmanager\ndef c(): yield 1\nhelper = c")
    assert after.value("helper is c and c.__wrapped__.__globals__ is globals()")
    assert after.value("c.__globals__ is vars(contextlib)")
    after.run("with c() as one: pass")


# Classes


CLASSES = {
    "inheritance, super and a class variable": (
        "class A:\n    n = 0\n    def __init__(self): self.x = 1\n"
        "class B(A):\n    def __init__(self):\n        super().__init__()\n        B.n += 1\n    @property\n    def y(self): return self.x + 1\n"
        "    @staticmethod\n    def s(): return 's'\n    @classmethod\n    def c(cls): return cls\nb = B()",
        "(b.y, b.s(), b.c() is B, type(b) is B, B.n, B().n) == (2, 's', True, True, 1, 2)",
    ),
    "slots": (
        "class S:\n    __slots__ = ('a', '__p')\n    def __init__(self): self.a = self.__p = 1\ns = S()",
        "s.a == 1 and s._S__p == 1 and not hasattr(s, '__dict__')",
    ),
    "dataclass": (
        "from dataclasses import *\n@dataclass(order=True)\nclass D:\n    a: int\n    b: list = field(default_factory=list)\n    c: InitVar[int] = 1\nd = D(1)",
        "(d, D(1, [2]), asdict(d), replace(d, a=3, c=1).a, fields(D)[1].name) == (D(1), D(1, [2]), {'a': 1, 'b': []}, 3, 'b')",
    ),
    "named tuples": (
        "from typing import NamedTuple\nfrom collections import namedtuple\nclass N(NamedTuple):\n    a: int\n    b: str = 'x'\nP = namedtuple('P', 'x y')\nn, p = N(1), P(1, 2)",
        "n == N(1) and n.b == 'x' and p.y == 2 and type(p) is P",
    ),
    "enums": (
        "from enum import *\nclass C(Enum):\n    RED = auto()\n    BLUE = auto()\n    AZURE = BLUE\n    def low(self): return self.name.lower()\n"
        "class F(Flag):\n    A = 1\n    B = 2\nclass Planet(Enum):\n    X = (1, 2)\n    def __init__(self, a, b): self.total = a + b\n"
        "class I(IntEnum):\n    ONE = 1\nc, f, x = C.RED, F.A | F.B, Planet.X",
        "c is C.RED and c.low() == 'red' and C.AZURE is C.BLUE and list(C) == [C.RED, C.BLUE] and f == F.A | F.B and x.total == 3 and I.ONE + 1 == 2 and C(2) is C.BLUE",
    ),
    "abstract": (
        "from abc import *\nclass A(ABC):\n    @abstractmethod\n    def f(self): ...\nclass B(A):\n    def f(self): return 1\nb = B()",
        "isinstance(b, A) and b.f() == 1 and A.__abstractmethods__ == {'f'}",
    ),
    "generic": (
        "from typing import *\nT = TypeVar('T')\nclass G(Generic[T]):\n    def __init__(self, x: T): self.x = x\ng = G[int](1)\nalias = G[int]",
        "g.x == 1 and alias(2).x == 2 and G.__parameters__ == (T,)",
    ),
    "metaclass": (
        "class M(type):\n    def __call__(cls, *a): return super().__call__(*a), 'm'\nclass K(metaclass=M): pass\nk = K()",
        "K()[1] == 'm' and type(K) is M and type(k[0]) is K",
    ),
    "exception with arguments": (
        "class E(Exception):\n    pass\ne = E('a', 1)",
        "type(e) is E and e.args == ('a', 1)",
    ),
    "inner class and class that refers to itself": (
        "class O:\n    class I: pass\nO.me = O\nO.I.up = O\ni = O.I()",
        "O.me is O and i.up is O and type(i) is O.I",
    ),
    "reduced by itself": (
        "class R:\n    def __reduce__(self): return R, ()\nr = [R()] * 2",
        "type(r[0]) is R and r[0] is r[1]",
    ),
    "state by itself": (
        "class W:\n    def __init__(self): self.v = 2\n    def __getstate__(self): return {'v': 2}\n    def __setstate__(self, s): self.v = s['v']\nw = W()",
        "w.v == 2",
    ),
    "init_subclass and set_name": (
        "seen = []\nclass P:\n    def __init_subclass__(cls, **o): seen.append(cls.__name__)\nclass D:\n    def __set_name__(self, o, n): self.n = n\nclass Q(P):\n    d = D()\nq = Q()",
        "q.d.n == 'd' and issubclass(Q, P)",
    ),
}


@pytest.mark.parametrize("what", CLASSES)
def test_classes(what: str) -> None:
    code, check = CLASSES[what]
    assert Session(code).value(check) is True
    assert through(code).value(check) is True
    content, names = written(through(code))  # and once more
    assert restored(content, names)[0].value(check) is True


def test_a_class_may_come_after_its_object() -> None:
    before = Session("class A:\n    def f(self): return type(self) is A\na = A()")
    file = io.BytesIO()
    with before:
        pickles.write(file, {"a": before.names["a"], "A": before.names["A"]}, before.names, math.inf)
    assert restored(file.getvalue(), ["a", "A"])[0].value("a.f()") is True


# What does not travel


REFUSED = {
    "import threading\nv = threading.Lock()": "lock",
    "v = (n for n in [1])": "generator",
    "v = open('/dev/null', 'w')": "TextIOWrapper",
    "import socket\nv = socket.socket()": "socket",
    "import sqlite3\nv = sqlite3.connect(':memory:')": "Connection",
    "import threading\nv = {'deep': [threading.current_thread()]}": "",
    "import types\nv = types.ModuleType('made_here')": "made_here",
    "async def f(): pass\nv = f()": "coroutine",
    "class X:\n    def __reduce__(self): raise ValueError('not me')\nv = X()": "not me",
    "v = []\nfor _ in range(100_000): v = [v]": "recursion",
}


@pytest.mark.parametrize("code", REFUSED)
@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore:coroutine")
def test_what_cannot_be_pickled_says_why(code: str) -> None:
    session = Session(code)
    with session, pytest.raises(Exception) as raised:
        pickles.weigh(session.names["v"], session.names, 10**9, math.inf)
    assert REFUSED[code] in str(raised.value)
    value = session.names.pop("v")
    if hasattr(value, "close"):
        value.close()


def test_size_and_time_are_bounded() -> None:
    session = Session()
    with session:
        with pytest.raises(pickles.OutOfRoom):
            pickles.weigh(bytes(200_000), session.names, 100_000, math.inf)
        with pytest.raises(pickles.OutOfTime):
            pickles.weigh([object() for _ in range(100)], session.names, 10**9, time.monotonic())
        assert 200_000 < pickles.weigh(bytes(200_000), session.names, 10**9, math.inf) < 201_000


def test_one_that_changed_its_mind_is_named() -> None:
    session = Session(
        "class X:\n    n = 0\n    def __reduce__(self):\n        X.n += 1\n        if X.n > 1: raise ValueError('no more')\n        return list, ()\nv = X()"
    )
    with session:
        pickles.weigh(session.names["v"], session.names, 10**9, math.inf)
        with pytest.raises(pickles.Unwritable) as raised:
            pickles.write(io.BytesIO(), {"v": session.names["v"]}, session.names, math.inf)
    assert str(raised.value) == "v"


# What cannot be read


@pytest.fixture
def gone() -> Iterator[types.ModuleType]:
    """A module that is there when a session is written."""
    module = types.ModuleType("soon_gone")
    module.__spec__ = __import__("importlib.machinery").machinery.ModuleSpec("soon_gone", None)
    code = "class Thing:\n    def __init__(self): self.v = 1\n    def __setstate__(self, s): self.__dict__.update(s)\ndef f(): pass"
    exec(code, vars(module))
    sys.modules["soon_gone"] = module
    yield module
    sys.modules.pop("soon_gone", None)


def test_what_cannot_be_made_is_named_and_all_else_is_there(gone: types.ModuleType) -> None:
    before = Session(
        "import soon_gone, collections\nshared = [1]\nbad = [shared, soon_gone.Thing()]\ninner = bad[1]\n"
        "good = {'a': shared, 'b': [2]}\ntoo = [good]\nf = soon_gone.f\n"
        "d = collections.OrderedDict(x=soon_gone.Thing(), y=1)\ns = {soon_gone.f, 1}\ndef g(): return good\n"
        "class C(soon_gone.Thing): pass\nc = C()\nlast = 'last'"
    )
    content, names = written(before)
    del sys.modules["soon_gone"]
    after, lost = restored(content, names)
    assert set(lost) == {"soon_gone", "bad", "inner", "f", "d", "s", "C", "c"}
    assert all("soon_gone" in why or "could not be restored" in why for why in lost.values())
    assert after.value(
        "good == {'a': [1], 'b': [2]} and too[0] is good and good['a'] is shared and g() is good"
    )
    assert after.names["last"] == "last"


def test_what_was_made_on_the_way_to_a_failure_is_not_trusted(gone: types.ModuleType) -> None:
    before = Session(
        "import soon_gone\nbad = [[1], soon_gone.Thing()]\nbad[0].append(bad[1])\npart = bad[0]\nfree = [1]"
    )
    del before.names["soon_gone"]
    content, names = written(before)
    del sys.modules["soon_gone"]
    after, lost = restored(content, names)
    assert set(lost) == {"bad", "part"}
    assert after.names["free"] == [1]


def test_an_exception_that_cannot_be_made_again_harms_nothing_else() -> None:
    before = Session(
        "class E(Exception):\n    def __init__(self, a, b): super().__init__(a)\ne = E(1, 2)\nx = [1]"
    )
    after, lost = restored(*written(before))
    assert list(lost) == ["e"]
    assert "missing 1 required positional argument" in lost["e"]
    assert after.names["x"] == [1]


def test_what_is_needed_to_make_an_object_may_come_after_it() -> None:
    code = "class K:\n    def __hash__(self): return late()\ndef late(): return 7\ns = {K()}"
    before = Session(code)
    file = io.BytesIO()
    names = ["s", "K", "late"]
    with before:
        pickles.write(file, {name: before.names[name] for name in names}, before.names, math.inf)
    after, lost = restored(file.getvalue(), names)
    assert lost == {}
    assert after.value("type(next(iter(s))) is K and len(s) == 1")


def test_code_of_another_python_is_not_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(carried, "MAGIC", "0d0d0d0a")
    content, names = written(Session("def f(): return 1\nclass A:\n    def g(self): pass\na = A()\nx = 1"))
    monkeypatch.undo()
    after, lost = restored(content, names)
    assert lost == {}
    assert after.names["x"] == 1
    with pytest.raises(RuntimeError, match="f was defined under another version of Python"):
        after.value("f()")


def test_names_of_builders_are_the_format() -> None:
    """A session that another version of the runner wrote is read by these names."""
    assert list(carried.BUILDERS) == [
        "build_code",
        "build_cell",
        "fill_cell",
        "build_function",
        "fill_function",
        "build_class",
        "build_enum",
        "fill_class",
        "fill_enum",
        "build_module",
        "build_mapping",
        "build_cached",
        "build_type_variable",
    ]
    content, _ = written(Session("def f(): pass\nclass A: pass"))
    assert carried.__name__.encode() not in content


def test_a_thread_that_changes_a_variable_meanwhile_harms_no_other() -> None:
    session = Session("grows = {}\nx = 1")
    stop = threading.Event()

    def grow() -> None:
        number = 0
        while not stop.is_set():
            session.names["grows"][number % 5000] = object()
            session.names["grows"].pop((number * 7) % 5000, None)
            number += 1

    thread = threading.Thread(target=grow)
    thread.start()
    try:
        with session:
            for _ in range(20):
                try:
                    pickles.weigh(session.names["grows"], session.names, 10**9, math.inf)
                except RuntimeError as error:
                    assert "changed size" in str(error)
    finally:
        stop.set()
        thread.join()
    assert pickle.HIGHEST_PROTOCOL >= pickles.PROTOCOL
