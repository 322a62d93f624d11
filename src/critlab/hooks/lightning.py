"""The watch as a callback of Lightning, and its training as the loop of ``critlab.when``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from critlab._core.errors import StudyError
from critlab._core.user_code.values import instance, path
from critlab.hooks.calls import check_call
from critlab.hooks.sensitivity.torch_training import Parts, TorchTraining
from critlab.hooks.sidecar.offered import OfferedCheckpoints
from critlab.hooks.watch import Watch
from critlab.hooks.watch.forking.plan import ForkPlan, with_rates
from critlab.hooks.watch.looks.inputs import Inputs
from critlab.hooks.when.lightning_loop import when_loop as when_loop

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


def loss_of(outputs: Any, batches: int = 1, *, detach: bool = True) -> Tensor | None:
    """The loss of a batch among what a training step gave; None where it gave none, as with manual optimisation.

    Args:
        outputs: as Lightning hands them to callbacks.
        batches: whose gradients make one step: Lightning has divided the loss by them.
        detach: whether it comes without its graph.
    """
    found = outputs.get("loss") if isinstance(outputs, Mapping) else outputs
    if not isinstance(found, Tensor) or found.numel() != 1:
        return None
    return found.detach() * batches if detach else found


def trainer_training(trainer: Any, module: Any, forks: ForkPlan | None) -> TorchTraining:
    """The training of a Lightning trainer as functions of copies of its module.

    Raises:
        StudyError: it has manual optimisation, or several optimisers.
    """
    if not module.automatic_optimization or len(trainer.optimizers) != 1:
        raise StudyError(
            f"forks: the module has {len(trainer.optimizers)} optimisers"
            + ("" if module.automatic_optimization else " and manual optimisation")
            + "; must be one, with automatic optimisation; or use critlab.sensitivity with functions of your own"
        )
    configs = list(trainer.lr_scheduler_configs)
    if odd := [one for one in configs if one.reduce_on_plateau or one.frequency != 1]:
        raise StudyError(
            f"forks: the schedule {type(odd[0].scheduler).__name__} does not step after each step or epoch; use "
            "critlab.sensitivity with functions of your own"
        )
    places = (forks.places if forks is not None else None) or (0, 1)
    return TorchTraining(
        Parts(module, trainer.optimizers[0], tuple(one.scheduler for one in configs)),
        trainer.train_dataloader,
        training_loss,
        forks.evaluate if forks is not None else _no_score,
        inputs=places[0],
        labels=places[1],
        each_epoch=[place for place, one in enumerate(configs) if one.interval == "epoch"],
        accumulate=trainer.accumulate_grad_batches,
        clip=trainer.gradient_clip_val,
        autocast=trainer.precision_plugin.train_step_context,
        prepare=trainer.strategy.batch_to_device,
    )


def module_training(module: Any, loader: Any, evaluate: Callable[[Any], Any], **options: Any) -> TorchTraining:
    """The training of a Lightning module without a trainer, for the plan of a sidecar.

    Args:
        module: a new one; its checkpoints are those that ``WatchCallback(sidecar=...)`` writes.
        loader: as the trainer has it.
        evaluate: ``evaluate(module) -> accuracy``.
        options: further fields of :class:`~critlab.hooks.sensitivity.torch_training.TorchTraining`.

    Raises:
        StudyError: ``configure_optimizers`` gives another form than an optimiser, or one with one schedule.
    """
    given = module.configure_optimizers()
    optimizer: Any = given
    schedules: tuple[Any, ...] = ()
    each_epoch: tuple[int, ...] = ()
    if isinstance(given, Mapping):
        optimizer, config = given.get("optimizer"), given.get("lr_scheduler")
        config = {"scheduler": config} if config is not None and not isinstance(config, Mapping) else config
        schedules = () if config is None else (config["scheduler"],)
        each_epoch = (0,) if config is not None and config.get("interval", "epoch") == "epoch" else ()
    elif isinstance(given, tuple | list) and len(given) == 2 and len(given[0]) == 1:
        optimizer, schedules = given[0][0], tuple(given[1])
        each_epoch = tuple(range(len(schedules)))
    if not isinstance(optimizer, torch.optim.Optimizer):
        raise StudyError(
            f"forks: configure_optimizers: returned {type(given).__name__}; must be an optimiser, or one and a schedule"
        )
    parts = Parts(module, optimizer, schedules)
    return TorchTraining(parts, loader, training_loss, evaluate, each_epoch=each_epoch, **options)


def training_loss(module: Any, batch: Any, place: int) -> Tensor:
    """The loss of a batch by the module's ``training_step``.

    Raises:
        StudyError: it gave none.
    """
    loss = loss_of(module.training_step(batch, place), 1, detach=False)
    if loss is None:
        raise StudyError("forks: training_step returned no loss")
    return loss


def _no_score(module: Any) -> float:
    raise StudyError("forks: evaluate is called in the sidecar alone")


class WatchCallback(Callback):
    """Watches the module that a Lightning trainer trains.

    The loss of a step is the mean over the batches that were accumulated for it. Gradients are read before they are
    clipped, and the learning rate is the optimiser's largest. The watch is part of Lightning's checkpoints, and goes on
    with them. What it cannot look at it refuses before the first step.

    Args:
        inputs: from a batch to what the module takes.
        forks: forks between two epochs, within their budget; ``total`` is the trainer's ``max_epochs``, and
            ``advance``, ``save`` and ``load`` are those of copies of the module, with automatic optimisation of one
            optimiser.
        sidecar: a folder for checkpoints that ``critlab sidecar`` forks in another process.
        options: of :class:`~critlab.hooks.watch.watch.Watch`. Without ``log``, records go to the trainer's loggers.

    The watch itself is in ``callback.watch`` once training has begun. Where several optimisers take turns, each of
    their steps counts.
    """

    def __init__(
        self,
        inputs: Callable[[Any], Inputs] = first_of,
        *,
        forks: ForkPlan | None = None,
        sidecar: str | Path | None = None,
        **options: Any,
    ) -> None:
        super().__init__()
        check_call(inputs, ("batch",), "WatchCallback: inputs")
        if forks is not None:
            instance(forks, "WatchCallback: forks", ForkPlan, "a critlab.ForkPlan, or None")
        self.inputs, self.forks, self.options = inputs, forks, options
        self.sidecar = None if sidecar is None else OfferedCheckpoints(path(sidecar, "WatchCallback: sidecar"))
        self._training: TorchTraining | None = None
        self.watch: Watch | None = None
        self._saved: Mapping[str, Any] | None = None
        self._losses: list[Tensor] = []
        self._lr: float | None = None
        self._steps = 0

    def on_train_start(self, trainer: Any, pl_module: Any) -> None:
        """Begins to watch, or goes on with the watch of a checkpoint."""
        options: dict[str, Any] = {"log": list(trainer.loggers), **self.options}
        if self.forks is not None or self.sidecar is not None:
            self._training = trainer_training(trainer, pl_module, self.forks)
        if self.forks is not None and self._training is not None:
            own = self._training.functions
            known = {name: own[name] for name in ("advance", "save", "load")}
            plan = self.forks.fitted(total=trainer.max_epochs, **known)
            options["forks"] = with_rates(
                replace(plan, evaluate=own["evaluate"]), self._training, trainer.current_epoch
            )
        self.watch, self._steps, self._losses = Watch(pl_module, **options), trainer.global_step, []
        saved, self._saved = self._saved, None
        if saved:
            self.watch.restore(saved)

    def on_train_epoch_start(self, trainer: Any, pl_module: Any) -> None:
        """Forks, or writes a checkpoint for the sidecar, where that is due: schedules have made their step."""
        if self.watch is None or self._training is None:
            return
        epoch, training = trainer.current_epoch, self._training
        if self.forks is not None:
            self.watch.fork_if_due(training.parts, epoch)
        if self.sidecar is not None and trainer.is_global_zero:
            self.watch.offer(self.sidecar, lambda: training.save(training.parts), epoch)

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
