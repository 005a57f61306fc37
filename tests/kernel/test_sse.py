from __future__ import annotations

import time

from hypothesis import given
from hypothesis import strategies as st

from jupyter_datasphere.kernel.sse import Parser, ServerSentEvent

line_ends = st.sampled_from([b"\n", b"\r\n", b"\r"])
line_text = st.text(st.characters(exclude_characters="\r\n", exclude_categories=["Cs"]))


@st.composite
def streams(draw: st.DrawFn) -> tuple[bytes, list[ServerSentEvent]]:
    """A stream as a server might write it, and its events."""
    end = draw(line_ends)
    lines: list[bytes] = []
    events = []
    for number in range(draw(st.integers(0, 5))):
        if draw(st.booleans()):
            lines += [b": keep-alive", b""]
        data = [text.encode() for text in draw(st.lists(line_text, min_size=1, max_size=3))]
        lines += [b"id: %d" % number, b"event: message", b"retry: 10"]
        lines += [b"data: " + text for text in data]
        lines += [b""]
        events.append(ServerSentEvent(str(number), b"\n".join(data)))
    return b"".join(line + end for line in lines), events


@given(streams(), st.data())
def test_any_stream_in_any_portions(stream: tuple[bytes, list[ServerSentEvent]], data: st.DataObject) -> None:
    content, events = stream
    cuts = sorted(data.draw(st.lists(st.integers(0, len(content)))))
    parser = Parser()
    parsed = []
    for start, stop in zip([0, *cuts], [*cuts, len(content)], strict=True):
        parsed += parser.feed(content[start:stop])
    assert parsed == events


def test_details_of_the_standard() -> None:
    feed = Parser().feed
    assert feed(b"\xef\xbb\xbfid: 1\ndata\ndata:two\ndata:  three\n\n") == [
        ServerSentEvent("1", b"\ntwo\n three")
    ]
    assert feed(b"data: the id stays\n\n") == [ServerSentEvent("1", b"the id stays")]
    assert feed(b"id: a\0b\ndata: x\n\n") == [ServerSentEvent("1", b"x")]
    assert feed(b"event: problem\ndata: y\n\ndata: z\n\n") == [
        ServerSentEvent("1", b"y", "problem"),
        ServerSentEvent("1", b"z"),
    ]
    assert feed(b"id: 2\n\nunknown: field\n\ndata: never finished\n") == []


def test_mixed_line_ends_even_cut_in_two() -> None:
    parser = Parser()
    assert parser.feed(b"data: a\r") == []
    assert parser.feed(b"\n\r") == [ServerSentEvent("", b"a")]
    assert parser.feed(b"\ndata: b\n\r\n") == [ServerSentEvent("", b"b")]


def test_a_large_event_in_many_chunks_takes_linear_time() -> None:
    parser = Parser()
    began = time.process_time()
    parser.feed(b"data: ")
    for _ in range(800):
        assert parser.feed(b"x" * 65536) == []
    (event,) = parser.feed(b"\n\n")
    assert len(event.data) == 800 * 65536
    assert time.process_time() - began < 5  # quadratic would be minutes
