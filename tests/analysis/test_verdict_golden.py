"""The answers and numbers of verdicts, held in one golden file.

To renew it after a deliberate change, run ``CRITLAB_RENEW_GOLDEN=1 pytest tests/analysis/test_verdict_golden.py``. Then
read the diff.
"""

from __future__ import annotations

import json
import os

import pytest

import paths
from verdict_cases import cases, numbers, rounded

GOLDEN = paths.GOLDEN / "verdicts.json"


@pytest.mark.slow
def test_answers_and_numbers_are_those_of_the_golden_file() -> None:
    found = {name: rounded(numbers(results)) for name, results in cases()}
    if os.environ.get("CRITLAB_RENEW_GOLDEN"):
        lines = (f" {json.dumps(name)}: {json.dumps(verdict)}" for name, verdict in found.items())
        GOLDEN.write_text("{\n" + ",\n".join(lines) + "\n}\n")
    golden = json.loads(GOLDEN.read_text())
    assert found.keys() == golden.keys()
    for name, verdict in found.items():
        assert verdict == golden[name], name
