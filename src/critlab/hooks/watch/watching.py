"""What a watch does at each step: what is due, within its budget, and never to the end of the training."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from typing import Any

from torch import Tensor, nn

from critlab._core.errors import StudyError
from critlab.hooks.watch import ranks
from critlab.hooks.watch.asides import Asides
from critlab.hooks.watch.budget import TimeBudget, clock, finish
from critlab.hooks.watch.looking import Given, Looking
from critlab.hooks.watch.records.history import History
from critlab.hooks.watch.records.writers import Writers
from critlab.hooks.watch.sums.gathering import Gathering
from critlab.measures.weights.parameter_groups import ParameterGroups

LOOKS = 8
"""Looks that make a record."""

MOST_PAUSE = 1000
"""Steps after which the ledger is read again at the latest, as the training may have become slower or faster."""

SHARED = "sums of several processes"
VERSION = 1
"""Of the state."""


class Watching:
    """Decides at each step what is due: a look, a record, or nothing.

    A part of the work that fails steps aside for good, with the reason; what is refused while nothing of the training
    would be lost is raised.

    Args:
        model: unwrapped.
        looking: takes the looks.
        sums: what is summed up between records.
        budget: of the ledger.
        log: where records go.
        optimizer: whose learning rate is read; None: the one that was given last.
    """

    def __init__(
        self, model: nn.Module, *, looking: Looking, sums: Gathering, budget: float, log: Any, optimizer: Any
    ) -> None:
        self.model, self.looking, self.sums, self.optimizer = model, looking, sums, optimizer
        self.asides, self.history = Asides(), History()
        self.ledger = TimeBudget(budget, clock(sums.device))
        #: steps of the optimiser; looks that this process has taken, without the first one, which does not count
        self.steps = self.taken = 0
        self._log = Writers(log, self.asides)
        self._began, self._seconds = time.perf_counter(), 0.0
        self._lr: Tensor | float | None = None
        #: nothing of the training would be lost yet if the watch refused it
        self._fresh = True
        self._wake = 0
        #: what learns now cannot be looked at
        self._waits = False

    def step(self, inputs: Given, loss: Tensor | float | None, lr: Tensor | float | None) -> None:
        """One step was made; see :meth:`~critlab.hooks.watch.watch.Watch.step`."""
        self.steps += 1
        if loss is not None:
            self._do("loss", lambda: self.sums.losses.tell(loss))
        if lr is not None:
            self._lr = lr
        if self.steps < self._wake:
            return
        self.ledger.arrive()
        if lr is None and self.optimizer is not None:
            self._do("learning rate", self._read_rate)
        self._do("looks", lambda: self.looking.take(inputs))
        self._do("gradients", self.sums.read)
        self._do("looks", self._look)
        if ranks.together() and self.steps % ranks.EVERY == 0:
            self._do(SHARED, self.sums.share)
            self._do(SHARED, self._learns)
        if self.sums.count >= LOOKS:
            self._do("records", self._record)
        self.ledger.leave()
        self._fresh = False
        self._wake = self.steps + self._pause()

    def rehearse(self, inputs: Given) -> None:
        """Looks once before the training; see :meth:`~critlab.hooks.watch.watch.Watch.rehearse`."""
        if not self.looking.rehearsed:
            self._do("looks", lambda: self._rehearse(inputs))

    def gradients(self) -> None:
        """Reads the gradients before they are clipped."""
        if self.sums.wants_gradients and self.steps + 1 >= self._wake and "looks" not in self.asides:
            self.ledger.arrive()
            self._do("gradients", lambda: self.sums.read(before_clipping=True))
            self.ledger.leave()

    def finish(self) -> None:
        """Makes a record of what is left."""
        if ranks.together():
            self._do(SHARED, self.sums.share)
        if self.sums.count > 1:
            self._do("records", self._record)

    def state(self) -> dict[str, Any]:
        """What :meth:`load` takes."""
        return {
            "version": VERSION,
            "steps": self.steps,
            "taken": self.taken,
            "rank": ranks.rank(),
            "wake": self._wake,
            "seconds": self._elapsed(),
            "ledger": self.ledger.state(),
            "history": self.history.state(),
            "sums": self.sums.state(),
            "looking": self.looking.state(),
        }

    def load(self, state: Mapping[str, Any]) -> None:
        """Goes on from a state.

        Raises:
            StudyError: it is of another version, or damaged.
        """
        if not isinstance(state, Mapping) or state.get("version") != VERSION:
            came = state.get("version") if isinstance(state, Mapping) else type(state).__name__
            raise StudyError(f"watch: state: received version {came!r}; must be {VERSION}")
        own = state.get("rank") == ranks.rank()
        try:
            # refuses a state of another likelihood before anything is taken from it
            self.looking.load(state["looking"], own=own)
            self.history.load(state["history"])
            self.sums.load(state["sums"], own=own)
            self.ledger.load(state["ledger"])
            self.steps, self.taken, self._wake = (int(state[name]) for name in ("steps", "taken", "wake"))
            self._seconds, self._began = float(state["seconds"]), time.perf_counter()
        except (KeyError, TypeError, ValueError, AttributeError, IndexError, StopIteration) as error:
            said = f"{type(error).__name__}: {error}"
            raise StudyError(f"watch: state: is damaged ({said}); start without it") from None
        self._fresh = False

    def _do(self, part: str, work: Callable[[], object]) -> None:
        """Does one part of the work; where it fails, says so once and leaves it: the training goes on."""
        if part in self.asides:
            return
        try:
            work()
        except Exception as error:
            if self._fresh and isinstance(error, StudyError):
                raise
            self.asides.say(part, self.steps, error)

    def _pause(self) -> int:
        """Steps until there is something to do again; in between, a step costs next to nothing."""
        looks = "looks" not in self.asides
        if looks and self.sums.wants_gradients and "gradients" not in self.asides:
            return 1  # gradients are compared between consecutive steps
        if looks and not self.ledger.worked:
            return 1  # how long a step takes is not known yet
        owed = self.ledger.owed(self.looking.size.cost())
        steps = math.ceil(owed * max(1, self.steps - 1) / self.ledger.worked) if looks else MOST_PAUSE
        if ranks.together():
            steps = min(steps, ranks.EVERY - self.steps % ranks.EVERY)
        return max(1, min(steps, MOST_PAUSE))

    def _rehearse(self, inputs: Given) -> None:
        self.looking.take(inputs)
        self.looking.rehearse(self.sums.weights)

    def _look(self) -> None:
        if not self.looking.rehearsed:
            # the first call of a model pays for much that the next ones do not, so that it counts for nothing
            self._rehearse(None)
            if self._fresh:
                return
        size = self.looking.size
        if not self.ledger.allows(size.cost()) or "records" in self.asides or not self._learns():
            return
        finish(self.sums.device)
        self.ledger.arrive()
        try:
            sample = self.looking.fisher_snapshot(self.sums.weights, self.steps)
        except StudyError as none:
            self._waits = True
            self.asides.say(
                "looks for a while", self.steps, none, then="critlab tries again when other weights are trained"
            )
            return
        finish(self.sums.device)
        size.learn(self.ledger.leave(), self.ledger.worked / max(1, self.steps - 1), self.ledger.budget)
        self.sums.add(sample)
        self.taken += 1

    def _learns(self) -> bool:
        """Whether there is something to look at: the weights that are followed learn, or others that now are."""
        try:
            others = self.sums.others()
        except StudyError as none:
            if self._fresh:
                raise
            self.asides.say("weights", self.steps, none, then="tried again")
            return False
        # sums of several processes change their form together, in step
        if others is not None and ranks.together() and self.steps % ranks.EVERY:
            return False
        if others is not None:
            self._change(others)
            self._waits = False
        return not self._waits

    def _change(self, others: ParameterGroups) -> None:
        if self.sums.count > 1:
            self._record()
        self.sums.follow(others)

    def _record(self) -> None:
        record = self.sums.record(
            self.history.last,
            step=self.steps,
            examples=self.looking.size.examples,
            lr=None if self._lr is None else float(self._lr),
            seconds=self._elapsed(),
            overhead=self.ledger.share,
        )
        self.history.append(record)
        if not ranks.rank():
            self._log(record)

    def _read_rate(self) -> None:
        rates = [group["lr"] for group in self.optimizer.param_groups if "lr" in group]
        self._lr = max(rates, key=float, default=None)

    def _elapsed(self) -> float:
        return self._seconds + time.perf_counter() - self._began
