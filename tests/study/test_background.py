"""Deficits in the background: each with a window of its own, through recipes, tree, store, table and page."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from critlab._core.errors import StudyError
from critlab.analysis.curve import curve
from critlab.analysis.curve_notes import ControlPoint
from critlab.analysis.effects.background import BackgroundEffect
from critlab.analysis.tables.reading import read_results
from critlab.analysis.tables.results import Results
from critlab.analysis.tables.table import Outcome, Row
from critlab.data import load
from critlab.deficits import BatchContext, Blank, Blur, Deficit, WhiteNoise, apply_deficit
from critlab.measures import FisherTrace
from critlab.report.documents.study_text import study_text
from critlab.report.page import page
from critlab.report.text.names import question, run_label
from critlab.store import Store
from critlab.study import BackgroundDeficit, Recipe, Study
from critlab.study.ingredients.measurement import Measurement
from critlab.study.runs.origin import Numerics
from critlab.study.runs.recipe import recipe_digest, recipes
from critlab.study.runs.tree import ROOT, build
from critlab.training.inputs.examples import Examples
from critlab.training.learner import NetworkLearner
from inline import Inline, table

A, B = Blur(factor=7, source="A"), Blur(factor=7, source="B")
BLUR_A: dict[str, Any] = {"deficit": {"name": "blur", "factor": 7, "source": "A"}, "start": 1, "stop": 3}


def study(**changes: Any) -> Study:
    return Study.read(
        {
            "name": "sources",
            "seeds": 1,
            "precision": "float32",
            "data": {"name": "two_view", "of": "sample", "train": 60, "test": 40},
            "model": {"name": "mlp", "hidden": [4]},
            "optimizer": {"name": "sgd", "lr": 0.05, "lr_decay": 0.9, "weight_decay": 0.001, "batch": 30},
            "deficit": {"name": "blur", "factor": 7, "source": "B"},
            "background": [BLUR_A],
            "sweep": {"kind": "removal", "at": [0, 2, 4], "recovery": 4},
            "statistics": {"final_epochs": 1},
            **changes,
        },
        "study.toml",
    )


B_FIRST = "blur(when=after_augment,-source=B,-factor=7)"
"""The study's arm in the names of its runs, told from the other blur."""


def suffered(made: Study, name: str) -> list[tuple[Deficit, ...]]:
    return [recipe.deficits for recipe in recipes(next(run for run in made.runs if run.name == name), made)]


def test_each_deficit_has_its_own_onset_and_removal() -> None:
    made = study()
    assert suffered(made, f"{B_FIRST}-0-4-of-8") == [(B,), (A, B), (A, B), (B,), (), (), (), ()]
    assert suffered(made, "control-of-4") == [(), (A,), (A,), ()]
    assert suffered(made, "control-undisturbed-of-4") == [()] * 4
    windows = study(sweep={"kind": "window", "onsets": [0, 4], "length": 1, "total": 8})
    assert suffered(windows, f"{B_FIRST}-4-5-of-8") == [(), (A,), (A,), (), (B,), (), (), ()]
    kinds = {run.name: dict(run.controls) for run in windows.runs}
    assert kinds[f"{B_FIRST}-4-5-of-8"] == {
        "plain": "control-of-8",
        "undisturbed": "control-undisturbed-of-8",
    }


def test_a_deficit_that_is_on_already_is_not_on_twice() -> None:
    made = study(background=[{**BLUR_A, "deficit": B.special() | {"name": "blur"}}])
    assert suffered(made, "blur-0-2-of-6") == [(B,), (B,), (B,), (), (), ()]


def test_without_a_background_nothing_is_renamed_and_what_is_shared_is_shared() -> None:
    plain = study(background=[])
    assert {run.name for run in plain.runs} == {"control-of-4", "blur-0-2-of-6", "blur-0-4-of-8"}
    assert all("further" not in recipe.identity() for run in plain.runs for recipe in recipes(run, plain))
    alone = study(background=[{**BLUR_A, "start": 0}])
    mirrored = study(background=[], deficit={"name": "blur", "factor": 7, "source": "A"})
    one, other = (made_paths(made) for made in (alone, mirrored))
    assert len(one & other) == 4 + 3, "the clean run, and three epochs of blur of A"
    both, turned = Recipe(0.1, 0.0, deficit=A, further=(B,)), Recipe(0.1, 0.0, deficit=B, further=(A,))
    assert len({recipe_digest(recipe) for recipe in (both, turned, Recipe(0.1, 0.0, deficit=A))}) == 3


def made_paths(made: Study) -> set[str]:
    return set(build(made).nodes) - {ROOT}


@st.composite
def studies(draw: st.DrawFn) -> Study:
    points = sorted(draw(st.sets(st.integers(0, 6), min_size=1, max_size=3)))
    recovery = draw(st.integers(2, 5))
    sweep: dict[str, Any] = {"kind": "removal", "at": points, "recovery": recovery}
    if draw(st.booleans()):
        sweep = {"kind": "window", "onsets": points, "length": draw(st.integers(1, 2)), "recovery": recovery}
    shortest = recovery + (0 if sweep["kind"] == "removal" else points[0] + sweep["length"])
    standing = []
    for deficit in draw(st.lists(st.sampled_from(["vertical_flip", "noise", "blank"]), max_size=2, unique=True)):
        start = draw(st.integers(0, shortest - 2))
        stop = draw(st.one_of(st.just("never"), st.integers(start + 1, shortest - 1)))
        standing.append({"deficit": {"name": deficit, "source": draw(st.sampled_from("AB"))}, "start": start})
        standing[-1]["stop"] = stop
    controls = {"clocks": ["since_removal"], "equal_total": draw(st.booleans()), "deficits": [{"name": "noise"}]}
    return study(sweep=sweep, background=standing, controls=controls)


@settings(max_examples=40, deadline=None)
@given(studies())
def test_laws_of_any_study_with_a_background(made: Study) -> None:
    runs, tree = {run.name: run for run in made.runs}, build(made)
    assert len(runs) == len(made.runs)
    stretches = [path for stage in tree.stages() for path in stage.paths]
    assert sorted(stretches) == sorted(path for path in tree.nodes if path != ROOT), "stages hold every epoch once"
    for run in made.runs:
        steps = [tree.nodes[path].recipe for path in tree.paths(run.name)[1:]]
        assert steps == recipes(run, made), "a run's path is its recipes"
        undisturbed = run.role == "undisturbed_control"
        assert run.background == (() if undisturbed else made.background)
        for epoch, recipe in enumerate(recipes(run, made)):
            there = {one.deficit for one in run.background if epoch in one}
            own = {run.deficit} if run.deficit and epoch in run.window else set()
            assert set(recipe.deficits) == there | own
            assert len(recipe.deficits) == len(there | own)
        against = dict(run.controls)
        assert ("undisturbed" in against) == bool(made.background and run.controls)
        assert all(runs[name].clean for name in against.values())
    assert Study.read(made.model_dump(mode="json"), "again") == made


def batch(*deficits: Deficit, epoch: int = 0, count: int = 20) -> torch.Tensor:
    """A batch of grey pairs as they are seen under some deficits."""
    grey = torch.full((count, 2, 1, 4, 4), 0.5)
    labels = torch.zeros(count, dtype=torch.int64)
    flat = torch.zeros(2, 1, 1, 1)
    examples = Examples(grey, labels, grey, labels, flat, flat + 1, 10)
    first, *further = deficits
    recipe = Recipe(0.1, 0.0, deficit=first, further=tuple(further))
    return examples.training_batch(torch.arange(count), recipe, 3, epoch, 0)[0]


def test_deficits_suffered_together_draw_independently() -> None:
    noise_a, noise_b = WhiteNoise(source="A"), WhiteNoise(source="B")
    both = batch(noise_a, noise_b)
    assert torch.equal(both[:, 0], batch(noise_a)[:, 0]), "the first draws as if it were alone"
    assert not torch.equal(both[:, 0], both[:, 1])
    products = (both[:, 0] - 0.5) * (both[:, 1] - 0.5) * 12
    assert abs(float(products.mean())) < 4 / products.numel() ** 0.5, "uncorrelated within four standard errors"
    images, labels = torch.rand(8, 2, 1, 4, 4), torch.zeros(8, dtype=torch.int64)
    draws = BatchContext(3, 0, 0, torch.arange(8), 8, 10)
    assert torch.equal(
        apply_deficit(noise_a, images, labels, draws)[0], apply_deficit(noise_a, images, labels, draws)[0]
    )


def test_shares_of_the_batches_are_drawn_independently() -> None:
    half_a, half_b = Blank(source="A", batches=0.5), Blank(source="B", batches=0.5)
    hit = torch.stack([(batch(half_a, half_b, epoch=e, count=1) != 0.5).flatten(2).any(2)[0] for e in range(400)])
    rates = [float((hit == torch.tensor(pair)).all(1).float().mean()) for pair in ((0, 0), (0, 1), (1, 0), (1, 1))]
    assert all(abs(rate - 0.25) < 0.09 for rate in rates)  # four standard errors


def test_before_and_after_augmentation_in_the_order_of_the_study() -> None:
    grey = batch(Blank(source="A", when="before_augment"), WhiteNoise(source="A"))
    assert torch.equal(grey[:, 0], batch(WhiteNoise(source="A", when="before_augment"), WhiteNoise(source="A"))[:, 0])
    assert not torch.equal(grey, batch(Blank(source="A")))
    assert torch.equal(batch(WhiteNoise(source="A"), Blank(source="A")), batch(Blank(source="A")))


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Results:
    store = Store(tmp_path_factory.mktemp("store"))
    Inline(study(), store).run()
    return read_results(study(), store)


def test_a_fork_equals_a_run_from_scratch(results: Results, tmp_path: Path) -> None:
    assert {outcome.status for outcome in results.outcomes} == {"done"}
    alone = study(sweep={"kind": "removal", "at": [4], "recovery": 4})
    store = Store(tmp_path)
    Inline(alone, store).run()
    (name,) = (name for name in results.by_run if "-0-4-of-" in name)
    lines = [line for line in table(alone, store).splitlines() if line.startswith(f'"{name}')]
    assert lines
    assert lines == [line for line in results.to_csv().splitlines() if line.startswith(f'"{name}')]


def test_training_goes_on_from_a_stored_state_inside_an_epoch() -> None:
    torch.set_num_threads(1)
    made = study(deficit={"name": "noise", "source": "B", "batches": 0.5}, background=[{**BLUR_A, "start": 0}])
    learner = NetworkLearner(made, load(made.data), Numerics())
    steps = recipes(made.runs[-1], made)
    assert len(steps[0].deficits) == 2
    straight, paused = learner.start({"seed": 0}), learner.start({"seed": 0})
    whole = learner.advance(straight, steps[0], 0)
    assert learner.advance(paused, steps[0], 0, lambda: True) is None
    resumed = learner.unpack(learner.pack(paused))
    assert learner.advance(resumed, steps[0], 0) == whole
    options = FisherTrace(images=4, inputs="as_trained")
    one, other = (learner.measure(s, Measurement("fisher_trace", options, steps[0])) for s in (straight, resumed))
    assert one == other


@pytest.mark.slow
def test_table_and_page_say_what_is_in_the_background(results: Results) -> None:
    said = {row.run.split("-seed")[0]: row.deficit for row in results.rows}
    words = "blur(source=A, factor=7) in [1, 3)"
    assert said == {
        "control-of-4": words,
        "control-undisturbed-of-4": "",
        f"{B_FIRST}-0-2-of-6": f"blur + {words}",
        f"{B_FIRST}-0-4-of-8": f"blur + {words}",
    }
    made = results.study
    assert "with blur (source A, factor 7) from epoch 1 until 3 in every run?" in question(made)
    assert {run_label(run) for run in made.runs if run.role == "control"} == {"control"}
    assert {run_label(run) for run in made.runs if run.role == "undisturbed_control"} == {"clean"}
    text = page([results])
    assert "In the background of every run but the undisturbed" in text
    assert "The background alone (blur(source=A, factor=7) in [1, 3)) costs" in " ".join(results.verdict().lines())
    assert Study.read(tomllib.loads(study_text(made)), "again") == made


def known(made: Study) -> Results:
    """Accuracy 0.9 less 0.1 for blur of A and 0.2 for blur of B, whichever was ever on, and 0.01 a seed."""
    rows, outcomes = [], []
    for run in made.runs:
        lost = 0.1 * bool(run.background) + 0.2 * (run.deficit is not None)
        for seed in made.seeds:
            outcomes.append(Outcome(run, seed, "done", run.total))
            place = (
                run.identifier(seed),
                run.arm,
                seed,
                run.treatment_label,
                run.window.start,
                run.window.stop,
                run.clock,
            )
            rows += [Row(*place, run.total, "test_accuracy", "", 0.9 - lost + 0.01 * seed, 0.0)]
    return Results(made, tuple(rows), tuple(outcomes))


def test_damage_is_counted_from_the_control_and_from_the_undisturbed_run() -> None:
    found = known(study(seeds=3))
    assert [point.damage.value for point in curve(found)] == pytest.approx([0, 0.2, 0.2])
    against = curve(found, against="undisturbed")
    assert [point.damage.value for point in against] == pytest.approx([0.1, 0.3, 0.3])
    assert against.notes[0] == ControlPoint(0, 3, is_background=True)
    (note,) = (note for note in found.verdict().notes if isinstance(note, BackgroundEffect))
    assert note.background == found.study.background
    assert note.effect.mean == pytest.approx(0.1)
    with pytest.raises(StudyError, match=r"received 'undisturbed'; the runs of blur have first, plain$"):
        curve(known(study(background=[])), against="undisturbed")


@pytest.mark.parametrize(
    ("background", "text"),
    [
        ([{**BLUR_A, "stop": 1}], "background.0.stop: received 1; must be above start, 1"),
        ([{**BLUR_A, "stop": 4}], "background.0.stop: received 4; must leave the last 1 of the 4 epochs"),
        ([{**BLUR_A, "start": 4, "stop": "never"}], "background.0.start: received 4; must be below 4"),
        (
            [BLUR_A, {**BLUR_A, "start": 2, "stop": "never"}],
            "background.1.deficit: received the deficit of background.0",
        ),
        ([{**BLUR_A, "deficit": {"name": "blur", "factor": 29}}], "background.0.deficit.factor: received 29"),
        (
            [{"deficit": {"name": "blurr"}, "stop": 2}],
            "background.0.deficit.name: unknown deficit, received 'blurr'; did you mean 'blur'?",
        ),
        (
            [{"deficit": {"name": "noise"}, "stop": "nevr"}],
            "background.0.stop: received 'nevr'; did you mean \"never\"?",
        ),
        ([{"deficit": {"name": "noise"}}], "background.0.stop: required, but missing"),
        ({"deficit": {"name": "noise"}}, "background: received {'deficit': {'name': 'noise'}}; must be a list"),
    ],
)
def test_what_cannot_be_is_refused_in_words(background: Any, text: str) -> None:
    with pytest.raises(StudyError) as caught:
        study(background=background)
    assert text in str(caught.value)


def test_windows_that_touch_do_not_overlap() -> None:
    first, second, lasting = (BackgroundDeficit(deficit=A, start=s, stop=e) for s, e in ((0, 2), (2, 4), (1, "never")))  # type: ignore[arg-type]
    assert not first.overlaps(second)
    assert not second.overlaps(first)
    assert first.overlaps(lasting)
    assert lasting.overlaps(first)
    assert lasting.words() == "blur(source=A, factor=7) from 1"
    assert BackgroundDeficit(deficit=WhiteNoise(), stop=2).words() == "noise in [0, 2)"
