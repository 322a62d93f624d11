"""``critlab bench closing``: the rule of the page, every mistake in a rule, and the shipped records."""

from __future__ import annotations

import hashlib
import json
import re
import zipfile
from pathlib import Path

import pytest

from command import JARGON, Command
from critlab._core.errors import DataError
from critlab.bench.trainings import RECORDS, SIGNALS, read_training, trainings
from paths import DOCS


@pytest.mark.slow
def test_the_rule_of_the_page_is_judged(critlab: Command, tmp_path: Path) -> None:
    page = (DOCS / "findings/bench_closing.md").read_text(encoding="utf-8")
    (tmp_path / "bench_rule_of_the_page.py").write_text(re.findall(r"```python\n(.*?)```", page, re.DOTALL)[0])
    answer = critlab("bench", "closing", "--rule", "bench_rule_of_the_page:rule", "--json")
    assert answer.status == 0, answer.err
    document = json.loads(answer.out)
    assert document["schema_version"] == 1
    (row,) = document["rules"]
    assert row["rule"] == "bench_rule_of_the_page:rule"
    assert -1 <= row["scores"]["pooled"]["low"] <= row["scores"]["pooled"]["high"] <= 1
    assert row["scores"]["spent"] > 0


@pytest.mark.slow
def test_the_table_of_the_page_is_what_the_command_prints(critlab: Command) -> None:
    page = (DOCS / "findings/bench_closing.md").read_text(encoding="utf-8")
    answer = critlab("bench", "closing", "--rule", "forecast", "--json")
    (row,) = json.loads(answer.out)["rules"]
    line = next(line for line in page.splitlines() if line.startswith(f"| {row['title']} |"))
    pooled = row["scores"]["pooled"]
    assert f"| {pooled['value']:.2f} [{pooled['low']:.2f}, {pooled['high']:.2f}] |" in line


@pytest.mark.parametrize(
    ("code", "rule", "words"),
    [
        ("", "nonsense", 'must be "your.module:rule"'),
        ("", "no_such_module_here:rule", "cannot be imported"),
        ("x = 1", "bench_own_rule:rule", "has no 'rule'"),
        ("rule = 1", "bench_own_rule:rule", "must be a function of the records so far"),
        ("def rule(records): raise RuntimeError('broken')", "bench_own_rule:rule", "RuntimeError: broken"),
        ("def rule(records): return 'open'", "bench_own_rule:rule", "must answer with a finite number"),
        (
            "def rule(records): return records.signals['rate'][records.epoch + 1]",
            "bench_own_rule:rule",
            "nothing later",
        ),
    ],
)
def test_a_wrong_rule_is_one_line_and_status_2(
    critlab: Command, tmp_path: Path, code: str, rule: str, words: str
) -> None:
    (tmp_path / "bench_own_rule.py").write_text(code)
    answer = critlab("bench", "closing", "--rule", rule)
    assert (answer.status, answer.out) == (2, "")
    lines = [line for line in answer.err.splitlines() if not line.startswith("judging")]
    assert len(lines) == 1, answer.err
    assert words in lines[0]
    assert not JARGON.search(lines[0])


def test_the_records_are_small_safe_and_as_their_names_say() -> None:
    files = sorted(RECORDS.glob("*.npz"))
    assert sum(file.stat().st_size for file in files) < 20_000_000
    for file in files:
        with zipfile.ZipFile(file) as stored:
            assert all(name.endswith(".npy") for name in stored.namelist())
        one = read_training(file)
        assert one.name == file.stem
        assert one.held_out == (int(hashlib.sha256(one.name.encode()).hexdigest(), 16) % 3 == 0)
        assert one.seeds == 10
        assert len(one.onsets) == 7
        assert set(SIGNALS) <= set(one.arrays)
        for deficit in one.deficits:
            assert one.lasting(deficit).shape == (7, 10)


def test_records_that_are_damaged_or_missing_are_one_line(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="holds no records; install critlab again"):
        trainings(tmp_path)
    (tmp_path / "a.npz").write_bytes(b"nothing")
    with pytest.raises(DataError, match=r"a.npz cannot be read .*; install critlab again"):
        trainings(tmp_path)
