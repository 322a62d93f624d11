"""Which version of a measure a study's readings have: one in all of them, so that no table mixes two."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from critlab.engine.records.study_ids import StudyIds
from critlab.engine.study_run import StudyRun
from critlab.measures import MEASURES
from critlab.study.ingredients.measurement import scheduled_measures
from critlab.study.runs.tree import ROOT
from critlab.study.study import Study


def versions_before(study: Study) -> dict[str, int]:
    """Of the measures of ``study`` that have a version before the present one, that."""
    rows = {name: MEASURES.find(name).before for name in study.measures}
    return {name: row.version for name, row in rows.items() if row is not None}


def kept_versions(run: StudyRun, decided: Mapping[str, int] | None = None) -> dict[str, int]:
    """Of the measures whose readings in the store are all there in the version before, that.

    Where one of them is missing, all of that measure's are made in the present version: a table holds one version.

    Args:
        run: the study in its store; which versions its names say does not matter.
        decided: which versions the study's record keeps, whose other measures stay in the present one; None where
            they have not been read yet.
    """
    before, ids = versions_before(run.study), run.ids
    old = replace(run, ids=StudyIds(run.study, ids.fingerprint, ids.numerics, ids.adopted, before))
    return {
        measure: version
        for measure, version in before.items()
        if (decided is None or measure in decided) and _all_there(old, measure)
    }


def remarks(study: Study, versions: Mapping[str, int]) -> list[str]:
    """What a person should know of readings that are kept from an earlier version, a sentence or two each."""
    found = []
    for measure, version in versions.items():
        row = MEASURES.find(measure)
        flaw = f": {row.before.flaw}" if row.before else ""
        found.append(
            f"{measure}: {study.name!r} has measurements of version {version} of this measure; the "
            f"present version is {row.version}"
            f"{flaw}; to repeat them, use --remeasure"
        )
    return found


def _all_there(run: StudyRun, measure: str) -> bool:
    """Whether every reading of one measure is there, as far as training stayed finite; one at least."""
    some, store = False, run.store
    for seed in run.study.seeds:
        beyond: set[str] = set()
        for path, node in run.tree.nodes.items():
            if node.parent in beyond:
                beyond.add(path)
                continue
            if measure in scheduled_measures(run.study, node) and not store.has(
                "readings", run.ids.reading(seed, path, measure)
            ):
                record = None if path == ROOT else store.read("epochs", run.ids.state(seed, path))
                if record is None or record["status"] != "diverged":
                    return False
                beyond.add(path)
                continue
            some = True
    return some
