"""How far a study is: which runs are done, missing, diverged or failed, and why."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

from critlab.analysis.reading import read_results
from critlab.analysis.table import Outcome
from critlab.engine.study_record import read_record
from critlab.engine.survey import survey
from critlab.store import Store
from critlab.study.study import Study


@dataclass(frozen=True)
class StudyProgress:
    """What became of a study's runs so far.

    Args:
        study: its name.
        outcomes: of every run and seed; empty where the study was never run.
        epochs: epochs that the study needs, each once.
        epochs_left: those that the store lacks.
        quarantined: files that failed their check and were put aside.
    """

    study: str
    outcomes: tuple[Outcome, ...]
    epochs: int
    epochs_left: int
    quarantined: tuple[str, ...]

    @property
    def counts(self) -> dict[str, int]:
        """How many runs are in each state."""
        return dict(Counter(outcome.status for outcome in self.outcomes))

    def document(self) -> dict[str, Any]:
        """The progress as one JSON document."""
        return {
            "schema_version": 1,
            "study": self.study,
            "epochs": self.epochs,
            "epochs_left": self.epochs_left,
            "counts": self.counts,
            "quarantined": list(self.quarantined),
            "runs": [
                {"run": o.name, "status": o.status, "epochs": o.epochs, "of": o.run.total, "note": o.note}
                for o in self.outcomes
            ],
        }


def progress(study: Study, store: Store) -> StudyProgress:
    """How far ``study`` is in ``store``; torch-free."""
    tree, work = survey(study, store)
    everything = tree.epochs * len(study.seeds)
    if read_record(store, study) is None or work is None:
        return StudyProgress(study.name, (), everything, everything, ())
    outcomes = read_results(study, store).outcomes
    return StudyProgress(study.name, outcomes, everything, work.trained, tuple(store.quarantined()))
