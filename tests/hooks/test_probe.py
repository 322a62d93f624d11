"""Forks of a training that critlab has never seen: each equals the run from scratch, and ends in a page."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import critlab
import own_trainings as mine
from critlab._core.errors import StudyError
from critlab.analysis.confounds.learning_rate import UnknownRate
from critlab.analysis.test_images import image_sample
from critlab.deficits import DataSubset, LabelNoise, TokenBijection, TokenShuffle
from critlab.hooks.deprivation import DataInfo
from critlab.hooks.own_loop.learner import OwnLearner, OwnLoop, OwnState
from critlab.hooks.own_loop.packing import pack, unpack
from critlab.hooks.own_loop.probe import probe
from critlab.measures.correct_images import CorrectImages
from critlab.measures.reading import Reading
from critlab.study.ingredients.measurement import Measurement
from critlab.study.runs.recipe import recipes
from critlab.training.seeding import seeded

DEFICIT = TokenShuffle(window=5)
LOOP = OwnLoop(mine.make, mine.advance, mine.evaluate, mine.save, mine.load)


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


def asked(store: Path, **changes: Any) -> critlab.Results:
    """Without the controls that count epochs: the training has a schedule of its own."""
    options: dict[str, Any] = {"save": mine.save, "load": mine.load, "deficit": DEFICIT, "at": [0, 1, 3], "recovery": 2}
    options |= {"delay": False, "restart": False}
    functions = [changes.pop(name, getattr(mine, name)) for name in ("make", "advance", "evaluate")]
    return probe(*functions, **{**options, "seeds": 2, "store": store, **changes})


def from_scratch(results: critlab.Results, run: Any, seed: int) -> list[float]:
    """Test accuracies of a run that was never saved."""
    learner = OwnLearner(LOOP, DataInfo())
    state, found = learner.start({"seed": seed}), []
    for epoch, recipe in enumerate(recipes(run, results.study)):
        learner.advance(state, recipe, epoch)
        found.append(learner.measure(state, None)[0].value)  # type: ignore[arg-type]
    return found


def measured(given: Any, by_image: bool = True) -> list[Reading]:
    """What a learner reads where ``evaluate`` returns ``given``."""
    loop = OwnLoop(mine.make, mine.advance, lambda state: given, mine.save, mine.load)
    return OwnLearner(loop, DataInfo()).measure(OwnState(None, 0, 1), Measurement("test", None, None, by_image))


@pytest.mark.parametrize("kind", [list, np.array, torch.tensor])
def test_an_evaluation_may_say_which_test_images_are_correct(kind: Callable[[list[bool]], Any]) -> None:
    correct = kind([True, False, True])
    for found in ({"test_correct": correct}, {"test_correct": correct, "test_accuracy": 2 / 3, "test_loss": 0.5}):
        first, *others = measured(found)
        assert first.quantity == "test_accuracy"
        assert first.value == pytest.approx(2 / 3)
        assert first.correct == CorrectImages((3,), "oA==")
        assert all(one.correct is None for one in others)
        assert measured(found, by_image=False)[0].correct is None, "only in the epochs that count"
    assert measured(0.5)[0].correct is None


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ({"test_correct": np.array([1, 0])}, "received int64 of shape .2,.; must be a boolean array"),
        ({"test_correct": np.ones((2, 2), bool)}, "received bool of shape .2, 2."),
        ({"test_correct": []}, "received list without values"),
        ({"test_correct": None}, "must be a boolean array"),
        ({"test_correct": np.array([True, False]), "test_accuracy": 0.75}, "test_accuracy: received 0.75; must be 0.5"),
    ],
)
def test_correctness_that_is_none_is_refused_in_one_line(given: Any, why: str) -> None:
    with pytest.raises(StudyError, match=why) as error:
        measured(given)
    assert "\n" not in str(error.value)


def test_a_probe_knows_its_test_images(tmp_path: Path) -> None:
    """Every seed errs on the same images, and a tenth more after the deficit: nothing but the images is a sample."""
    images = np.arange(100)

    def train(state: dict[str, int], epoch: int, deprive: Any) -> dict[str, float]:
        given = torch.arange(7)[None]
        state["deprived"] += int(not torch.equal(deprive(given, given)[0], given))
        return {"train_loss": 1.0, "train_accuracy": 0.5}

    def score(state: dict[str, int]) -> dict[str, Any]:
        return {"test_correct": images >= 20 + 10 * min(state["deprived"], 1)}

    results = probe(
        lambda seed: {"deprived": 0},
        train,
        score,
        save=dict,
        load=dict,
        deficit=TokenBijection(vocabulary=7),
        at=[0, 2],
        recovery=2,
        seeds=3,
        store=tmp_path / "s",
        version="1",
        check=False,
    )
    run = next(run for run in results.study.runs if run.role == "deficit")
    sample = image_sample(results, ((1, run.controls[0].control), (-1, run.name)))
    assert sample is not None
    assert (sample.images, sample.seeds, sample.limited_by) == (100, 3, "images")
    assert sample.variance == pytest.approx(0.1 * 0.9 / 99)


@pytest.mark.slow
def test_a_fork_equals_the_run_from_scratch_and_there_is_a_page(tmp_path: Path) -> None:
    trained = []

    def counted(state: Any, epoch: int, deprive: Any) -> Any:
        trained.append(epoch)
        return mine.advance(state, epoch, deprive)

    random.seed(8)
    before = torch.get_rng_state(), random.getstate(), np.random.get_state(legacy=False)["state"]["key"].copy()
    results = asked(tmp_path / "s", advance=counted, version="1", check=False)
    assert torch.equal(torch.get_rng_state(), before[0])
    assert random.getstate() == before[1]
    assert np.array_equal(np.random.get_state(legacy=False)["state"]["key"], before[2])
    # a trunk of three epochs, and clean branches of two epochs at 0, 1 and 3
    assert len(trained) == 2 * (3 + 3 * 2)
    assert {outcome.status for outcome in results.outcomes} == {"done"}
    for run in results.study.runs:
        for seed in results.study.seeds:
            rows = results.by_run[run.identifier(seed)]
            ours = [row.value for row in rows if row.quantity == "test_accuracy"]
            assert ours == from_scratch(results, run, seed), run.name
    curve = results.curve()
    assert [point.at for point in curve.points] == [0, 1, 3]
    page = critlab.report(results, tmp_path / "page.html").read_text()
    assert "token shuffle" in page
    assert "the same call of critlab.probe" in page
    again = asked(tmp_path / "s", advance=counted, version="1", at=[0, 1, 2, 3], check=False)
    assert len(trained) == 2 * (3 + 3 * 2) + 2 * 2, "a removal epoch more trains only what is new"
    assert again.by_run["token_shuffle-0-3-of-5-seed1"] == results.by_run["token_shuffle-0-3-of-5-seed1"]


@pytest.mark.slow
def test_windows_controls_and_the_rehearsal(tmp_path: Path) -> None:
    results = asked(
        tmp_path / "s",
        at=None,
        onsets=[0, 2],
        length=1,
        total=4,
        recovery=None,
        controls=[TokenBijection(vocabulary=6)],
    )
    assert {outcome.status for outcome in results.outcomes} == {"done"}
    names = {confound.name: confound for confound in results.verdict().confounds}
    if "learning rate" in names:
        assert isinstance(names["learning rate"], UnknownRate)
    assert [point.at for point in results.curve("token_bijection").points] == [0, 2]


@pytest.mark.slow
def test_deficits_that_know_each_example(tmp_path: Path) -> None:
    noise = asked(tmp_path / "s", deficit=LabelNoise(share=0.5), at=[0, 1], examples=96, classes=3, name="noise")
    few = asked(tmp_path / "s", deficit=DataSubset(count=12), at=[0, 1], all_labels=mine.TRAIN[1], name="few")
    for results in (noise, few):
        assert {outcome.status for outcome in results.outcomes} == {"done"}


def test_a_training_that_diverges_is_a_result(tmp_path: Path) -> None:
    def broken(state: Any, epoch: int, deprive: Any) -> dict[str, float]:
        found = mine.advance(state, epoch, deprive)
        return {**found, "train_loss": float("nan")} if deprive.deficit and epoch == 1 else found

    results = asked(tmp_path / "s", advance=broken, check=False, seeds=1)
    statuses = {outcome.run.name: outcome.status for outcome in results.outcomes}
    assert statuses["token_shuffle-0-1-of-3"] == "done"
    assert statuses["token_shuffle-0-3-of-5"] == "diverged"


def without(part: str) -> Callable[[Any], Any]:
    return lambda state: {key: value for key, value in mine.save(state).items() if key != part}


def forgetful(part: str) -> Callable[[Any], Any]:
    def load(saved: Any) -> mine.Training:
        return mine.load({**mine.save(mine.make(0)), **{key: saved[key] for key in saved if key != part}})

    return load


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"load": forgetful("model")}, "the state itself differ"),
        ({"save": without("optimizer"), "load": forgetful("optimizer")}, "another epoch"),
        ({"save": lambda state: state}, "Training"),
        ({"make": lambda seed: mine.make(torch.seed() % 100), "version": "1"}, "two states"),
        ({"advance": lambda state, epoch, deprive: None, "version": "1"}, "train_loss and train_accuracy"),
        ({"evaluate": lambda state: "good", "version": "1", "check": False}, "every value must be a number"),
        ({"at": None}, "give at="),
        ({"at": [3, 1]}, "increasing"),
        ({"recovery": None}, "recovery"),
        ({"deficit": LabelNoise(share=0.5), "version": "1", "check": False}, "give classes="),
    ],
)
def test_what_is_wrong_is_said(changes: dict[str, Any], said: str, tmp_path: Path) -> None:
    with pytest.raises(StudyError, match=said):
        asked(tmp_path / "s", seeds=1, **changes)


def test_a_loop_that_never_deprives_is_told(tmp_path: Path) -> None:
    def deaf(state: Any, epoch: int, deprive: Any) -> dict[str, float]:
        return {"train_loss": 1.0, "train_accuracy": 0.5}

    with pytest.raises(StudyError, match="did not call deprive"):
        asked(tmp_path / "s", advance=deaf, version="1", check=False)


LEAVES = (
    st.none()
    | st.booleans()
    | st.integers(-(2**60), 2**60)
    | st.floats(allow_nan=False)
    | st.text(max_size=4)
    | st.sampled_from([torch.float32, torch.bfloat16, torch.float64, torch.int64, torch.bool, torch.float16]).map(
        lambda dtype: torch.tensor([[1.5, 0.0], [-2.0, 3.0]]).to(dtype)
    )
    | st.just(torch.tensor(3.25))
    | st.just(np.arange(4, dtype=np.float32))
)


def equal(one: Any, other: Any) -> bool:
    if isinstance(one, torch.Tensor):
        return one.dtype == other.dtype and torch.equal(one, other)
    if isinstance(one, np.ndarray):
        return one.dtype == other.dtype and np.array_equal(one, other)
    if isinstance(one, dict):
        return list(one) == list(other) and all(equal(one[key], other[key]) for key in one)
    if isinstance(one, list | tuple):
        return type(one) is type(other) and len(one) == len(other) and all(map(equal, one, other))
    return type(one) is type(other) and one == other


@settings(max_examples=60, deadline=None)
@given(
    st.recursive(
        LEAVES,
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.tuples(inner, inner)
            | st.dictionaries(st.integers(0, 9) | st.text(max_size=3), inner, max_size=3)
        ),
        max_leaves=8,
    )
)
def test_packed_states_come_back(state: Any) -> None:
    assert equal(unpack(pack(state)), state)


def test_packed_states_share_no_memory() -> None:
    weight = torch.ones(3)
    arrays = pack({"w": weight})
    weight.zero_()
    assert torch.equal(unpack(arrays)["w"], torch.ones(3))
    with pytest.raises(StudyError, match=r"state\['f'\]\[0\]: received function"):
        pack({"f": [test_packed_states_share_no_memory]})


def test_seeded_code_draws_the_same_and_leaves_the_generators() -> None:
    def drawn() -> list[float]:
        return [random.random(), float(np.random.rand()), float(torch.rand(()))]

    with seeded(7):
        first = drawn()
    torch.rand(5)
    with seeded(7):
        assert drawn() == first
    with seeded(8):
        assert drawn() != first


def test_it_is_a_public_name() -> None:
    assert critlab.probe is probe
