"""A Trainer of Transformers as the loop of ``critlab.when``; imports transformers where it is used."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, cast

from critlab._core.errors import StudyError
from critlab._core.user_code.values import whole
from critlab.hooks.calls import check_call

UNREPEATABLE = ("runtime", "per_second")
"""Parts of the names of metrics that are times."""


@dataclass
class TrainerTraining:
    """A Trainer, its seed, and whether the switch is on."""

    trainer: Any
    seed: int
    on: bool = False


def when_loop(
    make_trainer: Callable[[int], Any], switch: Callable[[Any, bool], Any], *, total: int, epoch_steps: int
) -> dict[str, Any]:
    """Make the arguments of :func:`critlab.when` for a Trainer: ``critlab.when(**when_loop(...), tolerance=...)``.

    An epoch is ``epoch_steps`` steps of the optimiser. The learning rate follows the Trainer's own schedule over
    ``total`` of them. The Trainer draws its batches again in each epoch, from a generator that critlab seeds. What the
    Trainer keeps between epochs is the model, the optimiser and the schedule.

    Args:
        make_trainer: ``make_trainer(seed) -> Trainer`` with an untrained model and the switch off. Its optimiser must
            have every parameter that is trained at any time: call ``trainer.create_optimizer()`` before you freeze
            some.
        switch: ``switch(trainer, on)``, in place. It is also called on a new Trainer whose switch was on when it was
            saved, before the weights are loaded.
        total: epochs of every training.
        epoch_steps: steps of the optimiser in one.

    Returns:
        ``make``, ``advance``, ``evaluate``, ``save``, ``load``, ``switch`` and ``total``. Metrics are those of
        ``trainer.evaluate()``, such as ``eval_loss``, without times.

    Raises:
        StudyError: when called, ``make`` gives a Trainer with ``data_seed``, which would repeat the same batches in
            each epoch.
    """
    check_call(make_trainer, ("seed",), "when_loop: make_trainer")
    check_call(switch, ("trainer", "on"), "when_loop: switch")
    total = whole(total, "when_loop: total", 1)
    epoch_steps = whole(epoch_steps, "when_loop: epoch_steps", 1)

    def make(seed: int) -> TrainerTraining:
        return TrainerTraining(_prepared(make_trainer(seed), total * epoch_steps), seed)

    def advance(training: TrainerTraining, epoch: int) -> float:
        training.trainer.args.max_steps = epoch_steps
        return float(training.trainer.train().training_loss)

    def flip(training: TrainerTraining, on: bool) -> None:
        switch(training.trainer, on)
        training.on = on

    def load(saved: Mapping[str, Any]) -> TrainerTraining:
        training = make(saved["seed"])
        if saved["on"]:
            flip(training, True)
        training.trainer.model.load_state_dict(saved["model"])
        training.trainer.optimizer.load_state_dict(saved["optimizer"])
        training.trainer.lr_scheduler.load_state_dict(saved["schedule"])
        return training

    settings: Any = partial(cast(Any, make_trainer), total, epoch_steps)
    return {
        "make": named_by(make, make_trainer),
        "advance": named_by(advance, settings),
        "evaluate": named_by(_evaluate, make_trainer),
        "save": _save,
        "load": load,
        "switch": named_by(flip, switch),
        "total": total,
    }


def named_by(function: Callable[..., Any], users: Callable[..., Any]) -> Callable[..., Any]:
    """``function``, whose results the store names by the code of the user's own function."""

    def call(*arguments: Any) -> Any:
        return function(*arguments)

    call.__wrapped__ = users  # type: ignore[attr-defined]
    return call


def _prepared(trainer: Any, steps: int) -> Any:
    from transformers import PrinterCallback, ProgressCallback, get_scheduler

    if trainer.args.data_seed is not None:
        raise StudyError(
            f"when: make: received a Trainer with data_seed={trainer.args.data_seed}, which repeats the same batches "
            "in each epoch; leave it out"
        )
    for callback in (PrinterCallback, ProgressCallback):
        trainer.remove_callback(callback)
    trainer.create_optimizer()
    if trainer.lr_scheduler is None:
        trainer.lr_scheduler = get_scheduler(
            trainer.args.lr_scheduler_type,
            optimizer=trainer.optimizer,
            num_warmup_steps=trainer.args.get_warmup_steps(steps),
            num_training_steps=steps,
            scheduler_specific_kwargs=trainer.args.lr_scheduler_kwargs,
        )
    return trainer


def _evaluate(training: TrainerTraining) -> dict[str, float]:
    found = training.trainer.evaluate()
    return {
        name: float(value)
        for name, value in found.items()
        if name.startswith("eval_") and not any(part in name for part in UNREPEATABLE)
    }


def _save(training: TrainerTraining) -> dict[str, Any]:
    trainer = training.trainer
    return {
        "model": trainer.model.state_dict(),
        "optimizer": trainer.optimizer.state_dict(),
        "schedule": trainer.lr_scheduler.state_dict(),
        "seed": training.seed,
        "on": training.on,
    }
