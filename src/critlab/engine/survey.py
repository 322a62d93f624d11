"""What a store knows of a study, and what it lacks; torch-free."""

from __future__ import annotations

from critlab.engine.planning.retention import retained_paths, state_bytes
from critlab.engine.records.study_record import read_record
from critlab.engine.tasks.missing_work import MissingWork, find_missing_work
from critlab.store import Store
from critlab.study.study import Study
from critlab.study.tree import Tree, build


def survey(study: Study, store: Store) -> tuple[Tree, MissingWork | None]:
    """The tree of ``study`` and, where the store knows the study, what it lacks; torch-free."""
    record = read_record(store, study)
    if record is None:
        return build(study), None
    names = record.names(study)
    tree = build(study, names.adopted)
    kept = retained_paths(tree, len(study.seeds), state_bytes(study))
    return tree, find_missing_work(tree, study.seeds, names, store, kept)


def missing_controls(study: Study, tree: Tree, work: MissingWork) -> tuple[str, ...]:
    """The runs that ``work`` trains, where the study's own runs and their plain controls need none of it; else none."""
    trained = {step.path for task in work.tasks for step in task.steps}
    runs = [run for run in study.runs if not trained.isdisjoint(tree.paths(run.name))]
    own = any(run.role in ("deficit", "control") for run in runs)
    return () if own else tuple(run.name for run in runs)
