"""The wording of every finding, pinned in one golden file; everything else of a verdict is tested as values.

To renew it after a deliberate change, run ``CRITLAB_RENEW_GOLDEN=1 pytest tests/report/test_sentences.py``. Then read
the diff as a user would.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from functools import cache
from typing import get_args

import pytest

import paths
from critlab.analysis.confounds.confound import Confound
from critlab.analysis.judgement.verdict import Answer, Reason, Verdict
from critlab.report.documents.document import verdict_document
from critlab.report.text.judgement.verdict import verdict_lines
from verdict_cases import cases

GOLDEN = paths.GOLDEN / "sentences.txt"


@cache
def verdicts() -> Mapping[str, Verdict]:
    """The verdict of each case."""
    return {name: results.verdict() for name, results in cases()}


@pytest.mark.slow
def test_every_finding_is_worded_as_in_the_golden_file() -> None:
    seen: set[str] = set()
    blocks = []
    for name, verdict in verdicts().items():
        lines = [line for line in verdict_lines(verdict) if line not in seen]
        seen.update(lines)
        blocks.append("\n".join([f"# {name}", *lines]))
    text = "\n\n".join(blocks) + "\n"
    if os.environ.get("CRITLAB_RENEW_GOLDEN"):
        GOLDEN.write_text(text, encoding="utf-8")
    assert text == GOLDEN.read_text(encoding="utf-8")
    assert not re.search(r"(?<=[\s\[(])-\d", text), "a hyphen stands for a minus sign"
    assert not re.search(r"\b1 (seeds|runs|pairs|records|kinds)\b", text), "a plural after one"
    for word in ("likewise", "alike", "beside", "mends", "told", "dearer", "suffer", "anew"):
        assert not re.search(rf"\b{word}\b", text), word


@pytest.mark.slow
def test_the_document_holds_numbers_and_words() -> None:
    for name, found in cases():
        verdict, document = found.verdict(), verdict_document(found)
        assert json.loads(json.dumps(document, allow_nan=False)) == document, name
        assert document["answer"] == verdict.answer
        assert document["lines"] == verdict.lines()
        assert [one["estimate"] for one in document["damages"]] == [one.estimate for one in verdict.damages]
        assert len(document["confounds"]) == len(verdict.confounds)


@pytest.mark.slow
def test_the_cases_hold_every_kind_of_finding() -> None:
    found = verdicts().values()
    kinds = {type(one).__name__ for verdict in found for one in (*verdict.confounds, *verdict.notes, *verdict.guards)}
    leaves = {kind.__name__ for kind in _leaves(Confound)}
    assert leaves - kinds == {"UnknownRate"}, "only a user's own loop has one; test_probe sees it"
    assert {"Gain", "EqualDamages", "InterventionEffect", "Mixture", "BackgroundEffect"} <= kinds
    assert {"SourceBalance", "PrimeWindows", "Unconverged", "AtChance", "Constant"} <= kinds
    assert {"ControlPoint", "NeverRemoved", "Diverged", "Unfinished", "MixedMachines", "SingleSeed"} <= kinds
    shares = {(type(one).__name__, _kind(one)) for verdict in found for one in verdict.confounds}
    for name in ("Delay", "TrainingScore", "NegativeControl", "OtherSchedule"):
        assert {"bounded", "open", "none"} <= {kind for own, kind in shares if own == name}, name
    assert {verdict.answer for verdict in found} == set(get_args(Answer))
    reasons = {reason for verdict in found for reason in verdict.reasons}
    assert set(get_args(Reason)) - reasons == set()


def _kind(confound: Confound) -> str:
    if confound.share is None:
        return "none"
    return "bounded" if confound.share.bounded else "open"


def _leaves(kind: type) -> list[type]:
    below: list[type] = kind.__subclasses__()
    return [leaf for sub in below for leaf in _leaves(sub)] if below else [kind]
