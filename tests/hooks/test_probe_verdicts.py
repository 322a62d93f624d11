"""What a verdict says of a user's own loop whose truth is known; ``evidence/probe_verdicts.py`` does it 200 times."""

from __future__ import annotations

from pathlib import Path

import pytest

from synthetic_loops import FALSE, SCORES, probed


@pytest.mark.slow
@pytest.mark.parametrize("kind", SCORES)
def test_a_known_training_gets_no_false_answer(kind: str, tmp_path: Path) -> None:
    answers = [probed(kind, study, tmp_path / str(study)).verdict().answer for study in range(3)]
    assert not set(answers) & set(FALSE[kind]), answers
    if kind == "harm":
        assert answers.count("present") >= 2


@pytest.mark.slow
def test_pure_delay_is_damage_only_and_the_frozen_run_shows_it(tmp_path: Path) -> None:
    verdict = probed("delay", 0, tmp_path, seeds=12).verdict()
    found = {one.name: one for one in verdict.damages if one.at == 6}
    assert found["lasting_damage"].exceeds
    assert found["delay"].estimate == pytest.approx(found["lasting_damage"].estimate, abs=0.02)
    assert found["beyond_delay"].estimate == pytest.approx(0, abs=0.02)
    assert verdict.answer in ("damage_only", "undecided")
    (share,) = [one.share for one in verdict.confounds if one.name == "delay"]
    assert share is not None
    assert share.low < 1 < share.high
