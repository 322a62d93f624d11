"""Watching one training: its signals, step by step. Two lines in a loop that is the user's own."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from pathlib import Path
from typing import Any, Self

import torch
from torch import Tensor, nn

from critlab._core.errors import StudyError
from critlab._core.user_code.values import instance, is_real, whole
from critlab.analysis.sources.prime_window import PrimeWindow
from critlab.hooks.calls import check_call
from critlab.hooks.named_options import given_options
from critlab.hooks.watch import ranks
from critlab.hooks.watch.forking.forking import Forking, OnClosed
from critlab.hooks.watch.forking.plan import ForkPlan
from critlab.hooks.watch.forking.with_forks import WithForks
from critlab.hooks.watch.looking import Given, Looking
from critlab.hooks.watch.looks.inputs import unwrapped
from critlab.hooks.watch.options import WatchOptions
from critlab.hooks.watch.records.signals import Signal, signals
from critlab.hooks.watch.sums.gathering import Gathering
from critlab.hooks.watch.sums.groups import Groups
from critlab.hooks.watch.watching import Watching


class Watch(WithForks):
    """Looks at a model while a user's loop trains it, within a budget, and leaves no trace in the training.

    Call :meth:`step` after every step of the optimiser. A look is one forward and one backward pass of a few examples
    in evaluation mode; eight looks make a :class:`~critlab.hooks.watch.records.record.Record` of a training's signals.
    Weights, ``.grad``, buffers, modes, attributes of modules and the global random states stay as they are: a training
    that is watched ends with the same bits as one that is not.

    The watch never ends a training that has begun. A model or inputs that it cannot look at it refuses: when it is
    made, in :meth:`rehearse`, or at the first :meth:`step`. What fails later is said once in a warning, and left:
    :attr:`asides` has the reasons.

    The watch sees one clean training, so none of its signals says whether the period is open; what the bench says they
    are worth stands with them. Forks say it: with ``forks``, :meth:`fork_if_due` makes them between two epochs, where
    they are worth their cost and within their budget.

    Args:
        model: gives an output that ``likelihood`` understands, a tensor or in the output's ``logits``: by default the
            logits ``(N, classes)`` or ``(N, heads, classes)`` of a classifier or a causal language model. Also wrapped
            by ``DistributedDataParallel`` or ``torch.compile``.
        log: where records go, one or several; see :func:`~critlab.hooks.watch.records.writers.writer`.
        budget: the share of the training's time that watching may take, above 0 and at most 1.
        groups: names of modules by group, such as ``{"audio": "audio_tower", "video": "video_tower"}``; for each the
            prime learning window is followed (:mod:`~critlab.analysis.sources.prime_window`).
        epoch_steps: steps of an epoch, in which that window is defined; needed where there are groups.
        optimizer: whose learning rate is read for each record: anything with ``param_groups``.
        forks: which forks to make; None for none.
        on_closed: ``(deficit, closing)``, called once for each deficit when two forks in a row have found it closed.
        options: everything else; None is ``WatchOptions()``.
        named: fields of :class:`~critlab.hooks.watch.options.WatchOptions` by name, such as ``probe``, ``likelihood``
            or ``forward``; they replace those of ``options``.

    Raises:
        StudyError: an argument is not what it should be, or the model cannot be looked at.
        TypeError: there is no such option.

    Error: each record's values have standard errors over signs and examples; they are unbiased for the mean over the
    record's steps of the Fisher trace on the probe.

    Cost: the budget. Measured on one thread with the default of 0.03: 0.0300 in 1,000 steps of 48 ms (All-CNN of width
    8, batch 128, 32 x 32; a look every 6 steps) and 0.0301 in 20,000 steps of 1.8 ms (MLP 784-256-10, batch 128; a look
    every 33). Memory does not grow with the training: of the records every second one goes where they are too many.

    Source: the trace: Achille, Rovere and Soatto 2019; samples spread over steps: ours.
    """

    def __init__(
        self,
        model: nn.Module,
        *,
        log: Any = (),
        budget: float = 0.03,
        groups: Groups | None = None,
        epoch_steps: int | None = None,
        optimizer: Any = None,
        forks: ForkPlan | None = None,
        on_closed: OnClosed | None = None,
        options: WatchOptions | None = None,
        **named: Any,
    ) -> None:
        chosen = given_options(WatchOptions, options, "watch").changed(named)
        if not is_real(budget) or not 0 < budget <= 1:
            raise StudyError(f"watch: budget: received {budget!r}; must be above 0 and at most 1, a share of the time")
        if chosen.examples < 1:
            raise StudyError(f"watch: examples: received {chosen.examples}; must be at least 1")
        if not isinstance(model, nn.Module):
            raise StudyError(f"watch: model: received {type(model).__name__}; must be a torch.nn.Module")
        if optimizer is not None and not hasattr(optimizer, "param_groups"):
            raise StudyError(f"watch: optimizer: received {type(optimizer).__name__}; must have param_groups")
        if epoch_steps is not None:
            whole(epoch_steps, "watch: epoch_steps", 1)
        if forks is not None:
            instance(forks, "watch: forks", ForkPlan, "a critlab.ForkPlan, or None")
        if on_closed is not None:
            check_call(on_closed, ("deficit", "closing"), "watch: on_closed")
        self.model = inner = unwrapped(model)
        plan = None if forks is None else forks.fitted().within_budget()
        looking = Looking(inner, chosen)
        sums = Gathering(inner, groups=groups, epoch_steps=epoch_steps, options=chosen)
        self._watching = Watching(inner, looking=looking, sums=sums, budget=budget, log=log, optimizer=optimizer)
        self._ledger = self._watching.ledger
        self._forking = Forking(plan, on_closed, self._ledger.now)

    @property
    def taken(self) -> int:
        """Looks that this process has taken, without the first one, which does not count."""
        return self._watching.taken

    @property
    def signals(self) -> Mapping[str, Signal]:
        """What the latest record says of each quantity, and how it has changed; empty before the first."""
        return signals(self.history)

    @property
    def windows(self) -> Mapping[str, PrimeWindow]:
        """For each group whether its prime learning window is open, and since which step."""
        return dict(self._watching.sums.groups.windows)

    @property
    def overhead(self) -> float:
        """Seconds of watching per second of training so far; processor time on a CPU, wall time elsewhere."""
        return self._ledger.share

    @property
    def asides(self) -> Mapping[str, str]:
        """What the watch does no longer do in this training, and why; each was said once in a warning."""
        return self._watching.asides.said

    def rehearse(self, inputs: Given = None) -> None:
        """Looks once before the training, so that what cannot be looked at is refused before the first step.

        Args:
            inputs: of a batch, as :meth:`step` takes them; they are kept as the probe, where there is none.

        Raises:
            StudyError: the model or the inputs cannot be looked at, and what to do.
        """
        self._watching.rehearse(inputs)

    def gradients(self) -> None:
        """Reads the gradients before the loop clips them; call it between the backward pass and the clipping.

        Where it is not called, :meth:`step` reads them as the loop left them. Their norm is then one after clipping,
        and is named so where ``clip`` is given or several steps have the same round norm.
        """
        self._watching.gradients()

    def step(
        self,
        inputs: Given = None,
        loss: Tensor | float | None = None,
        lr: Tensor | float | None = None,
    ) -> None:
        """One step of the optimiser was made.

        Args:
            inputs: of its batch, as the model takes them: a tensor, a tuple of arguments, a mapping of arguments by
                name, or a :class:`~critlab.hooks.watch.looks.inputs.Call` of both; or a function without arguments
                that gives them, called when they are needed. Of names, ``labels`` is left out unless the model needs
                it. May be left out where there is a ``probe``.
            loss: of its batch.
            lr: its learning rate, where there is no ``optimizer``.

        Raises:
            StudyError: at the first call alone: the model, the inputs or the loss are not what they should be.
        """
        self._watching.step(inputs, loss, lr)

    def close(self) -> None:
        """Makes a record of the looks since the last one; where several processes train, all must call it."""
        self._watching.finish()

    def __repr__(self) -> str:
        from critlab.report.text.numbers import significant

        known = ", ".join(f"{one.label.lower()} {significant(one.value)}" for one in self.signals.values())
        return f"<Watch: {known or 'no record yet'}>"

    def _repr_html_(self) -> str:
        from critlab.report.text.numbers import significant

        rows = "".join(
            f"<tr><td>{escape(one.label)}</td><td>{significant(one.value, 4)} {escape(one.unit)}</td>"
            f"<td>{one.moved}</td></tr>"
            for one in self.signals.values()
        )
        head = "<tr><th>Signal</th><th>Latest</th><th>Since half of the steps</th></tr>"
        return f"<table><thead>{head}</thead><tbody>{rows}</tbody></table>" if rows else "<p>No record yet.</p>"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        # where one process broke, the others would wait for it for ever
        if kind is None or not ranks.together():
            self.close()

    def report(self, path: str | Path, name: str = "") -> Path | None:
        """Writes the page of this training, as far as it is known.

        Args:
            path: of the HTML file.
            name: of the training; the model's class by default.

        Returns:
            The path; None in all processes but the first, and, with a warning, where there is no record yet,
            vl-convert-python is not installed, or the file cannot be written.
        """
        if ranks.rank():
            return None
        from critlab.hooks.watch.page.page import findings
        from critlab.report import report

        try:
            return report(findings(self.history, name or type(self.model).__name__, self.asides, self.course), path)
        except Exception as error:
            self._watching.asides.say("page", self.steps, error)
            return None

    def state_dict(self) -> dict[str, Any]:
        """The state of the watch, for the training's checkpoint: numbers, texts and tensors.

        ``torch.load(..., weights_only=True)`` loads it. It holds the records, the sums since the last one, the ledger,
        the examples that are looked at, and what forks have answered. What depends on the number of the step alone goes
        on bit for bit.

        Returns:
            Empty, with a warning, where there is no such state.
        """
        found: dict[str, Any] = {}
        try:
            found = {**self._watching.state(), "forks": self._forking.state()}
        except Exception as error:
            self._watching.asides.say("state", self.steps, error)
        return found

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Goes on from a state of :meth:`state_dict`; call it once the model has its weights back.

        Raises:
            StudyError: the state is of another version, or damaged.
        """
        self._watching.load(state)
        if "forks" in state:
            self._forking.load(state["forks"])

    def save(self, path: str | Path) -> None:
        """Writes the state to a file; where that fails, it says so in a warning, and the training goes on."""
        half = Path(f"{path}.half")
        try:
            torch.save(self.state_dict(), half)
            half.replace(path)
        except Exception as error:
            self._watching.asides.say("state", self.steps, error, then="critlab tries again with the next checkpoint")
            half.unlink(missing_ok=True)

    def restore(self, state: Mapping[str, Any] | str | Path) -> None:
        """Goes on from a state or its file; where it cannot be used, the watch begins again, with a warning."""
        try:
            found = torch.load(state, map_location="cpu", weights_only=True) if isinstance(state, str | Path) else state
            self.load_state_dict(found)
        except Exception as error:
            self._watching.asides.say("state", self.steps, error, then="the watch begins again")
