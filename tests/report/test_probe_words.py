"""What would decide a probe, in words: arguments of the call, as there is no study file with sections."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from critlab.analysis.confounds.negative_control import NegativeControl
from critlab.analysis.judgement.guards import Unconverged
from critlab.analysis.judgement.verdict import Verdict
from critlab.analysis.statistics import summarise
from critlab.deficits import WhiteNoise
from critlab.hooks.own_loop.options import ProbeOptions
from critlab.hooks.own_loop.probe import probe
from critlab.report.text.judgement.confounds import confound_text
from critlab.report.text.judgement.guards import guard_text
from critlab.report.text.judgement.remedies import HOW, HOW_IN_A_PROBE, remedy_texts
from critlab.study.runs.missing_contrasts import MissingContrast
from synthetic import synthetic_results


def make(seed: int) -> dict[str, float]:
    return {"score": 0.8 + 0.01 * float(torch.rand(()))}


def advance(state: dict[str, float], epoch: int, deprive: Any) -> dict[str, float]:
    deprive(torch.rand(1, 1, 2, 2), torch.zeros(1))
    state["score"] -= 0.01 * float(torch.rand(())) + 0.1 * (deprive.deficit is not None)
    return {"train_loss": 1.0}


def asked(store: Path, **options: Any) -> Verdict:
    functions: dict[str, Any] = {"save": dict, "load": dict, "deficit": WhiteNoise(), "store": store}
    given = {"recovery": 1, "seeds": 3, "version": "1", "check": False, **options}
    return probe(make, advance, lambda state: state["score"], **functions, **given).verdict()


def text_of(verdict: Verdict) -> str:
    return "\n".join(verdict.lines())


def test_the_controls_that_a_probe_lacks_are_named_as_its_arguments(tmp_path: Path) -> None:
    verdict = asked(tmp_path, at=[0, 1, 2], delay=False, restart=False)
    text = text_of(verdict)
    assert verdict.own_loop
    assert "To measure harm, give restart=True to critlab.probe" in text
    assert "To measure beyond delay, give delay=True to critlab.probe" in text
    assert not any(section in text for section in ("[controls]", "[optimizer]", "clock ="))


def test_the_timing_of_a_probe_needs_rates_that_critlab_knows(tmp_path: Path) -> None:
    verdict = asked(tmp_path, onsets=[0, 2], length=1, restart=False, smallest_damage=0.1)
    text = text_of(verdict)
    assert "timing" in {one.name for one in verdict.missing}
    assert "To measure timing, describe the training in a study file" in text
    assert "critlab does not know the learning rates of your own loop" in text
    assert "[optimizer]" not in text


def test_every_argument_that_the_words_name_is_there() -> None:
    named = {"restart", "delay", "total"} & set(ProbeOptions.__dataclass_fields__)
    assert named == {"restart", "delay", "total"}
    assert HOW.keys() - HOW_IN_A_PROBE.keys() == {"switch"}, "a probe has no switch"


@pytest.mark.parametrize("key", HOW_IN_A_PROBE)
def test_no_remedy_of_a_probe_names_a_section_of_a_file(key: str) -> None:
    verdict = synthetic_results().verdict()
    missing = (MissingContrast("harm", 5, "off", key, 8),)
    own, file = (next(remedy_texts(replace(verdict, missing=missing, own_loop=own_loop))) for own_loop in (True, False))
    assert "[" not in own
    assert own != file
    if key == "controls.at":
        assert "at= that ends at 5, because its controls are at the last removal" in own
    if key == "controls.equal_total":
        assert "epochs for each seed" not in own, "the cost is that of other runs"


def test_guards_and_confounds_of_a_probe_name_no_section_either() -> None:
    rise = summarise([0.02, 0.03, 0.025])
    own, file = (
        guard_text(Unconverged(rise, 4, 6, longer=True, has_equal_total=False, where=where))
        for where in ("unknown_rate", "last_third")
    )
    assert "give critlab.probe total= in place of recovery=" in own
    assert "[controls]" not in own
    assert "set equal_total = true in [controls]" in file
    verdict = synthetic_results().verdict()
    lacking = NegativeControl(at=(5,), arm="vertical_flip")
    assert "[controls]" in confound_text(verdict, lacking)
    assert confound_text(replace(verdict, own_loop=True), lacking).endswith("has no results at removal epoch 5.")


def test_runs_of_equal_length_hide_nothing_in_a_probe(tmp_path: Path) -> None:
    """What the words advise: with ``total=``, no run trains longer than its control."""
    nothing: dict[str, Any] = {"at": [1, 2], "smallest_damage": 0.5}
    longer = asked(tmp_path / "recovery", **nothing, delay=False, restart=False)
    assert "length" in longer.reasons
    assert "give total= to critlab.probe in place of recovery=" in text_of(longer)
    equal = asked(tmp_path / "total", **nothing, recovery=None, total=3)
    assert "length" not in equal.reasons
