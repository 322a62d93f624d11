"""What a study still lacks: epochs that are not trained, and what further controls or seeds would cost."""

from __future__ import annotations

from critlab.analysis.tables.study_table import StudyTable
from critlab.study.runs.tree import build
from critlab.study.study import Study


def epochs_left(results: StudyTable) -> int:
    """Epochs of the study that no finished or interrupted run has trained, each shared epoch once.

    0 where every run is done, diverged or failed, or waits for an epoch that failed.
    """
    if all(outcome.status != "missing" for outcome in results.outcomes):
        return 0
    tree = build(results.study)
    done: dict[int, set[str]] = {seed: set() for seed in results.study.seeds}
    needed: dict[int, set[str]] = {seed: set() for seed in results.study.seeds}
    failed: dict[int, set[str]] = {seed: set() for seed in results.study.seeds}
    ways = {
        run.name: [(tree.nodes[path].epoch, path) for path in tree.paths(run.name)[1:]] for run in results.study.runs
    }
    for outcome in results.outcomes:
        way = ways[outcome.run.name]
        done[outcome.seed].update(path for epoch, path in way if epoch <= outcome.epochs)
        if outcome.status == "failed":
            failed[outcome.seed].add(next(path for epoch, path in way if epoch > outcome.epochs))
    for outcome in results.outcomes:
        left = {path for epoch, path in ways[outcome.run.name] if epoch > outcome.epochs}
        if outcome.status == "missing" and not left & failed[outcome.seed]:
            needed[outcome.seed] |= left
    return sum(len(needed[seed] - done[seed]) for seed in needed)


def epochs_a_seed(study: Study) -> int:
    """Epochs that one more seed would train, each shared epoch once."""
    return build(study).epochs


def further_epochs(study: Study, **controls: object) -> int:
    """Further epochs of one seed where these fields of ``[controls]`` have these values."""
    further = study.model_copy(update={"controls": study.controls.model_copy(update=controls)})
    return max(build(further).epochs - build(study).epochs, 0)
