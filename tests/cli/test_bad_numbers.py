"""A few hundred of the bad inputs of ``broken.py``; ``evidence/bad_inputs.py`` runs five thousand."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from broken import KINDS, bad_input, emptied, files_in
from command import JARGON, Command


@pytest.mark.slow
@pytest.mark.parametrize("first", range(len(KINDS)), ids=[kind.__name__.strip("_") for kind in KINDS])
def test_bad_inputs_by_number(critlab: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, first: int) -> None:
    monkeypatch.setenv("CRITLAB_OFFLINE", "1")
    for number in range(first, 300, len(KINDS)):
        folder = emptied(tmp_path / "here")
        monkeypatch.chdir(folder)
        bad = bad_input(number, folder)
        before = files_in(folder)
        answer = critlab(*bad.arguments)
        told = f"{number}: {bad}: {answer}"
        assert (answer.status, answer.out) == (2, ""), told
        assert len(re.findall(r"^critlab: ", answer.err, re.M)) == 1, told
        assert any(name in answer.err for name in bad.names), told
        assert not JARGON.search(answer.err), told
        assert files_in(folder) == before, told
