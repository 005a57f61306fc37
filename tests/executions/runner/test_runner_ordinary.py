"""Cells come out of the runner as they come out of an ordinary kernel."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from executions.runner.runner_kernel import Kernel, Result, start

CASES = {
    "print": "print('a'); print('b', end='')",
    "value": "21 * 2",
    "no value after semicolon": "21 * 2;",
    "the last expression only": """\
1
2
'three'""",
    "streams in order": """\
import sys
for i in range(50):
    print(i)
    print(-i, file=sys.stderr)
    sys.stdout.write('.')""",
    "streams and displays in order": """\
import sys
from IPython.display import display
print(1)
display(2)
print(3, file=sys.stderr)
display(4)
print(5)
6""",
    "rich repr": """\
class R:
    def _repr_html_(self): return '<b>x</b>'
    def _repr_mimebundle_(self, **k):
        return {'application/x+json': {'a': [1]}}, {'application/x+json': {'expanded': True}}
R()""",
    "html markdown latex json": """\
from IPython.display import *
display(HTML('<i>a</i>'), Markdown('*a*'), Latex('$a$'), JSON({'a': [1]}), metadata={'k': 1})""",
    "image": """\
from IPython.display import Image
Image(data=b'\\x89PNG\\r\\n\\x1a\\n' + bytes(100), format='png')""",
    "display id": """\
from IPython.display import display
h = display('a', display_id='one')
h.update('b')
display('c', display_id='one', update=True)""",
    "clear_output": """\
from IPython.display import clear_output
print(1)
clear_output(wait=True)
print(2)
clear_output()""",
    "carriage returns": """\
import sys
for i in range(5):
    sys.stderr.write(f'\\r{i}/4'); sys.stderr.flush()""",
    "plot": """\
import matplotlib.pyplot as plt
plt.rcParams['svg.hashsalt'] = 'x'
print('before')
fig, ax = plt.subplots(figsize=(1, 1))
_ = ax.plot([1, 2])
print('after')""",
    "plot shown": """\
import matplotlib.pyplot as plt
plt.figure(figsize=(1, 1)); plt.show()
print('after')""",
    "plot of a cell that fails": """\
import matplotlib.pyplot as plt
plt.figure(figsize=(1, 1)); 1 / 0""",
    "shell line": "!echo a; echo b >&2; echo c",
    "shell assignment": """\
x = !echo a
x""",
    "bash": """\
%%bash
echo a
echo b >&2""",
    "bash that fails": """\
%%bash
echo a
exit 3""",
    "line magic": """\
%precision 2
1 / 3""",
    "magic with a body": """\
%%capture out
print('hidden')
1""",
    "captured output shown": "out()",
    "unknown magic": "%no_such_magic",
    "writefile and run": """\
%%writefile a_script.py
print(__name__)
value = 3""",
    "run": """\
%run a_script.py
value""",
    "run that fails": """\
open('b.py', 'w').write('1 / 0') and None
get_ipython().run_line_magic('run', 'b.py')
print('on')""",
    "who": """\
%reset -f
own = 1
%who""",
    "await": """\
import asyncio
print(1)
await asyncio.sleep(0)
print(await asyncio.sleep(0, 2))
await asyncio.sleep(0, 3)""",
    "gather": """\
import asyncio
async def f(i):
    await asyncio.sleep(0)
    print(i)
    return i
await asyncio.gather(*(f(i) for i in range(3)))""",
    "async for": """\
async def g():
    yield 1
    yield 2
async for i in g(): print(i)""",
    "thread": """\
import threading
t = threading.Thread(target=print, args=('in a thread',)); t.start(); t.join()
print('main')""",
    "logging": """\
import logging
log = logging.getLogger('test'); log.handlers = [logging.StreamHandler()]
log.warning('careful')""",
    "logging by an earlier handler": """\
log.warning('again')
print('x')
log.error('and again')""",
    "warning": """\
import warnings
warnings.warn('careful')
print('on')""",
    "redirected": """\
import contextlib, io
with contextlib.redirect_stdout(io.StringIO()) as s: print('hidden')
s.getvalue()""",
    "results": "_, __, Out[max(Out)] is _",
    "globals": """\
import __main__
__name__, __main__.__dict__ is globals(), 'x' in __main__.__dict__""",
    "pickle": """\
import pickle
class P:
    a = 1
def f(): return 7
pickle.loads(pickle.dumps((P(), f)))[1]()""",
    "nested cell": """\
r = get_ipython().run_cell('print(1)\\n1/0')
print(r.success)""",
    "exception": """\
def f(x):
    return 1 / x
print('a')
f(0)""",
    "exception chain": """\
try:
    {}['k']
except KeyError as e:
    raise ValueError('no') from e""",
    "exception in await": """\
import asyncio
async def f():
    await asyncio.sleep(0)
    raise OSError(2, 'x')
await f()""",
    "exception shown only": """\
try:
    1 / 0
except Exception:
    get_ipython().showtraceback()
print('on')""",
    "exception group": "raise ExceptionGroup('g', [ValueError(1)])",
    "own traceback": """\
class E(Exception):
    def _render_traceback_(self): return ['mine']
raise E('text')""",
    "exception in a repr": """\
class B:
    def __repr__(self): raise ValueError('bad repr')
print(1)
B()""",
    "assertion": "assert 1 == 2, 'sums'",
    "name error": "no_such_name",
    "syntax error": """\
x = (1,
y = 2""",
    "syntax error later": """\
print('not run')
def f(:
    pass""",
    "indentation error": """\
if True:
x = 1""",
    "return outside": """\
print('run')
return 3""",
    "keyboard interrupt raised": "raise KeyboardInterrupt('mine')",
    "sys.exit": """\
import sys
print('a')
sys.exit(3)""",
    "sys.exit(0)": """\
import sys
sys.exit(0)""",
    "exit by text": "raise SystemExit('no more')",
    "unicode": """\
print('жук 🐞 \\x1b[31mred\\x1b[0m \\x00')
'жук'""",
    "empty": "",
    "comment": "# nothing",
    "help of a function": "help(len)",
    "output widget": """\
import ipywidgets
out = ipywidgets.Output()
with out:
    print('in the widget')
print('outside')""",
    "a display in a widget that fails": """\
with out:
    1 / 0
print('on')""",
    "future": """\
from __future__ import annotations
def f(x: no_such): pass
f.__annotations__""",
    "future stays": """\
def g(x: no_such): pass
g.__annotations__""",
    "directory": """\
import os
os.makedirs('sub', exist_ok=True)
%cd sub""",
    "directory stays": """\
import os
print(os.path.basename(os.getcwd()))
%cd ..""",
    "input": """\
try:
    input('?')
except Exception as e:
    print(type(e).__name__)""",
}


@pytest.fixture(scope="module")
def ordinary(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kernel]:
    yield from start(tmp_path_factory.mktemp("project"))


@pytest.mark.parametrize("name", CASES)
def test_as_in_an_ordinary_kernel(name: str, kernel: Kernel, ordinary: Kernel) -> None:
    expected = normal(ordinary.plain(CASES[name]), ordinary)
    result = kernel.run(CASES[name])
    assert normal(all_of(result), kernel) == expected
    assert (result.status == "ok") == (result.of("failure") == [])
    assert expected or name in ("empty", "comment", "no value after semicolon", "magic with a body", "future")


def all_of(result: Result) -> list[dict[str, Any]]:
    """The outputs as an ordinary kernel gives them, the failure among them."""
    found = []
    for event in result.events:
        if event["type"] == "output":
            found.append({"message": event["message"], **event["content"]})
        elif event["type"] == "failure":
            found.append(
                {"message": "error", **{name: event[name] for name in ("ename", "evalue", "traceback")}}
            )
    return found


def normal(outputs: list[dict[str, Any]], kernel: Kernel) -> list[dict[str, Any]]:
    """Without what differs from process to process, and what ipykernel does not keep in order."""

    def cleaned(value: Any) -> Any:
        if isinstance(value, str):
            value = re.sub(r"ipykernel_\d+", "ipykernel_N", value)
            value = re.sub(r"In\[\d+\]", "In[N]", value)
            value = re.sub(r"0x[0-9a-f]{6,}", "0xN", value)
            value = re.sub(r"\S+: UserWarning: To exit: .*\n.*\n", "", value)
            return value.replace(str(kernel.folder), "PROJECT")
        if isinstance(value, dict):
            return {key: cleaned(item) for key, item in value.items() if key != "execution_count"}
        return [cleaned(item) for item in value] if isinstance(value, list) else value

    found: list[dict[str, Any]] = []
    streams: dict[str, str] = {}

    def settle() -> None:
        found.extend({"message": "stream", name: text} for name, text in sorted(streams.items()) if text)
        streams.clear()

    for output in outputs:
        output = cleaned(output)
        if output["message"] == "stream":
            streams[output["name"]] = streams.get(output["name"], "") + output["text"]
        elif not output["message"].startswith("comm"):
            settle()
            if output["message"] == "error" and len(output.get("traceback", [])) < 2:
                output.pop("traceback", None)  # IPython has written it to stderr
            found.append(output)
    settle()
    return found
