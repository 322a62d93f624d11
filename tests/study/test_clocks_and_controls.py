"""Clocks, switches and interventions as runs and recipes: what is compared with what, and what is shared."""

from __future__ import annotations

import math
import re
import subprocess
import sys
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from critlab.deficits import Blur
from critlab.engine.records.study_ids import StudyIds
from critlab.objectives import SmoothedCrossEntropy
from critlab.study import Intervention, Recipe, Run, Study, WindowOverride, removal, windows
from critlab.study.ingredients.measurement import TEST
from critlab.study.runs.origin import Numerics
from critlab.study.runs.recipe import epoch_rate, recipe_digest, recipes
from critlab.study.runs.tree import ROOT, build
from critlab.study.schedules import CLOCKS as SCHEDULES
from critlab.study.schedules import schedule
from critlab.study.specs import AugmentSpec
from studies import small, written

CLOCKS = ("absolute", "since_removal", "constant", "cosine_restart")
EVERY = tuple(clock for clock in SCHEDULES if not schedule(clock).required)
ALONE: dict[str, Any] = {"delay": False, "clocks": ()}
"""No default controls."""
SHRUNK: dict[str, Any] = {"shrink": 0.5, "perturb": 0.1}


def swept(at: Any = (0, 2, 3), controls: dict[str, Any] | None = None, **parts: Any) -> Study:
    made = {**ALONE, **(controls or {})}
    return removal(Blur(factor=7), at=at, recovery=4, seeds=2, base=small(), controls=made, **parts)


def clocked(clock: str, **parts: Any) -> Study:
    decay = {} if schedule(clock).refuses_decay else {"lr_decay": 0.9}
    rates: dict[str, Any] = {"lr": 0.05, **decay, "clock": clock}
    optimizer = {"name": "sgd", **rates, "weight_decay": 0.01, "batch": 40}
    return Study.read({**small().model_dump(mode="json"), "optimizer": optimizer, **parts}, "clocked")


def rates(study: Study, run: Run) -> list[float]:
    return [epoch_rate(study, run, epoch).mean for epoch in range(run.total)]


def named(study: Study, name: str) -> Run:
    return next(run for run in study.runs if run.name == name)


def test_every_clock_by_hand() -> None:
    study = swept(controls={"clocks": CLOCKS[1:]})
    lr, decay = 0.05, 0.9
    arms = {run.arm: run for run in study.runs if run.at == 2}
    assert rates(study, arms["blur"]) == [lr * decay**e for e in range(6)]
    assert rates(study, arms["blur since_removal"]) == [lr * decay**e for e in (0, 1, 0, 1, 2, 3)]
    assert rates(study, arms["blur constant"]) == [lr] * 6
    cosine = rates(study, arms["blur cosine_restart"])
    assert cosine[:2] == [lr, lr * decay]
    assert cosine[2:] == pytest.approx([lr, lr * (1 + math.sqrt(0.5)) / 2, lr / 2, lr * (1 - math.sqrt(0.5)) / 2])


def test_other_clocks_have_clean_twins_under_the_same_clock() -> None:
    study = swept(controls={"clocks": CLOCKS[1:]})
    for at, clock in product((2, 3), ("since_removal", "cosine_restart")):
        run = next(run for run in study.runs if run.at == at and run.clock == clock and not run.clean)
        kinds = dict(run.controls)
        assert list(kinds) == ["plain", "restarted"]
        twin = named(study, kinds["restarted"])
        assert (twin.clean, twin.role, twin.total) == (True, "restarted_control", run.total)
        assert rates(study, twin) == rates(study, run)
    constant = [run for run in study.runs if run.clock == "constant" and not run.clean]
    twins = {dict(run.controls)["same_clock"] for run in constant}
    assert twins == {"control-constant-of-4"}, "one clean run serves all"
    assert rates(study, named(study, twins.pop())) == [0.05] * 4


@pytest.mark.parametrize("clock", EVERY)
def test_the_plain_control_is_the_clean_run_under_the_studys_clock(clock: str) -> None:
    study = clocked(clock, controls={"equal_total": True})
    plain, equal = named(study, "control-of-2"), named(study, "control-of-5")
    at_zero = Run("zero", "zero", "deficit", 0, None, plain.window, clock, 2)
    assert rates(study, plain) == rates(study, at_zero), "as if the deficit had been removed before it began"
    assert equal.clock == plain.clock
    main = next(run for run in study.runs if run.role == "deficit" and run.at == 3)
    assert ("restarted" in dict(main.controls)) == schedule(clock).restarts
    assert "same_clock" not in dict(main.controls)


def test_a_window_sweep_counts_first_from_the_same_clock() -> None:
    study = windows(
        Blur(factor=7), onsets=[0, 2], length=1, recovery=2, seeds=1, base=small(), controls={"clocks": CLOCKS[1:]}
    )
    first = {run.clock: run.controls[0][0] for run in study.runs if not run.clean}
    assert first == dict(zip(CLOCKS, ("plain", "restarted", "same_clock", "restarted"), strict=True))
    for run in study.runs:
        for _, name in run.controls:
            assert named(study, name).total == run.total


def test_where_nothing_is_removed_no_clock_restarts() -> None:
    study = swept(at=[0, 2, "never"], controls={"clocks": CLOCKS[1:], "interventions": [SHRUNK]})
    never = [run for run in study.runs if run.at == "never"]
    assert [(run.arm, run.clock, run.intervention) for run in never] == [
        ("blur", "absolute", None),
        ("blur constant", "constant", None),
    ]


FORKS = {"since_removal": 2, "cosine_restart": 2, "constant": 1}
"""Epochs that the run removed at 2 shares with the same run under each other clock; the first rate is the same."""


@pytest.mark.parametrize("clock", FORKS)
def test_how_far_clocks_share(clock: str) -> None:
    study = swept(at=[0, 2], controls={"clocks": [clock]})
    tree = build(study)
    main, other = (tree.paths(run.name) for run in study.runs if not run.clean)
    shared = sum(a == b for a, b in zip(main, other, strict=True)) - 1
    assert shared == FORKS[clock]


def test_an_intervention_forks_at_the_removal_and_has_a_clean_twin() -> None:
    study = swept(at=[0, 2], controls={"interventions": [SHRUNK]})
    main, other = (run for run in study.runs if not run.clean)
    assert (other.role, other.arm) == ("intervention_control", "blur intervention(shrink=0.5, perturb=0.1)")
    made = [recipe.intervention for recipe in recipes(other, study)]
    assert made == [None, None, Intervention(**SHRUNK), None, None, None]
    tree = build(study)
    shared = sum(a == b for a, b in zip(tree.paths(main.name), tree.paths(other.name), strict=True)) - 1
    assert shared == 2
    kinds = dict(other.controls)
    assert list(kinds) == ["plain", "intervened"]
    twin = named(study, kinds["intervened"])
    assert (twin.clean, twin.role) == (True, "intervened_control")
    assert [recipe.intervention for recipe in recipes(twin, study)] == made


def test_a_studys_own_intervention_reaches_every_arm_and_a_control_may_do_without() -> None:
    controls = {"deficits": [{"name": "noise"}], "clocks": ["constant"], "interventions": [{}], "at": [2]}
    study = swept(at=[0, 2], intervention=SHRUNK, controls=controls)
    arms = {run.arm: run for run in study.runs if not run.clean}
    assert set(arms) == {"blur", "noise", "blur constant", "blur no intervention"}
    assert {arm for arm, run in arms.items() if run.intervention} == {"blur", "noise", "blur constant"}
    assert list(dict(arms["blur constant"].controls)) == ["plain", "same_clock", "intervened"]
    intervened = named(study, dict(arms["blur constant"].controls)["intervened"])
    assert (intervened.clock, intervened.intervention) == ("constant", Intervention(**SHRUNK))


def test_a_switch_alone_is_a_study() -> None:
    study = removal(
        None,
        at=[0, 2],
        recovery=2,
        seeds=1,
        base=small(),
        switch=WindowOverride(
            weight_decay=0.0, lr_factor=0.5, augment=AugmentSpec(flip=False), objective=SmoothedCrossEntropy()
        ),
    )
    assert study.name == "weight_decay-lr_factor-augment-objective-removal"
    run = next(run for run in study.runs if run.role == "deficit")
    words = "switch(weight_decay=0.0, lr_factor=0.5, augment=none, objective=smoothed_cross_entropy(smoothing=0.1))"
    assert (run.arm, run.treatment_label, run.clean) == (words, words, False)
    inside, outside = recipes(run, study)[1:3]
    assert (inside.weight_decay, inside.lr, inside.augment) == (0.0, 0.05 * 0.9 * 0.5, None)
    assert inside.objective.name == "smoothed_cross_entropy"
    plain = named(study, "control-of-2")
    assert recipes(plain, study)[0].objective.name == "cross_entropy"
    assert outside == Recipe(0.05 * 0.9**2, 0.001, study.augment)


def test_a_control_deficit_takes_the_place_of_the_deficit_or_of_a_lone_switch() -> None:
    controls = {"deficits": [{"name": "noise"}]}
    both = swept(at=[0, 2], switch={"weight_decay": 0.0}, controls=controls)
    assert [run.arm for run in both.runs if not run.clean] == [
        "blur + switch(weight_decay=0.0)",
        "noise + switch(weight_decay=0.0)",
    ]
    where: dict[str, Any] = {"at": [0, 2], "recovery": 2, "seeds": 1, "base": small()}
    alone = removal(None, **where, switch={"weight_decay": 0.0}, controls={**ALONE, **controls})
    assert [run.arm for run in alone.runs if not run.clean] == ["switch(weight_decay=0.0)", "noise"]


def test_neutral_values_rename_nothing() -> None:
    plain = small()
    keys = ["name", "lr", "lr_decay", "momentum", "weight_decay", "batch", "clock"]
    assert list(plain.model_dump(mode="json")["optimizer"]) == keys, "later keys are left out where they are neutral"
    told = small(objective="cross_entropy", evaluation={"batch_norm": "running"}, deficit={"name": "blur", "factor": 7})
    names = [StudyIds(study, "fingerprint", Numerics()) for study in (plain, told)]
    paths = [build(study).ends for study in (plain, told)]
    assert paths[0] == paths[1]
    end = paths[0]["blur-0-3-of-5"]
    assert names[0].state(0, end) == names[1].state(0, end)
    assert names[0].reading(0, end, TEST) == names[1].reading(0, end, TEST)
    recomputed = StudyIds(small(evaluation={"batch_norm": "recomputed"}), "fingerprint", Numerics())
    assert recomputed.state(0, end) == names[0].state(0, end), "testing changes no training"
    assert recomputed.reading(0, end, TEST) != names[0].reading(0, end, TEST)
    assert recomputed.reading(0, end, "fisher_trace") == names[0].reading(0, end, "fisher_trace")
    base = Recipe(0.1, 0.0)
    assert recipe_digest(base) == recipe_digest(Recipe(0.1, 0.0, intervention=Intervention()))
    changed = [
        Recipe(0.1, 0.0, intervention=Intervention(optimizer="dropped")),
        Recipe(0.1, 0.0, deficit=Blur(factor=7, batches=0.5)),
        Recipe(0.1, 0.0, deficit=Blur(factor=7, classes=(1,))),
        Recipe(0.1, 0.0, deficit=Blur(factor=7)),
        Recipe(0.1, 0.0, select=Blur(factor=7)),
        base,
    ]
    assert len({recipe_digest(recipe) for recipe in changed}) == len(changed)


EVERYTHING = """
[objective]
name = "smoothed_cross_entropy"

[switch]
weight_decay = 0.0
augment = {}
objective = "cross_entropy"
select = { name = "data_subset", fraction = 0.5 }

[intervention]
shrink = 0.5
reset_layers = ["output"]

[evaluation]
batch_norm = "recomputed"
"""
CONTROLS = """
deficits = [{ name = "noise", classes = [1], batches = 0.5 }]
clocks = ["since_removal", "constant", "cosine_restart"]
interventions = [{}, { optimizer = "dropped" }]
"""


@pytest.mark.slow
def test_a_plan_of_everything_needs_no_torch(tmp_path: Path) -> None:
    written(tmp_path, ("clocks = []\n", CONTROLS), ("[measures]", f"{EVERYTHING}\n[measures]"))
    code = (
        "import sys; sys.argv = ['critlab', 'plan', 'study.toml', '--store', 'store']\n"
        "import critlab.cli\n"
        "try: critlab.cli.main()\n"
        "except SystemExit as end: assert not end.code, end.code\n"
        "print(sorted({'torch', 'scipy'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, check=True, capture_output=True, text=True)
    assert re.search(r"runs: +\d+", done.stdout)
    assert done.stdout.endswith("[]\n")


INTERVENTIONS = st.lists(
    st.sampled_from([SHRUNK, {"optimizer": "dropped"}, {"reset_layers": ["output"]}]), unique_by=str, max_size=2
)


@st.composite
def studies(draw: st.DrawFn) -> Study:
    """Any sweep with any clock, and any clocks, deficits and interventions as controls."""
    places = sorted(draw(st.sets(st.integers(0, 6), min_size=1, max_size=3)))
    recovery = draw(st.integers(1, 4))
    sweep: dict[str, Any] = {"kind": "window", "onsets": places, "length": draw(st.integers(1, 3))}
    if draw(st.booleans()):
        sweep = {"kind": "removal", "at": [*places, *draw(st.sampled_from([[], ["never"]]))]}
    controls = {
        "clocks": draw(st.lists(st.sampled_from(EVERY), unique=True)),
        "deficits": draw(st.sampled_from([[], [{"name": "noise"}], [{"name": "blur", "factor": 4}]])),
        "interventions": draw(INTERVENTIONS),
        "equal_total": draw(st.booleans()),
    }
    parts: dict[str, Any] = {"sweep": {**sweep, "recovery": recovery}, "controls": controls}
    if draw(st.booleans()):
        parts["switch"] = {"weight_decay": 0.0}
    if draw(st.booleans()):
        parts["intervention"] = {"shrink": 0.25}
    if "switch" in parts and draw(st.booleans()):
        parts["deficit"] = None
    return clocked(draw(st.sampled_from(EVERY)), **parts)


@pytest.mark.slow
@settings(max_examples=60, deadline=None)
@given(studies())
def test_laws_of_any_study(study: Study) -> None:
    runs, tree = study.runs, build(study)
    by_name = {run.name: run for run in runs}
    assert len(by_name) == len(runs)
    assert len({(run.arm, run.at, run.total) for run in runs}) == len(runs), "an arm has one run at each place"
    stretches = [path for stage in tree.stages() for path in stage.paths]
    assert sorted(stretches) == sorted(path for path in tree.nodes if path != ROOT), "stages hold every epoch once"
    for run in runs:
        steps = [tree.nodes[path].recipe for path in tree.paths(run.name)[1:]]
        assert steps == recipes(run, study), "a run's path is its recipes"
        assert all(recipe.lr >= 0 for recipe in steps if recipe)
        assert run.clean == (not run.controls)
        for kind, name in run.controls:
            twin = by_name[name]
            assert twin.clean
            if kind in ("restarted", "same_clock", "intervened"):
                assert twin.clock == run.clock
            if kind in ("restarted", "intervened"):
                assert rates(study, twin) == rates(study, run)
            assert (twin.intervention == run.intervention) == (kind == "intervened" or run.intervention is None)
        if run.intervention is not None:
            assert run.window.stop < run.total
    assert Study.read(study.model_dump(mode="json"), "again") == study
