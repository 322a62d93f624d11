"""Named damages: which runs make which contrast, and what a study lacks, on every kind of schedule."""

from __future__ import annotations

from typing import Any

import pytest

from critlab._core.errors import StudyError
from critlab.deficits import Blur
from critlab.study import Recipe, Run, Setup, Study, removal_sweep, window_sweep
from critlab.study.runs.estimands import named_contrasts, rates_match, window_rates
from critlab.study.runs.missing_contrasts import missing_contrasts
from critlab.study.runs.recipe import FROZEN_EPOCH, epoch_rate, recipe_digest, recipes
from critlab.study.runs.tree import build
from studies import small

STOP, RECOVERY = 4, 3


def base(**optimizer: Any) -> Setup:
    fields = {field: getattr(small(), field) for field in Setup.model_fields}
    changed = {"name": "sgd", "lr": 0.05, "batch": 40, **(optimizer or {"lr_decay": 0.9})}
    return Setup.read({**fields, "optimizer": changed}, "base")


def removals(setup: Setup | None = None, **parts: Any) -> Study:
    where: dict[str, Any] = {"at": [0, 2, STOP], "recovery": RECOVERY, "seeds": 2, "setup": setup or base()}
    return removal_sweep(Blur(factor=7), **{**where, **parts})


def onsets(setup: Setup | None = None, **parts: Any) -> Study:
    where: dict[str, Any] = {"onsets": [1, 3, 5], "length": 2, "recovery": 4, "seeds": 2, "setup": setup or base()}
    return window_sweep(Blur(factor=7), **{**where, **parts})


def terms(study: Study, at: Any) -> dict[str, tuple[str, ...]]:
    """The runs of each contrast at a point, with a minus before those that are taken away."""
    signs = {1: "", -1: "-"}
    return {
        one.name: tuple(f"{signs[sign]}{name}" for sign, name in one.terms)
        for one in named_contrasts(study)
        if one.at == at
    }


def named(study: Study, name: str) -> Run:
    return next(run for run in study.runs if run.name == name)


def test_a_removal_sweep_has_all_but_timing_at_its_last_removal() -> None:
    study = removals()
    newborn, deprived, restarted, frozen = (
        "control-of-3",
        "blur-0-4-of-7",
        "blur-since_removal-0-4-of-7",
        "delay-0-4-of-7",
    )
    assert terms(study, STOP) == {
        "lasting_damage": (newborn, f"-{deprived}"),
        "delay": (newborn, f"-{frozen}"),
        "beyond_delay": (frozen, f"-{deprived}"),
        "harm": (newborn, f"-{restarted}"),
        "lost_to_schedule": (restarted, f"-{deprived}"),
        "missed_learning": ("control-restarted-4-of-7", f"-{newborn}"),
    }
    assert list(terms(study, 2)) == ["lasting_damage"]
    kinds = {one.name: one.kind for one in named_contrasts(study)}
    assert {name for name, kind in kinds.items() if kind == "critical"} == {"beyond_delay", "harm"}
    assert {name for name, kind in kinds.items() if kind == "lasting"} == {"lasting_damage"}
    assert missing_contrasts(study) == ()
    assert "equal_total" in terms(removals(controls={"equal_total": True}), 2)


def test_lasting_damage_is_delay_and_beyond_delay_or_harm_and_the_schedule() -> None:
    for study in (removals(), removals(controls={"at": [2, 4]})):
        last = [one for one in named_contrasts(study) if one.at == STOP]
        found: dict[str, dict[str, int]] = {one.name: {name: sign for sign, name in one.terms} for one in last}
        for one, other in (("delay", "beyond_delay"), ("harm", "lost_to_schedule")):
            names = {*found[one], *found[other]}
            total = {name: found[one].get(name, 0) + found[other].get(name, 0) for name in names}
            assert {name: sign for name, sign in total.items() if sign} == found["lasting_damage"]


def test_the_frozen_run_trains_nothing_in_the_window() -> None:
    study = removals()
    frozen, deprived = recipes(named(study, "delay-0-4-of-7"), study), recipes(named(study, "blur-0-4-of-7"), study)
    assert frozen[:STOP] == [FROZEN_EPOCH] * STOP
    assert frozen[STOP:] == deprived[STOP:]
    assert study.epochs() == 2 * (3 + 5 + 7 + 7 + 7 + 3), "frozen epochs are not epochs to train"
    assert build(study).epochs - build(removals(controls={"delay": False})).epochs == RECOVERY
    assert Recipe(0.1, 0.0).identity() == {"lr": 0.1, "weight_decay": 0.0}
    assert len({recipe_digest(one) for one in (FROZEN_EPOCH, Recipe(0.0, 0.0), Recipe(0.0, 0.0, counted_from=1))}) == 3


def test_frozen_epochs_have_no_node_and_keep_the_count() -> None:
    study = onsets(controls={"at": [3]})
    tree = build(study)
    path = tree.paths("delay-3-5-of-9")
    nodes = [tree.nodes[one] for one in path]
    assert [node.epoch for node in nodes] == [0, 1, 2, 3, 6, 7, 8, 9]
    assert [node.frozen for node in nodes] == [0, 0, 0, 0, 2, 0, 0, 0]
    assert path[:4] == tree.paths("blur-3-5-of-9")[:4], "the epochs before the window are shared"
    assert len(set(tree.nodes)) == len(tree.nodes)


CONSTANT: dict[str, Any] = {"lr_decay": 1.0}
STABLE: dict[str, Any] = {"clock": "wsd", "decay": 2}


@pytest.mark.parametrize("optimizer", [CONSTANT, STABLE, {"lr_decay": 0.9, "clock": "since_removal"}])
def test_where_the_recovery_is_a_newborns_nothing_is_trained_twice(optimizer: dict[str, Any]) -> None:
    study = removals(base(**optimizer), recovery=4)
    roles = {run.role for run in study.runs}
    assert not roles & {"delay_control", "clock_control"}
    found = terms(study, STOP)
    assert found["harm"] == found["lasting_damage"] == ("control-of-4", "-blur-0-4-of-8")
    assert "beyond_delay" not in found, "it would be harm again"
    assert "delay" not in found
    assert missing_contrasts(study) == ()


def test_a_warm_up_needs_a_frozen_and_a_restarted_run() -> None:
    study = removals(base(clock="wsd", warmup=1, decay=2), recovery=4)
    assert {"delay_control", "clock_control"} <= {run.role for run in study.runs}
    restarted, newborn = named(study, "blur-wsd_restart-0-4-of-8"), named(study, "control-of-4")
    after = [epoch_rate(study, restarted, epoch) for epoch in range(4, 8)]
    assert after == [epoch_rate(study, newborn, epoch) for epoch in range(4)]
    assert [rate.lr for rate in after] == pytest.approx([0.05 * factor for factor in (0.5, 1, 0.75, 0.25)])


def test_the_schedule_of_warm_up_stable_decay_in_closed_form() -> None:
    study = onsets(base(clock="wsd", warmup=2, decay=2), recovery=4, onsets=[2])
    (run,) = (run for run in study.runs if run.role == "deficit")
    rates = [epoch_rate(study, run, epoch).lr / 0.05 for epoch in range(run.total)]
    assert rates == pytest.approx([0.25, 0.75, 1, 1, 1, 1, 0.75, 0.25])
    # the mean of the continuous schedule: two ramps of two epochs are worth two epochs at the full rate
    assert sum(rates) == pytest.approx(run.total - 2)


@pytest.mark.parametrize(
    ("optimizer", "match", "kind"),
    [({"lr_decay": 0.9}, False, "context"), (CONSTANT, True, "critical"), ({**STABLE, "warmup": 1}, True, "critical")],
)
def test_timing_counts_where_the_windows_have_equal_rates(optimizer: dict[str, Any], match: bool, kind: str) -> None:
    study = onsets(base(**optimizer))
    (timing,) = (one for one in named_contrasts(study) if one.name == "timing")
    assert (timing.at, timing.other, timing.kind) == (1, 5, kind)
    assert rates_match(study) is match
    assert (window_rates(study, 1) == window_rates(study, 5)) is match
    signs = {name: sign for sign, name in timing.terms}
    assert (signs["blur-1-3-of-7"], signs["blur-5-7-of-11"]) == (-1, 1)
    against = ("control-of-5", "control-of-9") if match else ("control-of-7", "control-of-11")
    assert tuple(signs[name] for name in against) == (1, -1), "the frozen runs, which are clean runs of that length"
    lacking = [(one.name, one.reason, one.key) for one in missing_contrasts(study)]
    assert lacking == ([] if match else [("timing", "rate_differs", "optimizer.clock")])
    same = onsets(base(**optimizer), recovery=None, total=12)
    (timing,) = (one for one in named_contrasts(same) if one.name == "timing")
    assert timing.terms == ((-1, "blur-1-3-of-12"), (1, "blur-5-7-of-12")), "the control of both is one run"
    assert timing.kind == kind, "runs of one length lose their time alike, so no frozen run is needed"


@pytest.mark.parametrize(
    ("controls", "lacking"),
    [
        ({"delay": False}, ("timing", 1, "off", "controls.delay")),
        ({"delay": True, "at": [1]}, ("timing", 5, "other_points", "controls.at")),
        ({"delay": True, "at": [5]}, ("timing", 1, "other_points", "controls.at")),
        ({"delay": True, "at": [1, 5]}, None),
    ],
)
def test_timing_of_runs_of_different_lengths_needs_both_frozen_runs(controls: dict[str, Any], lacking: Any) -> None:
    study = onsets(base(**CONSTANT), onsets=[1, 5], controls=controls)
    (timing,) = (one for one in named_contrasts(study) if one.name == "timing")
    assert timing.kind == ("critical" if lacking is None else "context")
    found = [(one.name, one.at, one.reason, one.key) for one in missing_contrasts(study) if one.name == "timing"]
    assert found == ([] if lacking is None else [lacking])


def test_a_switch_in_the_window_has_no_frozen_run_and_so_no_timing() -> None:
    study = onsets(base(**CONSTANT), controls={"delay": False}, switch={"weight_decay": 0.1})
    found = [(one.name, one.reason, one.key) for one in missing_contrasts(study)]
    assert ("timing", "switch", "switch") in found


def test_frozen_runs_stand_at_both_ends_only_where_timing_needs_them() -> None:
    decayed = onsets(base(lr_decay=0.9), controls={"delay": True})
    assert {run.at for run in decayed.runs if run.role == "delay_control"} == {1}
    warm = onsets(base(**{**STABLE, "warmup": 2, "decay": 2}), onsets=[2, 5], controls={"delay": True})
    assert {run.at for run in warm.runs if run.role == "delay_control"} <= {2, 5}
    assert ("timing", "critical") in {(one.name, one.kind) for one in named_contrasts(warm)}


def test_harm_of_a_window_compares_with_a_newborn_of_the_recovery() -> None:
    study = onsets()
    assert terms(study, 1)["harm"] == ("control-of-4", "-blur-since_removal-1-3-of-7")
    assert terms(study, 1)["lasting_damage"] == ("control-of-7", "-blur-1-3-of-7")
    assert named(study, "control-of-4").role == "newborn_control"
    paths = build(study).paths("control-of-4")
    assert set(paths) <= set(build(study).paths("control-of-7")), "it costs nothing"
    by_total = removals(recovery=None, total=7)
    assert terms(by_total, STOP)["harm"] == ("control-of-3", "-blur-since_removal-0-4-of-7")
    assert terms(by_total, STOP)["delay"] == ("control-of-7", "-delay-0-4-of-7")


def test_what_a_study_without_controls_lacks_and_costs() -> None:
    study = removals(controls={"delay": False, "clocks": []})
    found = [(one.name, one.at, one.reason, one.key, one.epochs) for one in missing_contrasts(study)]
    # the restarted run and its clean twin have a recovery each, and the clean run goes on for an epoch
    assert found == [("harm", 4, "off", "controls.clocks", 7), ("beyond_delay", 4, "off", "controls.delay", 3)]
    whole = build(removals()).epochs - build(study).epochs
    assert sum(one.epochs for one in missing_contrasts(study)) == whole
    assert [one.name for one in missing_contrasts(removals(controls={"delay": False}))] == ["beyond_delay"]
    assert [one.name for one in missing_contrasts(removals(controls={"clocks": ["constant"]}))] == ["harm"]
    assert missing_contrasts(removals(controls={"clocks": ["since_removal"]})) == ()


def test_a_switch_and_the_delay_control() -> None:
    stopped = removals(switch={"lr_factor": 0.0})
    assert stopped.controls.delay, "a network that only stops learning can be compared with a frozen one"
    other = removals(switch={"weight_decay": 0.01})
    assert not other.controls.delay
    assert [(one.name, one.reason, one.epochs) for one in missing_contrasts(other)] == [("beyond_delay", "switch", 0)]


def test_plain_values_have_no_default_controls_and_read_back() -> None:
    for study in (removals(), removals(controls={"delay": False, "clocks": []}), onsets(base(**STABLE))):
        assert Study.read(study.model_dump(mode="json"), "again") == study
    assert "delay" not in removals(controls={"delay": False}).model_dump()["controls"], "old digests stay"
    assert not {"warmup", "decay"} & set(removals().model_dump()["optimizer"])
    raw = {key: value for key, value in removals().model_dump(mode="json").items() if key != "controls"}
    assert {run.role for run in Study.read(raw, "a record").runs} == {"control", "deficit"}
    assert {"delay_control", "clock_control"} <= {run.role for run in Study(**dict(removals(), controls={})).runs}


def test_only_never_has_no_controls() -> None:
    study = removals(at=[0, "never"])
    assert {run.role for run in study.runs} == {"control", "deficit"}
    assert (named_contrasts(study), missing_contrasts(study)) == ((), ())


WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "wsd without a decay": (
        {"optimizer": {"name": "sgd", "lr": 0.1, "batch": 40, "clock": "wsd"}},
        r"^small: optimizer\.decay: required by clock 'wsd', but missing; give a number of epochs, at least 1$",
    ),
    "a decay of another clock": (
        {"optimizer": {"name": "sgd", "lr": 0.1, "batch": 40, "decay": 2}},
        r"^small: optimizer\.decay: received 2; clock 'absolute' does not use it, so omit it or use \"wsd\" or ",
    ),
    "a warm-up of another clock": (
        {"optimizer": {"name": "sgd", "lr": 0.1, "batch": 40, "clock": "constant", "warmup": 2}},
        r"^small: optimizer\.warmup: received 2; clock 'constant' does not use it",
    ),
    "a decay as long as none": (
        {"optimizer": {"name": "sgd", "lr": 0.1, "batch": 40, "clock": "wsd", "decay": 0}},
        r"^small: optimizer\.decay: received 0; must be greater than or equal to 1$",
    ),
    "a schedule longer than the recovery": (
        {"optimizer": {"name": "sgd", "lr": 0.1, "batch": 40, "clock": "wsd", "warmup": 1, "decay": 2}},
        r"^small: optimizer\.decay: received 2 with a warmup of 1; together they must be at most 2, the epochs of the",
    ),
    "a delay with a switch": (
        {"controls": {"delay": True}, "switch": {"weight_decay": 0.0}},
        r"^small: controls\.delay: received true together with \[switch\]; .*omit delay, or omit \[switch\]",
    ),
    "a delay with a switch that does more than stop": (
        {"controls": {"delay": True}, "switch": {"weight_decay": 0.0, "lr_factor": 0.0}},
        r"^small: controls\.delay: received true together with \[switch\]",
    ),
    "a control on a clock whose keys are missing": (
        {"controls": {"clocks": ["wsd"]}},
        r"^small: controls\.clocks: received 'wsd', which needs optimizer\.decay",
    ),
    "a delay that is no truth value": (
        {"controls": {"delay": "yes"}},
        r"^small: controls\.delay: received 'yes'; must be true or false$",
    ),
}


@pytest.mark.parametrize("case", WRONG)
def test_contradictory_keys_get_one_line(case: str) -> None:
    changes, said = WRONG[case]
    with pytest.raises(StudyError, match=said) as refused:
        small(**changes)
    assert "\n" not in str(refused.value)


def test_a_list_of_one_wrong_epoch_has_one_problem() -> None:
    for wrong in ({"sweep": {"kind": "removal", "at": [2.0], "recovery": 2}}, {"controls": {"at": [2.0]}}):
        with pytest.raises(StudyError) as refused:
            Study.read({**removals(base()).model_dump(mode="json"), **wrong}, "study")
        assert "received 2.0" in str(refused.value)
        assert "a list of at least" not in str(refused.value)
