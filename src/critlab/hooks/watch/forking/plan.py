"""Which forks a training gets: the functions, the deficits, their length, and the budget."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from critlab._core.errors import StudyError
from critlab._core.problems import shown
from critlab._core.user_code.values import is_real, whole
from critlab.hooks.border.entries import Key
from critlab.hooks.calls import check_call, check_calls
from critlab.hooks.named_options import check_key, given_options
from critlab.hooks.sensitivity.answer import Sensitivity
from critlab.hooks.sensitivity.deficits import AnyDeficit, named_deficits
from critlab.hooks.sensitivity.forks import Numbers
from critlab.hooks.sensitivity.options import SensitivityOptions
from critlab.hooks.sensitivity.sensitivity import sensitivity
from critlab.hooks.sensitivity.torch_training import TorchTraining
from critlab.learning_tasks import Metric

FEWEST = 3
"""Repeats that a series of forks needs to decide anything."""

CHECKED = 2
"""Epochs of the check before the first series."""

LONGEST = (4, 3)
"""Epochs with the deficit and after it, where the budget allows them."""

SERIES = 4
"""Series of forks through a training that lengths are chosen for, where the budget allows them."""


@dataclass(frozen=True)
class ForkPlan:
    """The forks of one training, for :class:`~critlab.hooks.watch.watch.Watch`, its callbacks, and the sidecar.

    Args:
        deficits: as :func:`critlab.sensitivity` takes them.
        evaluate: ``evaluate(state) -> accuracy``, or the value of ``metric``; of a callback, ``evaluate(model)``.
        total: epochs of the training; None where a callback knows it.
        advance: as :func:`critlab.sensitivity` takes it; None where a callback trains forks itself.
        load: in the same way.
        save: in the same way; the sidecar does not need it.
        deprived: epochs with the deficit; None: at most 4, as many as the budget allows.
        clean: epochs after it; None: at most 3, as many as the budget allows.
        fork_budget: the share of the training's cost that forks in the same process may take, above 0.
        places: where a batch has inputs and labels, for callbacks; None: the usual places of the framework.
        epoch_of: ``(path, checkpoint) -> epochs trained``, for the sidecar; None: the entry ``epoch`` of a checkpoint,
            else the last number in the file's name.
        options: further options of :func:`critlab.sensitivity`.
        metric: what ``evaluate`` gives, with its unit, direction and smallest damage, as in
            :class:`~critlab.hooks.own_loop.options.ProbeOptions`; None is that of ``options``, else accuracy.
    """

    deficits: Iterable[AnyDeficit] | Mapping[str, AnyDeficit]
    evaluate: Callable[[Any], float | Mapping[str, Any]]
    total: int | None = None
    advance: Callable[[Any, int, Any], Numbers | None] | None = None
    load: Callable[[Any], Any] | None = None
    save: Callable[[Any], Any] | None = None
    deprived: int | None = None
    clean: int | None = None
    fork_budget: float = 0.5
    places: tuple[Key | None, Key | None] | None = None
    epoch_of: Callable[[Path, Any], int] | None = None
    options: SensitivityOptions = field(default_factory=SensitivityOptions)
    metric: Metric | str | Callable[..., float] | None = None

    def fitted(self, **known: Any) -> ForkPlan:
        """The plan with what a callback knows, and with lengths that the budget allows.

        Args:
            known: fields that replace those that are None.

        Raises:
            StudyError: something is missing, a number is out of its range, or there are two metrics.
        """
        made = replace(self, **{name: value for name, value in known.items() if getattr(self, name) is None})
        for name in ("total", "advance", "load"):
            if getattr(made, name) is None:
                raise StudyError(f"forks: {name}: is missing; give ForkPlan(..., {name}=...)")
        made._check_functions()
        made = made.with_whole_epochs()
        if not is_real(made.fork_budget) or not made.fork_budget > 0:
            raise StudyError(f"forks: fork_budget: received {made.fork_budget!r}; must be above 0, a share of the cost")
        given = given_options(SensitivityOptions, made.options, "forks")
        if made.metric is not None and given.metric not in (None, made.metric):
            raise StudyError("forks: metric: received one here and another in options; give one of the two")
        options = given.changed({"metric": given.metric if made.metric is None else made.metric})
        return replace(made, deficits=named_deficits(made.deficits, "forks"), options=options)

    def _check_functions(self) -> None:
        functions = {name: getattr(self, name) for name in ("evaluate", "advance", "load", "save")}
        check_calls({name: one for name, one in functions.items() if one is not None or name == "evaluate"}, "forks")
        if self.epoch_of is not None:
            check_call(self.epoch_of, ("path", "checkpoint"), "forks: epoch_of")
        if self.places is not None:
            if not isinstance(self.places, tuple | list) or len(self.places) != 2:
                raise StudyError(f"forks: places: received {shown(self.places)}; must be (inputs, labels)")
            for place in self.places:
                check_key(place, "forks: places")

    def with_whole_epochs(self) -> ForkPlan:
        """The plan whose numbers of epochs, as far as they are given, are whole and at least 1.

        Raises:
            StudyError: one is not.
        """
        given = {name: getattr(self, name) for name in ("total", "deprived", "clean")}
        whole_ones: dict[str, Any] = {
            name: whole(value, f"forks: {name}", 1) for name, value in given.items() if value is not None
        }
        return replace(self, **whole_ones)

    def within_budget(self) -> ForkPlan:
        """The fitted plan with lengths that fit into the budget; what is given stays.

        Raises:
            StudyError: not even one series of short forks does.
        """
        assert self.total is not None, "it was fitted"
        count, budget = 1 + len(self.named), self.fork_budget * self.total
        lengths = [math.floor((budget - CHECKED) / (series * FEWEST * count)) for series in range(SERIES, 0, -1)]
        longest = next((length for length in lengths if length >= 2), 0)
        deprived = self.deprived or min(LONGEST[0], max(1, math.ceil(longest * LONGEST[0] / sum(LONGEST))))
        clean = self.clean or min(LONGEST[1], max(1, longest - deprived))
        made = replace(self, deprived=deprived, clean=clean)
        if made.series_epochs + CHECKED > budget:
            raise StudyError(
                f"forks: fork_budget: allows {budget:g} epochs, and {FEWEST} repeats of {count - 1} deficits with "
                f"{deprived} + {clean} epochs need {made.series_epochs + CHECKED}; raise fork_budget, give fewer "
                "deficits, let one call of advance train fewer steps, or use critlab sidecar"
            )
        return made

    @property
    def named(self) -> dict[str, AnyDeficit]:
        """The deficits by name."""
        return named_deficits(self.deficits, "forks")

    @property
    def lengths(self) -> tuple[int, int]:
        """Epochs with the deficit and after it."""
        return self.deprived or LONGEST[0], self.clean or LONGEST[1]

    @property
    def series_epochs(self) -> int:
        """Epochs of the fewest repeats that can decide."""
        return FEWEST * sum(self.lengths) * (1 + len(self.named))

    def answer(self, state: Any, epoch: int, *, live: bool, options: SensitivityOptions) -> Sensitivity:
        """Forks one state.

        Args:
            state: the live state, or a checkpoint.
            epoch: epochs that it was trained.
            live: which of the two.
            options: those of this series.

        Raises:
            StudyError: as :func:`critlab.sensitivity`.
        """
        assert self.advance is not None, "it was fitted"
        assert self.load is not None, "it was fitted"
        assert self.total is not None, "it was fitted"
        deprived, clean = self.lengths
        return sensitivity(
            state,
            advance=self.advance,
            evaluate=self.evaluate,
            load=self.load,
            save=self.save if live else None,
            deficits=self.named,
            epoch=epoch,
            total=self.total,
            deprived=deprived,
            clean=clean,
            # the functions of a training that goes on are run in its process
            options=replace(options, executor="inline"),
        )


def with_rates(plan: ForkPlan, training: TorchTraining, epoch: int) -> ForkPlan:
    """The plan with the learning rates that a training's schedules will give, where it has none.

    Args:
        plan: fitted.
        training: with the schedules.
        epoch: epochs trained.
    """
    assert plan.total is not None, "it was fitted"
    if plan.options.rates is not None:
        return plan
    return replace(plan, options=replace(plan.options, rates=training.rates(epoch, plan.total)))
