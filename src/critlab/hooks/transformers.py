"""The watch as a callback of the Transformers Trainer, and the Trainer as the loop of ``critlab.when``."""

from __future__ import annotations

import math
from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from critlab._core.errors import StudyError
from critlab._core.user_code.values import instance, path
from critlab.hooks.sensitivity.torch_training import Parts, TorchTraining
from critlab.hooks.sidecar.offered import OfferedCheckpoints
from critlab.hooks.watch import Watch
from critlab.hooks.watch.forking.plan import ForkPlan, with_rates
from critlab.hooks.watch.looks.inputs import Call
from critlab.hooks.when.trainer_loop import when_loop as when_loop

if TYPE_CHECKING:
    TrainerCallback = object
else:
    try:
        from transformers import TrainerCallback
    except ImportError:
        raise StudyError("the Transformers callback needs transformers: pip install 'critlab[hf]'") from None

STATE = "critlab_watch.pt"
"""The watch's state in a checkpoint's folder."""

SHARED = "num_items_in_batch"
"""What a model is called with where its loss is the sum over a batch, divided by all items of the step's batches."""


def trainer_training(args: Any, kept: Mapping[str, Any], forks: ForkPlan | None) -> TorchTraining:
    """The training of a Transformers Trainer as functions of copies of its model.

    Args:
        args: the Trainer's.
        kept: what the Trainer gives its callbacks.
        forks: says where a batch has inputs and labels.

    Raises:
        StudyError: it trains in half precision with scaled gradients.
    """
    if getattr(args, "fp16", False):
        raise StudyError(
            "forks: received fp16 with scaled gradients; use bf16, or critlab sidecar with your own functions"
        )
    model = kept["model"]
    loader = kept["train_dataloader"]
    # accelerate's loader counts its passes, which forks must not change
    loader = getattr(loader, "base_dataloader", loader)
    places = (forks.places if forks is not None else None) or (getattr(model, "main_input_name", "input_ids"), "labels")
    device, half = next(model.parameters()).device, bool(getattr(args, "bf16", False))
    return TorchTraining(
        Parts(model, inner(kept["optimizer"], "optimizer"), (inner(kept["lr_scheduler"], "scheduler"),)),
        loader,
        answered_loss,
        forks.evaluate if forks is not None else _no_score,
        inputs=places[0],
        labels=places[1],
        accumulate=args.gradient_accumulation_steps,
        clip=args.max_grad_norm or None,
        autocast=lambda: torch.autocast(device.type, dtype=torch.bfloat16) if half else nullcontext(),
        prepare=lambda batch: {name: one.to(device) if isinstance(one, Tensor) else one for name, one in batch.items()},
    )


def answered_loss(model: Any, batch: Any, place: int) -> Tensor:
    """The loss of a batch among the model's own answers.

    Raises:
        StudyError: there is none.
    """
    answer = model(**batch)
    loss = answer.get("loss") if isinstance(answer, Mapping) else getattr(answer, "loss", None)
    if not isinstance(loss, Tensor):
        raise StudyError("forks: the model gave no loss; it must compute one from labels")
    return loss


def inner(given: Any, name: str) -> Any:
    """What accelerate wrapped."""
    return getattr(given, name, given) if type(given).__module__.startswith("accelerate") else given


def _no_score(model: Any) -> float:
    raise StudyError("forks: evaluate is called in the sidecar alone")


class WatchCallback(TrainerCallback):
    """Watches the model that a Transformers Trainer trains.

    The Trainer shows its callbacks neither batches nor losses, so hooks on the model remember what it was last called
    with in training mode, and the ``loss`` of its answers; the hooks go when training ends. The loss of a step is that
    of all batches that were accumulated for it. Where the Trainer computes the loss itself, as with label smoothing,
    the answers have none. What the watch cannot look at it refuses before the first step.

    The Trainer clips gradients to ``max_grad_norm`` before a callback can read them: where that has happened, the
    records' norm is one after clipping, and is named so.

    Args:
        resume: the folder of the checkpoint to go on from, where it is not in the Trainer's ``output_dir``.
        forks: forks between two epochs, within their budget; ``total`` is the Trainer's number of epochs, and
            ``advance``, ``save`` and ``load`` are those of copies of the model, whose loss is that of its own answers.
        sidecar: a folder for checkpoints that ``critlab sidecar`` forks in another process.
        options: of :class:`~critlab.hooks.watch.watch.Watch`. ``log=trainer`` sends records wherever the Trainer's own
            go.

    The watch itself is in ``callback.watch`` once training has begun. Its state is in each checkpoint's folder.
    """

    def __init__(
        self,
        *,
        resume: str | Path | None = None,
        forks: ForkPlan | None = None,
        sidecar: str | Path | None = None,
        **options: Any,
    ) -> None:
        super().__init__()
        if resume is not None:
            resume = path(resume, "WatchCallback: resume")
        if forks is not None:
            instance(forks, "WatchCallback: forks", ForkPlan, "a critlab.ForkPlan, or None")
        self.resume, self.forks, self.options = resume, forks, options
        self.sidecar = None if sidecar is None else OfferedCheckpoints(path(sidecar, "WatchCallback: sidecar"))
        self._training: TorchTraining | None = None
        self.watch: Watch | None = None
        self._seen: Call | None = None
        self._losses: list[Tensor] = []
        self._is_sum = False
        self._hooks: list[Any] = []
        self._stepped = self._looking = False

    def on_train_begin(self, args: Any, state: Any, control: Any, **kept: Any) -> None:
        """Begins to watch, or goes on with the watch of a checkpoint."""
        optimizer, limit = kept.get("optimizer"), getattr(args, "max_grad_norm", None)
        known = {
            "optimizer": optimizer if hasattr(optimizer, "param_groups") else None,
            "clip": limit if limit and limit > 0 else None,
        }
        if self.forks is not None or self.sidecar is not None:
            self._training = trainer_training(args, kept, self.forks)
        if self.forks is not None and self._training is not None:
            own = self._training.functions
            functions = {name: own[name] for name in ("advance", "save", "load")}
            plan = self.forks.fitted(total=math.ceil(state.num_train_epochs), **functions)
            known["forks"] = with_rates(
                replace(plan, evaluate=own["evaluate"]), self._training, round(state.epoch or 0)
            )
        self.watch, self._losses = Watch(kept["model"], **{**known, **self.options}), []
        if state.global_step:
            self._restore(args, state)
        before, after = self._remember, self._remember_loss
        if getattr(args, "torch_compile", False):
            before, after = torch.compiler.disable(before), torch.compiler.disable(after)
        self._hooks = [
            self.watch.model.register_forward_pre_hook(before, with_kwargs=True),
            self.watch.model.register_forward_hook(after),
        ]

    def on_epoch_begin(self, args: Any, state: Any, control: Any, **kept: Any) -> None:
        """Forks, or writes a checkpoint for the sidecar, where that is due."""
        if self.watch is None or self._training is None:
            return
        epoch, training = round(state.epoch or 0), self._training
        if self.forks is not None:
            self.watch.fork_if_due(training.parts, epoch)
        if self.sidecar is not None and state.is_world_process_zero:
            self.watch.offer(self.sidecar, lambda: training.save(training.parts), epoch)

    def on_optimizer_step(self, args: Any, state: Any, control: Any, **kept: Any) -> None:
        """Counts the step, while its gradients are still there."""
        self._stepped = True
        self._step(args)

    def on_step_end(self, args: Any, state: Any, control: Any, **kept: Any) -> None:
        """Counts the step, where an old Trainer does not report it earlier."""
        if not self._stepped:
            self._step(args)
        self._stepped = False

    def on_save(self, args: Any, state: Any, control: Any, **kept: Any) -> None:
        """Puts the watch's state into the folder of the checkpoint that was just written."""
        folder = Path(args.output_dir) / f"checkpoint-{state.global_step}"
        if self.watch is not None and state.is_world_process_zero and folder.is_dir():
            self.watch.save(folder / STATE)

    def on_train_end(self, args: Any, state: Any, control: Any, **kept: Any) -> None:
        """Makes the last record."""
        for hook in self._hooks:
            hook.remove()
        if self.watch is not None:
            self.watch.close()

    def _step(self, args: Any) -> None:
        if self.watch is None:
            return
        losses, self._losses = self._losses, []
        loss = None
        if losses:
            together = torch.stack(losses)
            loss = together.sum() if self._is_sum else together.mean()
            if self._is_sum and getattr(args, "average_tokens_across_devices", False):
                loss = loss * args.world_size  # the items are those of all processes
        self.watch.step(self._seen, loss)

    def _restore(self, args: Any, state: Any) -> None:
        assert self.watch is not None
        given = self.resume or getattr(args, "resume_from_checkpoint", None)
        own = Path(args.output_dir) / f"checkpoint-{state.global_step}"
        folder = Path(given) if isinstance(given, str | Path) else own
        if (folder / STATE).is_file():
            self.watch.restore(folder / STATE)

    def _remember(self, model: nn.Module, arguments: tuple[Any, ...], named: dict[str, Any]) -> None:
        # copies of the model that forks train have the same hooks
        if not model.training or self._looking or self.watch is None or model is not self.watch.model:
            return
        self._is_sum = named.get(SHARED) is not None
        self._seen = seen = Call(arguments, {name: value for name, value in named.items() if name != SHARED})
        self._looking = True
        try:
            self.watch.rehearse(seen)
        finally:
            self._looking = False

    def _remember_loss(self, model: nn.Module, arguments: tuple[Any, ...], answer: Any) -> None:
        if not model.training or self._looking or self.watch is None or model is not self.watch.model:
            return
        if isinstance(answer, Mapping):
            loss = answer.get("loss")
        else:
            loss = answer[0] if isinstance(answer, tuple) and answer else getattr(answer, "loss", None)
        if isinstance(loss, Tensor) and loss.numel() == 1:
            self._losses.append(loss.detach().reshape(()))
