"""Answers a training's question from its checkpoints, in another process, while the training goes on."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from critlab._core.digest import digest
from critlab._core.errors import CritlabError, StudyError
from critlab._core.terminal.text import one_line
from critlab._core.user_code.identity import own_code
from critlab._core.user_code.modules import refresh
from critlab.deficits import Deficit
from critlab.hooks.sensitivity.answer import Sensitivity
from critlab.hooks.sensitivity.course import Course, finite
from critlab.hooks.sidecar.checkpoints import Checkpoint, Folder
from critlab.hooks.sidecar.kept import ANSWER, NAME, KeptLines
from critlab.hooks.watch.forking.forking import packed_look, unpacked_look
from critlab.hooks.watch.forking.plan import ForkPlan
from critlab.hooks.watch.forking.schedule import Schedule

POLL = 2.0
"""Seconds between two looks into the folder where there is nothing to do."""

SCHEMA_VERSION = 1


class Sidecar:
    """Forks from checkpoints at log-spaced epochs, as they come; every fork is kept as soon as it has ended.

    Args:
        folder: of the checkpoints.
        plan: the functions, the deficits and the lengths; its ``total`` says when the training is over.
        store: the folder in which scores and answers are kept, in :data:`NAME`; None is that of the checkpoints.
        every: whether every checkpoint is forked, not only those at log-spaced epochs.
        say: what is said to a person.

    Raises:
        StudyError: the plan lacks something.
    """

    def __init__(
        self, folder: Path, plan: ForkPlan, *, store: Path | None, every: bool, say: Callable[[str], object]
    ) -> None:
        refresh()
        self.plan, self.every, self.say = plan.fitted(), every, say
        self.folder, self.kept = Folder(folder, self.plan), KeptLines((store or folder) / NAME)
        self.named = plan_digest(self.plan)[:16]
        self._checked = False
        self._said: set[str] = set()

    @property
    def course(self) -> Course:
        """All answers that are kept for this plan, by epoch."""
        known = self.plan.options.known_map
        looks = [unpacked_look(one["look"], known) for one in self._answers()]
        return Course(tuple(sorted(looks, key=lambda one: one.onset)))

    def answers(self, *, once: bool) -> Iterator[Sensitivity]:
        """Each new answer, until the training is over.

        Args:
            once: whether to answer only what is there now.

        Raises:
            StudyError: the functions are not what they should be.
        """
        if once and not self.folder.place.is_dir():
            raise StudyError(f"CHECKPOINT_DIR: received {self.folder.place}, which does not exist; give a folder")
        while True:
            due, over = self._due()
            if due is not None:
                found = self._answer(due)
                if found is not None:
                    yield found
                continue
            self._tell_left_out()
            if once or over:
                return
            time.sleep(POLL)

    def refuse_unanswered(self) -> None:
        """Raises where there were checkpoints, and none could be used.

        Raises:
            StudyError: with the reason for the first one.
        """
        if self.folder.left_out and not self.course.looks:
            raise StudyError(f"sidecar: no checkpoint could be forked: {next(iter(self.folder.left_out.values()))}")

    def document(self) -> dict[str, Any]:
        """All answers as one JSON document."""
        course = self.course
        closings = {
            name: {"answer": one.answer, "low": one.low, "high": finite(one.high), "estimate": one.estimate}
            for name, one in course.closings.items()
        }
        left_out = dict(self.folder.left_out)
        return {"schema_version": SCHEMA_VERSION, "answers": course.rows(), "closings": closings, "left_out": left_out}

    def _due(self) -> tuple[Checkpoint | None, bool]:
        """The next checkpoint to fork, and whether none will come that could be forked."""
        assert self.plan.total is not None, "it was fitted"
        last = self.plan.total - sum(self.plan.lengths)
        there = self.folder.checkpoints()
        # a checkpoint that was written again, such as by another training, is forked again
        changed = {one.epoch for one in there if self._known(one.epoch).get("modified", one.modified) != one.modified}
        answered = [int(one["look"]["onset"]) for one in self._answers() if one["look"]["onset"] not in changed]
        schedule = Schedule(max(answered, default=None))
        for one in there:
            wanted = one.epoch not in answered if self.every else schedule.due(one.epoch, None)
            if wanted and one.epoch <= last:
                return one, False
        # after the last epoch that could be forked nothing is due any more
        return None, bool(there) and there[-1].epoch >= last

    def _answer(self, one: Checkpoint) -> Sensitivity | None:
        options = replace(self.plan.options, kept=Named(self.kept, self.named), check=self._checks())
        try:
            found = self.plan.answer(str(one.path), one.epoch, live=False, options=options)
        except StudyError as error:
            if not str(error).startswith(("sensitivity: checkpoint", "sensitivity: load")):
                raise
            if not self.folder.leave_out(one.path, one_line(str(error))):
                time.sleep(POLL)
            return None
        self._checked = True
        value = {"look": packed_look(found), "checkpoint": one.path.name, "modified": one.modified}
        self.kept[f"{self._prefix}{one.epoch}"] = value
        return found

    def _answers(self) -> list[dict[str, Any]]:
        return [self.kept[name] for name in self.kept if name.startswith(self._prefix)]

    def _known(self, epoch: int) -> dict[str, Any]:
        found: dict[str, Any] = self.kept.get(f"{self._prefix}{epoch}", {})
        return found

    def _checks(self) -> bool:
        return self.plan.options.check and not self._checked and not self.course.looks

    def _tell_left_out(self) -> None:
        for name, why in self.folder.left_out.items():
            if name not in self._said:
                self._said.add(name)
                self.say(f"{name} was left out: {why}")

    @property
    def _prefix(self) -> str:
        return f"{ANSWER}{self.named}:"


class Named(dict[str, Any]):
    """Scores of forks of one plan among the lines of a file.

    Args:
        lines: the file's.
        plan: names the plan.
    """

    def __init__(self, lines: KeptLines, plan: str) -> None:
        prefix = f"fork:{plan}:"
        super().__init__({name.removeprefix(prefix): lines[name] for name in lines if name.startswith(prefix)})
        self._lines, self._prefix = lines, prefix

    def __setitem__(self, name: str, value: Any) -> None:
        self._lines[f"{self._prefix}{name}"] = value
        super().__setitem__(name, value)


def plan_digest(plan: ForkPlan) -> str:
    """Names what the scores of a plan's forks depend on: code, deficits, lengths, repeats and the metric."""
    functions = [_code(one) for one in (plan.advance, plan.evaluate, plan.load)]
    deficits = {name: repr(one) if isinstance(one, Deficit) else _code(one) for name, one in plan.named.items()}
    options = plan.options
    numbers = [plan.total, *plan.lengths, options.smallest_damage, options.repeats, options.most_epochs]
    # a plan without a metric has the name that it had before there were any
    metric = [] if options.metric is None else [asdict(options.judged)]
    return digest("sidecar", functions, deficits, numbers, *metric)


def read_plan(path: str) -> ForkPlan:
    """The plan that ``module:training`` names: a :class:`ForkPlan`, or a function that returns one.

    Raises:
        StudyError: it cannot be imported, or is something else.
    """
    from critlab._core.loading.imports import imported

    given = imported(path)
    try:
        made = given() if callable(given) else given
    except CritlabError:
        raise
    except Exception as error:
        raise StudyError(f"{path!r} failed: {one_line(f'{type(error).__name__}: {error}')}") from error
    if not isinstance(made, ForkPlan):
        raise StudyError(
            f"{path!r} gave {type(made).__name__}; must be a critlab.ForkPlan or a function that returns one"
        )
    return made


def _code(function: Any) -> str:
    """Names a function by its code, or by its name where that cannot be read."""
    name = str(getattr(function, "__qualname__", type(function).__name__))
    try:
        return own_code(function, f"{getattr(function, '__module__', '')}:{name}").digest
    except (StudyError, AttributeError, TypeError):
        return name
