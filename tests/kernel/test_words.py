from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_datasphere.errors import UsageError
from jupyter_datasphere.kernel.words import split


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("", []),
        ("  a   b\t", ["a", "b"]),
        ("'two words' \"and 'more'\"", ["two words", "and 'more'"]),
        ("--project='two words'", ["--project=two words"]),
        # Quotes belong to an expression …
        ('-i unit="kg"', ["-i", 'unit="kg"']),
        ("-i last=rows['a b']", ["-i", "last=rows['a b']"]),
        ('--input=unit="kg" -iunit="g"', ['--input=unit="kg"', '-iunit="g"']),
        ('-i parts="a b".split()', ["-i", 'parts="a b".split()']),
        ("-i same=a==b", ["-i", "same=a==b"]),
        # … unless they enclose all of it and it holds spaces, or enclose the name, too.
        ('-i top="len(rows) // 10"', ["-i", "top=len(rows) // 10"]),
        ("-i 'top=len(rows) // 10'", ["-i", "top=len(rows) // 10"]),
        ("-i \"title='two words'\"", ["-i", "title='two words'"]),
        ('-i quoted="a \\"b\\" c"', ["-i", 'quoted=a "b" c']),
    ],
)
def test_words(line: str, words: list[str]) -> None:
    assert split(line) == words


@pytest.mark.parametrize("line", ["'a", 'x="a', "a'", "a 'b' \"", "it's"])
def test_a_quote_that_is_not_closed(line: str) -> None:
    with pytest.raises(UsageError, match="not closed"):
        split(line)


@given(
    st.lists(st.text(st.characters(exclude_characters="\"'\\", exclude_categories=["Z", "C"]), min_size=1))
)
def test_words_without_quotes_are_what_they_are(words: list[str]) -> None:
    assert split(" ".join(words)) == words


@given(st.text())
def test_any_line_is_split_or_refused(line: str) -> None:
    try:
        split(line)
    except UsageError:
        assert set(line) & {'"', "'"}
