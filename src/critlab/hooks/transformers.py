"""The watch as a callback of the Transformers Trainer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from torch import Tensor, nn

from critlab.errors import StudyError
from critlab.hooks.watch import Watch
from critlab.hooks.watch.looks.inputs import Inputs

if TYPE_CHECKING:
    TrainerCallback = object
else:
    try:
        from transformers import TrainerCallback
    except ImportError:
        raise StudyError("the Transformers callback needs transformers: pip install 'critlab[hf]'") from None


class WatchCallback(TrainerCallback):
    """Watches the model that a Transformers Trainer trains.

    The Trainer shows its callbacks neither batches nor losses, so hooks on the model remember what it was last called
    with in training mode, and the ``loss`` of its answer; the hooks go when training ends. Where the Trainer computes
    the loss itself, as with label smoothing, the answer has none and the trace tells the phase.

    Args:
        options: of :class:`~critlab.hooks.watch.Watch`. ``log=trainer`` sends records wherever the Trainer's own go.

    The watch itself is in ``callback.watch`` once training has begun.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__()
        self.options = options
        self.watch: Watch | None = None
        self._seen: Inputs | None = None
        self._loss: Tensor | None = None
        self._hooks: list[Any] = []
        self._stepped = False

    def on_train_begin(self, args: Any, state: Any, control: Any, **kept: Any) -> None:
        """Begins to watch."""
        model = kept["model"]
        self.watch = Watch(model, **self.options)
        self._hooks = [
            self.watch.model.register_forward_pre_hook(self._remember, with_kwargs=True),
            self.watch.model.register_forward_hook(self._remember_loss),
        ]

    def on_optimizer_step(self, args: Any, state: Any, control: Any, **kept: Any) -> None:
        """Counts the step, while its gradients are still there."""
        self._stepped = True
        self._step()

    def on_step_end(self, args: Any, state: Any, control: Any, **kept: Any) -> None:
        """Counts the step, where the Trainer is too old to tell earlier."""
        if not self._stepped:
            self._step()
        self._stepped = False

    def on_train_end(self, args: Any, state: Any, control: Any, **kept: Any) -> None:
        """Makes the last record."""
        for hook in self._hooks:
            hook.remove()
        if self.watch is not None:
            self.watch.close()

    def _step(self) -> None:
        if self.watch is not None:
            self.watch.step(self._seen, self._loss)

    def _remember(self, model: nn.Module, arguments: tuple[Any, ...], named: dict[str, Any]) -> None:
        if model.training:
            self._seen = arguments if arguments else dict(named)

    def _remember_loss(self, model: nn.Module, arguments: tuple[Any, ...], answer: Any) -> None:
        if model.training:
            loss = answer.get("loss") if isinstance(answer, Mapping) else getattr(answer, "loss", None)
            self._loss = loss.detach() if isinstance(loss, Tensor) and loss.numel() == 1 else None
