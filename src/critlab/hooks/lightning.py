"""The watch as a callback of Lightning."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from critlab._core.errors import StudyError
from critlab.hooks.watch import Watch
from critlab.hooks.watch.looks.inputs import Inputs

if TYPE_CHECKING:
    Callback = object
else:
    try:
        from lightning.pytorch.callbacks import Callback
    except ImportError:
        try:
            from pytorch_lightning.callbacks import Callback
        except ImportError:
            raise StudyError("the Lightning callback needs Lightning: pip install 'critlab[lightning]'") from None


def first_of(batch: Any) -> Inputs:
    """The inputs of a batch: the first of a tuple or list; a mapping or a tensor as it is."""
    found: Inputs = batch[0] if isinstance(batch, tuple | list) else batch
    return found


def loss_of(outputs: Any, batches: int = 1) -> Tensor | None:
    """The loss of a batch among what a training step gave; None where it gave none, as with manual optimisation.

    Args:
        outputs: as Lightning hands them to callbacks.
        batches: whose gradients make one step: Lightning has divided the loss by them.
    """
    found = outputs.get("loss") if isinstance(outputs, Mapping) else outputs
    return found.detach() * batches if isinstance(found, Tensor) and found.numel() == 1 else None


class WatchCallback(Callback):
    """Watches the module that a Lightning trainer trains.

    The loss of a step is the mean over the batches that were accumulated for it. Gradients are read before they are
    clipped, and the learning rate is the optimiser's largest. The watch is part of Lightning's checkpoints, and goes on
    with them. What it cannot look at it refuses before the first step.

    Args:
        inputs: from a batch to what the module takes.
        options: of :class:`~critlab.hooks.watch.watch.Watch`. Without ``log``, records go to the trainer's loggers.

    The watch itself is in ``callback.watch`` once training has begun. Where several optimisers take turns, each of
    their steps counts.
    """

    def __init__(self, inputs: Callable[[Any], Inputs] = first_of, **options: Any) -> None:
        super().__init__()
        self.inputs, self.options = inputs, options
        self.watch: Watch | None = None
        self._saved: Mapping[str, Any] | None = None
        self._losses: list[Tensor] = []
        self._lr: float | None = None
        self._steps = 0

    def on_train_start(self, trainer: Any, pl_module: Any) -> None:
        """Begins to watch, or goes on with the watch of a checkpoint."""
        options: Mapping[str, Any] = {
            "log": list(trainer.loggers),
            **self.options,
        }
        self.watch, self._steps, self._losses = Watch(pl_module, **options), trainer.global_step, []
        saved, self._saved = self._saved, None
        if saved:
            self.watch.restore(saved)

    def on_train_batch_start(self, trainer: Any, pl_module: Any, batch: Any, batch_idx: int) -> None:
        """Looks once before the first step, so that it can still refuse."""
        if self.watch is not None:
            self.watch.rehearse(lambda: self.inputs(batch))

    def on_before_optimizer_step(self, trainer: Any, pl_module: Any, optimizer: Any) -> None:
        """Reads the gradients before they are clipped, and the learning rate before a scheduler changes it."""
        if self.watch is not None:
            self.watch.gradients()
            self._lr = max((float(group["lr"]) for group in optimizer.param_groups if "lr" in group), default=None)

    def on_train_batch_end(self, trainer: Any, pl_module: Any, outputs: Any, batch: Any, batch_idx: int) -> None:
        """Counts the step, where this batch ended one."""
        if self.watch is None:
            return
        divided = trainer.accumulate_grad_batches if pl_module.automatic_optimization else 1
        if (loss := loss_of(outputs, divided)) is not None:
            self._losses.append(loss)
        if trainer.global_step > self._steps:
            self._steps, losses = trainer.global_step, self._losses
            self._losses = []
            self.watch.step(lambda: self.inputs(batch), torch.stack(losses).mean() if losses else None, self._lr)

    def on_train_end(self, trainer: Any, pl_module: Any) -> None:
        """Makes the last record."""
        if self.watch is not None:
            self.watch.close()

    def state_dict(self) -> dict[str, Any]:
        """The watch's state, which Lightning puts into its checkpoints."""
        return {} if self.watch is None else self.watch.state_dict()

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Keeps the state until training begins."""
        self._saved = state_dict
