"""Writing down what a task makes known."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from critlab.engine.records.provenance import provenance
from critlab.engine.records.study_ids import StudyIds
from critlab.engine.tasks.events import Event, Paused, Read, Replayed, StateReached, Trained
from critlab.engine.tasks.missing_work import Task
from critlab.store import Store
from critlab.store.shape import check_body
from critlab.store.store import Kind


class Writer:
    """Puts the events of one task into the store.

    Args:
        store: where.
        names: the names of states and readings.
        task: whose events these are.
        device: where they are computed.
    """

    def __init__(self, store: Store, names: StudyIds, task: Task, device: str = "cpu") -> None:
        self.store, self.names, self.task = store, names, task
        self.provenance = {**provenance(), "device": device}
        self.passing: str | None = None if task.keep_start else task.start

    def write(self, event: Event) -> None:
        """Writes one event; a state that was only there to go on from goes when the next one is stored."""
        seed = self.task.seed
        if isinstance(event, Trained | Replayed):
            name = self.names.state(seed, event.path)
            if isinstance(event, Trained):
                self._put("epochs", name, {**event.body, "provenance": self.provenance})
            self.store.drop_state(name, "inside")
        elif isinstance(event, Read):
            spec, probe = self.names.read_with(event.measure)
            body = {
                "measure": event.measure,
                "spec": spec,
                "probe": probe,
                "state": self.names.state(seed, event.path),
                "readings": [reading.record() for reading in event.readings],
                "seconds": event.seconds,
                "provenance": self.provenance,
            }
            self._put("readings", self.names.reading(seed, event.path, event.measure), body)
        elif isinstance(event, StateReached):
            self.store.save_state(self.names.state(seed, event.path), event.arrays)
            self._pass(None if event.keep else event.path)
        elif isinstance(event, Paused):
            self.store.save_state(self.names.state(seed, event.path), event.arrays, "inside")
            self._pass(None)

    def finish(self) -> None:
        """Removes the last state that was only there to go on from; the task is over."""
        self._pass(None)

    def _put(self, kind: Kind, name: str, body: Mapping[str, Any]) -> None:
        """Writes a record that its readers will accept; one that they would put aside would be made again for ever."""
        check_body(kind, name, json.loads(json.dumps(body)))  # as it will be read: a tuple comes back as a list
        self.store.write(kind, name, body)

    def _pass(self, path: str | None) -> None:
        if self.passing and self.passing != path:
            self.store.drop_state(self.names.state(self.task.seed, self.passing))
        self.passing = path
