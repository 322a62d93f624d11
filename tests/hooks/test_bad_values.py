"""Values and functions that a user's own loop cannot have: one message each, before anything is trained."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial, wraps
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from critlab._core.errors import Diverged, StudyError
from critlab.deficits import WhiteNoise
from critlab.hooks.deprivation import DataInfo
from critlab.hooks.own_loop.lasting_damage import LastingDamage, lasting_damage
from critlab.hooks.own_loop.learner import OwnLearner, OwnLoop, OwnState
from critlab.hooks.own_loop.options import ProbeOptions
from critlab.hooks.own_loop.probe import probe
from critlab.hooks.sensitivity.sensitivity import sensitivity
from critlab.hooks.watch.forking.plan import ForkPlan
from critlab.hooks.when.when import when
from critlab.study.ingredients.measurement import Measurement


def make(seed: int) -> dict[str, float]:
    return {"score": 0.0}


def advance(state: dict[str, float], epoch: int, deprive: Any = None) -> dict[str, float]:
    state["score"] += 1
    return {"train_loss": 0.0}


def evaluate(state: dict[str, float]) -> float:
    return state["score"]


def copied(state: dict[str, float]) -> dict[str, float]:
    return dict(state)


def needs_more(state: dict[str, float], *, loader: Any) -> float:
    return 0.0


def recovered(**changes: Any) -> LastingDamage:
    """The score before the stretch is 1 and after it 1.5, so the stretch did no harm."""
    given: dict[str, Any] = {"epoch": 2, "stretch": 2, "recovery": 1, "repeats": 3, **changes}
    functions = {"advance": advance, "evaluate": evaluate, "load": copied}
    return lasting_damage({"score": 1.0}, {"score": 1.5}, **{**functions, **given})


def probed(store: Path, **changes: Any) -> Any:
    given: dict[str, Any] = {"at": [0, 1], "recovery": 1, "seeds": 1, "version": "1", "store": store, **changes}
    functions = {"make": make, "advance": advance, "evaluate": evaluate, "save": copied, "load": copied}
    return probe(deficit=WhiteNoise(), **{**functions, **given})


def switched(store: Path, **changes: Any) -> Any:
    given: dict[str, Any] = {"total": 4, "seeds": 3, "tolerance": 0.1, "store": store, "version": "1", **changes}
    functions = {"make": make, "advance": advance, "evaluate": evaluate, "save": copied, "load": copied}
    return when(switch=lambda state, on: None, **{**functions, **given})


def forked(**changes: Any) -> Any:
    given: dict[str, Any] = {"epoch": 0, "total": 4, "deprived": 1, "clean": 1, **changes}
    functions = {"advance": advance, "evaluate": evaluate, "load": copied, "save": copied}
    return sensitivity({"score": 0.0}, deficits=[WhiteNoise()], **{**functions, **given})


def planned(**changes: Any) -> ForkPlan:
    given: dict[str, Any] = {"total": 100, "advance": advance, "load": copied, "save": copied, **changes}
    return ForkPlan(deficits=[WhiteNoise()], evaluate=evaluate, **given).fitted().within_budget()


NUMBERS = {recovered: "epoch stretch recovery repeats", forked: "epoch total deprived clean repeats most_epochs"}


@pytest.mark.parametrize(("call", "name"), [(call, name) for call, names in NUMBERS.items() for name in names.split()])
@pytest.mark.parametrize("value", [-1, 1.5, True, "2", float("nan")])
def test_numbers_of_epochs_are_whole(call: Callable[..., Any], name: str, value: Any) -> None:
    with pytest.raises(StudyError, match=rf"{name}: received {value!r}; must be a whole number"):
        call(**{name: value})


@pytest.mark.parametrize("name", ["total", "deprived", "clean"])
@pytest.mark.parametrize("value", [-1, 0, 1.5, True, float("inf")])
def test_a_plan_of_forks_has_whole_epochs(name: str, value: Any) -> None:
    with pytest.raises(StudyError, match=rf"forks: {name}: received {value!r}; must be a whole number, at least 1"):
        planned(**{name: value})
    assert planned(**{name: np.int64(100 if name == "total" else 2)}).total == 100


@pytest.mark.parametrize("value", ["2", None, float("inf")])
def test_a_budget_of_forks_is_a_share(value: Any) -> None:
    with pytest.raises(StudyError, match=r"forks: fork_budget: received .*; must be above 0"):
        planned(fork_budget=value)


@pytest.mark.parametrize("value", [-1, float("nan"), "a", True])
def test_no_stretch_did_harm_because_of_a_smallest_damage_below_zero(value: Any) -> None:
    with pytest.raises(StudyError, match="lasting_damage: smallest_damage: received"):
        recovered(smallest_damage=value)
    assert recovered(smallest_damage=0).answer != "present"


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"threads": 1.5}, "probe: threads: received 1.5; must be a whole number, or None"),
        ({"threads": "2"}, "probe: threads: received '2'; must be a whole number, or None"),
        ({"restart": "no"}, "probe: restart: received 'no'; must be True or False"),
        ({"check": 1}, "probe: check: received 1; must be True or False"),
        ({"knowledge": 3}, "probe: knowledge: received int; must be"),
        ({"classes": -1}, "probe: classes: received -1; must be a whole number, at least 0"),
        ({"normalised": 3}, "normalised: .*must be .mean, deviation."),
        ({"options": 3}, r"probe: options: received int; must be ProbeOptions\(\.\.\.\)"),
        ({"evaluate": needs_more}, r"probe: evaluate: must take \(state\), but: missing .*'loader'"),
        ({"advance": lambda state, epoch: {}}, r"probe: advance: must take \(state, epoch, deprive\), but: too many"),
        ({"make": lambda *, seed: {"score": 0.0}}, r"probe: make: must take \(seed\), but: too many"),
    ],
)
def test_what_a_probe_cannot_have(changes: dict[str, Any], said: str, tmp_path: Path) -> None:
    with pytest.raises(StudyError, match=said):
        probed(tmp_path / "s", **changes)
    assert not (tmp_path / "s").exists()


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"seeds": 3.0}, "when: seeds: received 3.0; must be a number above 0"),
        ({"seeds": True}, "when: seeds: received True; must be a number above 0"),
        ({"seeds": None}, "when: seeds: received None; must be a number above 0"),
        ({"seeds": {"first": 3, "most": 4.0}}, "when: seeds: received .*; must be a number above 0"),
        ({"times": 3}, "when: times: received 3; must be a list of epochs"),
        ({"most_times": 0}, "when: most_times: received 0; must be a whole number, at least 1"),
        ({"diverged": "a"}, "when: diverged: received 'a'; must be a finite number, or None"),
        ({"cost": 3}, r"when: cost: received int; must be a function of \(epoch, on\)"),
        ({"cost": lambda epoch: 1.0}, r"when: cost: must take \(epoch, on\), but: too many"),
        ({"evaluate": needs_more}, "when: evaluate: must take .*'loader'"),
        ({"options": ProbeOptions()}, "when: options: received ProbeOptions; must be WhenOptions"),
    ],
)
def test_what_when_cannot_have(changes: dict[str, Any], said: str, tmp_path: Path) -> None:
    with pytest.raises(StudyError, match=said):
        switched(tmp_path / "s", **changes)
    assert not (tmp_path / "s").exists()


@pytest.mark.parametrize("remedies", [[3], {"a": 3}, {"a": lambda: None}])
def test_remedies_are_functions_of_a_state(remedies: Any) -> None:
    with pytest.raises(StudyError, match="lasting_damage: remedies: "):
        recovered(remedies=remedies)


def test_numbers_of_numpy_and_wrapped_functions_are_taken() -> None:
    @wraps(needs_more)
    def wrapper(*arguments: Any) -> float:
        return needs_more(*arguments, loader=None) + 1

    found = recovered(repeats=np.int64(3), epoch=np.int64(2), evaluate=wrapper)
    assert len(found.scores["with"]) == 3
    assert recovered(evaluate=partial(needs_more, loader=None)).scores["with"] == (0, 0, 0)


@pytest.mark.parametrize("given", ["0.5", b"0.5", torch.ones(2), {"test_accuracy": "0.5"}])
def test_a_score_that_is_no_number_names_the_function_that_was_called(given: Any) -> None:
    with pytest.raises(StudyError, match=r"^lasting_damage: evaluate: returned .*; every value must be a number"):
        recovered(evaluate=lambda state: given)


def test_an_empty_mapping_is_called_so() -> None:
    with pytest.raises(StudyError, match="advance: returned an empty mapping; must be a mapping with train_loss"):
        recovered(advance=lambda state, epoch, deprive: {})


@pytest.mark.parametrize("score", [1e300, -1e101, 10**400])
def test_a_score_beyond_what_a_store_holds_is_that_of_a_diverged_training(score: Any) -> None:
    loop = OwnLoop(make, advance, lambda state: score, copied, copied)
    with pytest.raises(Diverged, match="test_accuracy was"):
        OwnLearner(loop, DataInfo()).measure(OwnState(None, 0, 1), Measurement("test", None, None))


def test_kept_scores_of_a_remedy_go_by_its_code() -> None:
    def by(amount: float) -> Callable[[dict[str, float]], None]:
        return lambda state: state.update(score=state["score"] + amount)

    kept: dict[str, float] = {}
    first = recovered(kept=kept, remedies={"mend": by(1)})
    count = len(kept)
    other = recovered(kept=kept, remedies={"mend": by(5)})
    assert other.scores["mend"][0] - first.scores["mend"][0] == 4
    assert len(kept) == count + 3, "only the remedy is trained again"
    assert recovered(kept=kept, remedies={"mend": by(1)}) == first
    assert len(kept) == count + 3


def deprives(state: dict[str, float], epoch: int, deprive: Any = None) -> dict[str, float]:
    if deprive is not None:
        deprive(torch.zeros(2, 1, 4, 4), torch.zeros(2))
    return advance(state, epoch)


@pytest.mark.parametrize("given", ["0.5", b"1", torch.ones(2), [0.5], None])
def test_a_text_is_no_score_in_any_loop(given: Any, tmp_path: Path) -> None:
    with pytest.raises(StudyError, match=r"^sensitivity: evaluate: returned \w+; must be a number"):
        forked(advance=deprives, evaluate=lambda state: given)
    with pytest.raises(StudyError, match=r"^when: evaluate: the metric: received \w+; must be a number"):
        switched(tmp_path / "s", evaluate=lambda state: given)


@pytest.mark.parametrize("given", [None, "a", torch.ones(2)])
def test_what_a_fork_trained_is_numbers(given: Any) -> None:
    with pytest.raises(
        StudyError, match=r"^sensitivity: advance: returned {'train_loss': .*}; every value must be a num"
    ):
        forked(advance=lambda state, epoch, deprive: {"train_loss": given})


def test_a_number_beyond_all_floats_is_not_finite_for_a_fork() -> None:
    with pytest.raises(Diverged, match="sensitivity: evaluate: the score after epoch 2 was not finite"):
        forked(advance=deprives, evaluate=lambda state: 10**400)


BEYOND: dict[str, tuple[Any, str]] = {
    "no float": (10**400, "was inf; must"),
    "no record": (1e300, r"was beyond 1e\+100; must"),
}


@pytest.mark.parametrize(("number", "said"), BEYOND.values(), ids=BEYOND)
def test_a_score_beyond_what_a_store_holds_is_said_by_when(number: Any, said: str, tmp_path: Path) -> None:
    with pytest.raises(StudyError, match=f"the metric {said} be finite"):
        switched(tmp_path / "s", evaluate=lambda state: number)


def test_whole_numbers_of_numpy_are_taken_in_every_call(tmp_path: Path) -> None:
    found = switched(tmp_path / "s", total=np.int64(4), seeds=np.int64(3), times=np.array([1, 2]))
    assert found.total == 4
