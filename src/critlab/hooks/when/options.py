"""The options of :func:`critlab.when` beyond the loop and the most usual numbers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any, Literal

from critlab._core.errors import StudyError
from critlab._core.user_code.values import is_whole, whole
from critlab.analysis.timing.costs import cost_of
from critlab.hooks.calls import check_call
from critlab.hooks.named_options import given_options, with_named
from critlab.hooks.own_loop.means import LoopMeans
from critlab.learning_tasks import Metric
from critlab.report.text.timing.timing import UNNAMED
from critlab.study.types import listed

Direction = Literal["on", "off"]

CANDIDATES = 16
"""Into so many parts the training is divided where no times are given."""


@dataclass(frozen=True)
class WhenOptions(LoopMeans):
    """Options of :func:`critlab.when`; it takes each also by name.

    Args:
        direction: ``"on"``: off from the start, on from each time to the end. ``"off"``: on from the start, off from
            each time to the end.
        times: which may be tried, epochs from 0 to ``total``; ``total`` stands for never and is always tried. Where it
            is left out, the training is divided into 16 parts.
        present: the time at which the switch is flipped today; it is tried, and its cost is reported. ``total`` is
            never.
        most_times: how many times may be tried; all where it is left out.
        cost: ``cost(epoch, on)``, what one epoch costs in any unit, such as seconds or operations; at least 0. Then
            the answer also compares times at equal quality by what their training costs.
        diverged: the value of every metric that counts for a training whose numbers are not finite. Where it is left
            out, such a training ends the call with an error.
        metric: what is judged. A text is what texts and the page call the number that ``evaluate`` returns. The name of
            one of critlab's metrics, such as ``"mean_absolute_error"``, a :class:`critlab.learning_tasks.Metric`, or a
            function with ``@critlab.metric``, itself or by path, brings unit, direction and range too; a sequence of
            these is for a loop whose ``evaluate`` returns a mapping with their names.
        fraction: whether metrics are fractions that texts show in points; None is as the metric says, else not.
        switch_name: what texts and the page call the switch.
        step: what texts call an epoch, in the singular.
        name: of the study in the store.
        model: what the store calls the model.
        data: what the store calls the data.
        version: names the loop and its data in the store; where it is left out, the code of ``make``, ``advance``,
            ``evaluate`` and ``switch`` does, as in :class:`~critlab.hooks.own_loop.options.ProbeOptions`.
        check: whether to train five epochs first, to see that epochs can be repeated bit for bit, and that a saved
            state goes on as if it had not been saved, before and after the switch.
        replace: let the study take over its name where the store holds another study of that name.
        threads: how many threads torch has on the processor while the loop runs, as in
            :class:`~critlab.hooks.own_loop.options.ProbeOptions`; None leaves torch's setting as it is.
    """

    direction: Direction = "on"
    times: Iterable[int] | None = None
    present: int | None = None
    most_times: int | None = None
    cost: Callable[[int, bool], float] | None = None
    diverged: float | None = None
    metric: str | Metric | Callable[..., float] | Sequence[str | Metric | Callable[..., float]] = UNNAMED
    fraction: bool | None = None
    switch_name: str = "the switch"
    step: str = "epoch"
    name: str = "when"
    model: str = "the model"
    data: str = "its own data"
    version: str | int | None = None
    check: bool = True
    replace: bool = False
    threads: int | None = 1

    @classmethod
    def of(cls, named: Mapping[str, Any]) -> WhenOptions:
        """The options in ``named``; its ``options`` are those that the others replace.

        Raises:
            TypeError: there is no such option.
            StudyError: a part of the work was asked for, or a field of
                :class:`~critlab.hooks.own_loop.means.LoopMeans` is out of its range.
        """
        given = dict(named)
        if "part" in given:
            raise StudyError(
                f"when: part: received {given['part']!r}; further times and seeds depend on all results so far, so the "
                "work cannot be divided beforehand; omit part, give the loop as a class with workers=, or run the same "
                "call several times on one store"
            )
        made = with_named(given_options(cls, given.pop("options", None), "when"), given, "when")
        made.check_means("when")
        return made

    def candidates(self, total: int) -> tuple[int, ...]:
        """The times that may be tried, increasing, ``total`` included.

        Raises:
            StudyError: a time lies outside of the training, or an option is not one of its values.
        """
        if self.direction not in ("on", "off"):
            raise StudyError(f'when: direction: received {self.direction!r}; must be "on" or "off"')
        if self.threads is not None and self.threads < 1:
            raise StudyError(f"when: threads: received {self.threads}; must be at least 1, or None for torch's setting")
        if self.cost is not None:
            _check_cost(self.cost, total)
        if self.most_times is not None:
            whole(self.most_times, "when: most_times", 1)
        parts = min(CANDIDATES, total)
        given = [round(part * total / parts) for part in range(parts)] if self.times is None else listed(self.times)
        if not isinstance(given, list):
            raise StudyError(f"when: times: received {given!r}; must be a list of epochs")
        if not given:
            raise StudyError("when: times: received none; give at least one epoch, or omit times")
        for key, times in (("times", given), ("present", [] if self.present is None else [self.present])):
            for time in times:
                if not is_whole(time) or not 0 <= time <= total:
                    raise StudyError(
                        f"when: {key}: received {time!r}; must be a whole epoch from 0 to {total}, the length of "
                        "training (total)"
                    )
        return tuple(sorted({*map(int, given), *([] if self.present is None else [int(self.present)]), total}))


def _check_cost(cost: Any, total: int) -> None:
    """Refuse a cost that is no function, or that returns something else than costs.

    A function that fails is left: it may know its costs only once the epochs were trained.

    Raises:
        StudyError: it is none.
    """
    check_call(cost, ("epoch", "on"), "when: cost")
    for epoch, on in product((0, total - 1), (False, True)):
        try:
            returned = cost(epoch, on)
        except Exception:
            return
        try:
            cost_of(returned)
        except ValueError as error:
            raise StudyError(f"when: {error}") from None
