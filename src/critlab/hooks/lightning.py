"""The watch as a callback of Lightning."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from torch import Tensor

from critlab.errors import StudyError
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


def loss_of(outputs: Any) -> Tensor | None:
    """The loss of a batch among what a training step gave; None where it gave none, as with manual optimisation."""
    found = outputs.get("loss") if isinstance(outputs, Mapping) else outputs
    return found if isinstance(found, Tensor) and found.numel() == 1 else None


class WatchCallback(Callback):
    """Watches the module that a Lightning trainer trains.

    Args:
        inputs: from a batch to what the module takes.
        options: of :class:`~critlab.hooks.watch.Watch`. Without ``log``, records go to the trainer's loggers.

    The watch itself is in ``callback.watch`` once training has begun. Where several optimisers take turns, each of
    their steps counts.
    """

    def __init__(self, inputs: Callable[[Any], Inputs] = first_of, **options: Any) -> None:
        super().__init__()
        self.inputs, self.options = inputs, options
        self.watch: Watch | None = None
        self._steps = 0

    def on_train_start(self, trainer: Any, pl_module: Any) -> None:
        """Begins to watch."""
        options: Mapping[str, Any] = {"log": list(trainer.loggers), **self.options}
        self.watch, self._steps = Watch(pl_module, **options), trainer.global_step

    def on_train_batch_end(self, trainer: Any, pl_module: Any, outputs: Any, batch: Any, batch_idx: int) -> None:
        """Counts the step, where this batch ended one."""
        if self.watch is not None and trainer.global_step > self._steps:
            self._steps = trainer.global_step
            self.watch.step(self.inputs(batch), loss_of(outputs))

    def on_train_end(self, trainer: Any, pl_module: Any) -> None:
        """Makes the last record."""
        if self.watch is not None:
            self.watch.close()
