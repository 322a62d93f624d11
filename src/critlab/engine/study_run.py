"""One study in one store: its tree, its names, and what is missing. It is assembled here and nowhere else."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from critlab._core.digest import digest
from critlab.engine.planning.retention import retained_paths, state_bytes
from critlab.engine.records.own_code import code_files, refuse_edited
from critlab.engine.records.study_ids import StudyIds
from critlab.engine.tasks.missing_work import MissingWork, find_missing_work
from critlab.store import Store
from critlab.study.ingredients.measurement import TEST, interval
from critlab.study.runs.origin import Numerics
from critlab.study.runs.parts import Part
from critlab.study.runs.tree import ROOT, Tree, build
from critlab.study.study import Study


@dataclass(frozen=True)
class StudyRun:
    """A study with everything that its work in a store depends on; torch-free.

    Args:
        study: the question.
        ids: the names of its states and measurements, which the numerics and the data decide.
        store: where its records and checkpoints are.
        tree: its epochs, each once.
        checkpoint_bytes: size of one checkpoint where the learner knows it; None where the closed form does.
        restore: whether what only a missing checkpoint needs is trained again.
        part: of the work, where this process does only a part.
    """

    study: Study
    ids: StudyIds
    store: Store
    tree: Tree
    checkpoint_bytes: int | None = None
    restore: bool = True
    part: Part | None = None

    @classmethod
    def assemble(cls, study: Study, ids: StudyIds, store: Store, checkpoint_bytes: int | None = None) -> StudyRun:
        """The run of ``study`` in ``store`` under the names ``ids``; reads no file."""
        return cls(study, ids, store, build(study, ids.adopted), checkpoint_bytes)

    def message(self) -> dict[str, Any]:
        """The run as JSON values, from which :meth:`read` assembles an equal one in another process."""
        return {
            "study": self.study.model_dump(mode="json"),
            "fingerprint": self.ids.fingerprint,
            "code": code_files(self.study),
            "adopted": dict(self.ids.adopted),
            "versions": dict(self.ids.versions),
            "numerics": self.numerics.model_dump(),
            "store": str(self.store.root.absolute()),
        }

    @classmethod
    def read(cls, message: Mapping[str, Any]) -> StudyRun:
        """The run that :meth:`message` describes.

        Raises:
            CritlabError: the user's own code is not what it was.
        """
        study, numerics = Study.read(message["study"], "study"), Numerics.read(message["numerics"], "numerics")
        refuse_edited(study, message["code"])
        ids = StudyIds(study, message["fingerprint"], numerics, message["adopted"], message["versions"])
        return cls.assemble(study, ids, Store(message["store"]))

    @property
    def numerics(self) -> Numerics:
        """How numbers are computed."""
        return self.ids.numerics

    @cached_property
    def state_bytes(self) -> int | None:
        """Bytes of one checkpoint; None where only the user's own function knows."""
        return self.checkpoint_bytes or state_bytes(self.study)

    @cached_property
    def retained(self) -> frozenset[str]:
        """The paths whose checkpoints stay when their epoch is over."""
        return retained_paths(self.tree, len(self.study.seeds), self.state_bytes)

    @cached_property
    def paths(self) -> Mapping[int, Collection[str]] | None:
        """The paths of each seed that belong to the part; None where there are no parts."""
        return None if self.part is None else self.part.paths(self.tree, self.study.seeds)

    @property
    def whole(self) -> StudyRun:
        """The run without regard to parts."""
        return replace(self, part=None)

    def missing(self) -> MissingWork:
        """Read the store, and return the work of this part that it lacks.

        Cost: one read of a file for each epoch and measurement.
        """
        return find_missing_work(
            self.tree, self.study.seeds, self.ids, self.store, self.retained, self.restore, self.paths
        )

    def missing_controls(self, work: MissingWork) -> tuple[str, ...]:
        """The runs that ``work`` trains, where the study's own runs and their plain controls need none of it.

        Empty where they do.
        """
        # an epoch with a recorded loss is only replayed, for a state that was not kept
        trained = {step.path for task in work.tasks for step in task.steps if step.recorded_loss is None}
        runs = [run for run in self.study.runs if not trained.isdisjoint(self.tree.paths(run.name))]
        own = any(run.role in ("deficit", "control") for run in runs)
        return () if own else tuple(run.name for run in runs)

    def has_epoch_of(self, paths: Iterable[str]) -> bool:
        """Whether the store has the epoch that leads to one of ``paths``, of any seed."""
        states = (self.ids.state(seed, path) for path in paths for seed in self.study.seeds if path != ROOT)
        return any(self.store.has("epochs", state) for state in states)

    def complete(self) -> str:
        """The digest by which a record says that all of the study was there once: of the names of all that it needs.

        It is another one where the version of a measure has changed.
        """
        origins = [self.ids.origin_digest(seed) for seed in self.study.seeds]
        measures = (TEST, *self.study.measures)
        read = [[*self.ids.read_with(measure), interval(self.study, measure)] for measure in measures]
        # which tests are due depends on the final epochs, except where there is a test after every epoch
        final = [self.study.statistics.final_epochs] if self.study.evaluation.every > 1 else []
        return digest("whole", origins, sorted(self.tree.ends.values()), read, *final)

    def record_failure(self, seed: int, path: str, reason: str) -> None:
        """Write down why the epoch that leads to ``path`` could not be trained."""
        self.store.write("failures", self.ids.state(seed, path), {"seed": seed, "reason": reason})

    def forget_failures(self, work: MissingWork) -> None:
        """Delete the failures of the epochs that are about to be tried again."""
        for task in work.tasks:
            for step in task.steps:
                self.store.remove("failures", self.ids.state(task.seed, step.path))
