"""What a watch does with forks: makes them between two epochs, takes in a sidecar's, and shows their answers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from critlab._core.errors import StudyError
from critlab.hooks.sensitivity.answer import Sensitivity
from critlab.hooks.sensitivity.course import Course
from critlab.hooks.watch import ranks
from critlab.hooks.watch.budget import TimeBudget
from critlab.hooks.watch.forking.forking import Forking
from critlab.hooks.watch.records.record import Record
from critlab.hooks.watch.watching import Watching

if TYPE_CHECKING:
    from critlab.hooks.sidecar.offered import OfferedCheckpoints


class WithForks:
    """The methods of :class:`~critlab.hooks.watch.watch.Watch` that concern forks."""

    _forking: Forking
    _watching: Watching
    _ledger: TimeBudget

    @property
    def steps(self) -> int:
        """Steps of the optimiser so far."""
        return self._watching.steps

    @property
    def history(self) -> Sequence[Record]:
        """The records so far; of a long training every second, fourth ... one, and the latest."""
        return self._watching.history.records

    @property
    def course(self) -> Course:
        """What forks have answered so far, by epoch; ``course.latest`` and ``course.closings`` by deficit."""
        return self._forking.course

    @property
    def fork_epochs(self) -> int:
        """Epochs that forks of this process have trained."""
        return self._forking.spent

    def fork_if_due(self, state: Any, epoch: int) -> Sensitivity | None:
        """Makes forks between two epochs, where they are worth their cost; call it after every epoch.

        The state and all generators stand afterwards where they stood, bit for bit. What fails is said once in a
        warning, and the training goes on without forks.

        Args:
            state: the training's state, as ``save`` takes it.
            epoch: epochs that it was trained.

        Returns:
            The answers; None where no forks were made.
        """
        found = None
        self._ledger.arrive()
        self._forking.arrive()
        if self._forking.plan is not None and ranks.together():
            self._watching.asides.say("forks", self.steps, "several processes train; use critlab sidecar instead")
        if "forks" not in self._watching.asides:
            try:
                found = self._forking.run(state, epoch, self.history)
            except Exception as error:
                self._watching.asides.say("forks", self.steps, error)
        self._forking.leave()
        self._ledger.skip()
        return found

    def offer(self, sidecar: OfferedCheckpoints, save: Callable[[], dict[str, Any]], epoch: int) -> None:
        """Writes a checkpoint for a sidecar, where one is due, and takes in what it has answered.

        Args:
            sidecar: where checkpoints go.
            save: gives what the sidecar's ``load`` takes.
            epoch: epochs trained.
        """
        try:
            sidecar.offer(save, epoch, self.history)
        except Exception as error:
            self._watching.asides.say("checkpoints", self.steps, error)
        self.read_sidecar(sidecar.folder)

    def read_sidecar(self, folder: str | Path) -> None:
        """Takes in what ``critlab sidecar`` has answered in a folder of checkpoints, and calls ``on_closed``.

        What fails is said once in a warning.
        """
        from critlab.hooks.sidecar.kept import answered_looks

        try:
            there = {one.onset for one in self.course.looks}
            for one in answered_looks(Path(folder)):
                if one.onset not in there:
                    self._forking.take(one)
        except Exception as error:
            self._watching.asides.say("sidecar", self.steps, error)

    def to_pandas(self, of: Literal["records", "forks"] = "records") -> Any:
        """A table as a pandas ``DataFrame``: one row for each record, or for each deficit and epoch of forks.

        Raises:
            StudyError: pandas is not installed.
        """
        rows = self.course.rows() if of == "forks" else [{"step": one.step, **one.scalars()} for one in self.history]
        try:
            import pandas
        except ImportError:
            raise StudyError("watch: to_pandas needs pandas: pip install pandas") from None
        return pandas.DataFrame(rows)
