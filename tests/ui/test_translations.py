"""Every text of the front end and its settings is translated."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import jupyter_datasphere

FRONT_END = Path(__file__).parents[2] / "labextension"
CATALOGUE = "locale/ru_RU/LC_MESSAGES/jupyter_datasphere.json"
FORMS = 3
"""One, few and many."""


def test_no_text_is_without_a_russian_one_and_none_is_left_over() -> None:
    command = ["node", "strings.mjs"]
    shown = subprocess.run(command, cwd=FRONT_END, capture_output=True, text=True, check=True).stdout
    texts = dict(json.loads(shown))
    assert jupyter_datasphere.__file__ is not None
    catalogue = json.loads((Path(jupyter_datasphere.__file__).parent / CATALOGUE).read_text("utf-8"))
    assert catalogue.pop("")["version"] == jupyter_datasphere.__version__
    assert sorted(set(texts) - set(catalogue)) == []
    assert sorted(set(catalogue) - set(texts)) == []
    for text, plural in texts.items():
        translations = catalogue[text]
        assert len(translations) == (FORMS if plural else 1), text
        for translation in translations:
            assert translation.strip()
            assert sorted(re.findall(r"%\d", translation)) == sorted(re.findall(r"%\d", text)), text
