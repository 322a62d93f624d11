"""The tree: what runs share is there once, names do not depend on how it is cut."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from critlab.deficits import Blur
from critlab.engine.records.study_ids import StudyIds
from critlab.papers.registry import find_study
from critlab.study.constructors import removal
from critlab.study.runs.origin import Numerics
from critlab.study.runs.recipe import epoch_rate, recipes
from critlab.study.runs.tree import ROOT, build
from critlab.study.study import Study
from studies import small


def sweep(at: list[int], recovery: int = 4, controls: dict[str, object] | None = None) -> Study:
    """Without the default controls."""
    made = {"delay": False, "clocks": [], **(controls or {})}
    return removal(Blur(factor=7), at=at, recovery=recovery, seeds=3, base=small(), controls=made)


def test_the_papers_first_figure() -> None:
    study = find_study("removal")
    assert study.epochs() == 14_300
    assert build(study).epochs * len(study.seeds) == 9_800


epochs = st.lists(st.integers(1, 12), min_size=1, max_size=5, unique=True).map(sorted)


@settings(max_examples=40, deadline=None)
@given(epochs, st.integers(1, 5))
def test_laws_of_the_tree(at: list[int], recovery: int) -> None:
    study = sweep(at, recovery)
    tree = build(study)
    assert tree.epochs == max(at) + recovery * (len(at) + 1), (
        "one trunk, one recovery for every removal and the control"
    )
    stretches = [path for stage in tree.stages() for path in stage.paths]
    assert sorted(stretches) == sorted(path for path in tree.nodes if path != ROOT), "stages hold every epoch once"
    for run in study.runs:
        steps = [tree.nodes[path].recipe for path in tree.paths(run.name)[1:]]
        assert steps == recipes(run, study), "a run's path is its recipes"


@settings(max_examples=40, deadline=None)
@given(epochs, st.integers(1, 12))
def test_inserting_a_removal_renames_nothing_and_adds_only_what_is_new(at: list[int], more: int) -> None:
    before, after = build(sweep(at)), build(sweep(sorted({*at, more})))
    assert set(before.nodes) <= set(after.nodes)
    new = 0 if more in at else 4 + max(0, more - max(at))
    assert len(after.nodes) - len(before.nodes) == new


def test_the_order_in_which_runs_are_named_is_irrelevant() -> None:
    study = sweep([1, 3, 5])
    backwards = build(study.model_copy(update={"seeds": (2, 0)}))
    assert set(build(study).nodes) == set(backwards.nodes)


def test_clocks() -> None:
    study = sweep([2], controls={"clocks": ["since_removal"]})
    arms = {run.arm: run for run in study.runs}
    absolute, restarted = arms["blur"], arms["blur since_removal"]
    assert [epoch_rate(study, absolute, e).lr for e in range(6)] == [0.05 * 0.9**e for e in range(6)]
    assert [epoch_rate(study, restarted, e).lr for e in range(6)] == [0.05 * 0.9**e for e in (0, 1, 0, 1, 2, 3)]
    twin = arms["control since_removal"]
    assert [epoch_rate(study, twin, e).lr for e in range(6)] == [epoch_rate(study, restarted, e).lr for e in range(6)]
    assert dict(restarted.controls) == {"plain": "control-of-4", "restarted": twin.name}


def test_never_lasts_as_long_as_the_longest_run() -> None:
    study = sweep([1, 3, "never"])  # type: ignore[list-item]
    last = study.runs[-1]
    assert (last.at, last.window.stop, last.total) == ("never", 7, 7)
    assert build(study).epochs == 7 + 3 * 4


def test_equal_total_reads_the_clean_trunk() -> None:
    plain = sweep([1, 3])
    equal = sweep([1, 3], controls={"equal_total": True})
    assert build(equal).epochs - build(plain).epochs == 3, "the clean trunk is only made longer"
    assert dict(equal.runs[-1].controls)["equal_total"] == "control-of-7"


GOLDEN = {
    "small": "a1b12417d7815fdd",
    "removal": "b7a3ce6ca115cc47",
    "demo": "8cd73b59f69d73cc",
    "sample-windows": "049424d4a628b5a3",
    "since removal": "02376d073974ab72",
}


def test_golden_names() -> None:
    """Names of states must not change by accident: every store in the world would be worthless."""
    studies = {
        "small": small(),
        "removal": find_study("removal"),
        "demo": find_study("demo"),
        "sample-windows": find_study("sample-windows"),
        "since removal": sweep([1, 3], controls={"clocks": ["since_removal"], "deficits": [{"name": "noise"}]}),
    }
    found = {}
    for name, study in studies.items():
        tree, names = build(study), StudyIds(study, "fingerprint", Numerics())
        run = "blur-16-20-of-24" if name == "sample-windows" else study.runs[-1].name
        found[name] = names.state(1, tree.ends[run])[:16]
    assert found == GOLDEN
