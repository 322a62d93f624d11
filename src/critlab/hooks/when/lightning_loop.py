"""A LightningModule with its data as the loop of ``critlab.when``; imports Lightning where it is used."""

from __future__ import annotations

import importlib
import logging
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, cast

import torch

from critlab._core.errors import StudyError
from critlab._core.user_code.values import instance, whole
from critlab.hooks.calls import check_call
from critlab.hooks.when.trainer_loop import named_by

QUIET: Mapping[str, Any] = {
    "logger": False,
    "enable_checkpointing": False,
    "enable_progress_bar": False,
    "enable_model_summary": False,
    "num_sanity_val_steps": 0,
}
"""Options of the trainer that a caller can replace."""

LEFT_OUT = ("hyper_parameters", "hparams_name", "hparams_type")
"""Endings of the keys of a Lightning checkpoint that only describe how a module was made."""


@dataclass
class LightningTraining:
    """A module and its data, what Lightning saved after the last epoch, the seed, and whether the switch is on."""

    module: Any
    data: Any
    checkpoint: Mapping[str, Any] | None
    seed: int
    on: bool = False


def when_loop(
    make_module: Callable[[int], tuple[Any, Any]],
    switch: Callable[[LightningTraining, bool], Any],
    *,
    total: int,
    trainer: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Make the arguments of :func:`critlab.when` for Lightning: ``critlab.when(**when_loop(...), tolerance=...)``.

    An epoch is one of Lightning's. Each is trained by a trainer that goes on from Lightning's own checkpoint, so
    optimisers, schedules and callbacks' states are those of a whole training.

    Args:
        make_module: ``make_module(seed) -> (module, data)``: an untrained LightningModule with the switch off, and a
            LightningDataModule with the loaders of training and validation. ``configure_optimizers`` must name every
            parameter that is trained at any time, frozen ones too.
        switch: ``switch(training, on)`` changes ``training.module`` and ``training.data`` in place. It is also called
            on a new module whose switch was on when it was saved, before the weights are loaded.
        total: epochs of every training.
        trainer: options of ``lightning.Trainer``, such as ``{"accelerator": "cpu"}``.

    Returns:
        ``make``, ``advance``, ``evaluate``, ``save``, ``load``, ``switch`` and ``total``. Metrics are those that
        ``trainer.validate`` logs.
    """
    check_call(make_module, ("seed",), "when_loop: make_module")
    check_call(switch, ("training", "on"), "when_loop: switch")
    total = whole(total, "when_loop: total", 1)
    if trainer is not None:
        instance(trainer, "when_loop: trainer", Mapping, "a mapping of options, or None")
    options = {**QUIET, **(trainer or {})}

    def make(seed: int) -> LightningTraining:
        module, data = make_module(seed)
        return LightningTraining(module, data, None, seed)

    def advance(training: LightningTraining, epoch: int) -> None:
        fit = _trainer({**options, "max_epochs": epoch + 1, "limit_val_batches": 0})
        with TemporaryDirectory() as folder, _quietly():
            place = Path(folder) / "state.ckpt"
            resumed: dict[str, Any] = {}
            if training.checkpoint is not None:
                torch.save(training.checkpoint, place)
                resumed = {"ckpt_path": str(place), "weights_only": False}
            try:
                fit.fit(training.module, datamodule=training.data, **resumed)
            except ValueError as error:
                raise StudyError(
                    f"when: advance: Lightning cannot go on with its optimiser: {error}; let configure_optimizers name "
                    "every parameter that is trained at any time, frozen ones too"
                ) from error
            fit.save_checkpoint(place)
            found = torch.load(place, weights_only=False)
        training.checkpoint = {key: value for key, value in found.items() if not key.endswith(LEFT_OUT)}

    def evaluate(training: LightningTraining) -> dict[str, float]:
        with _quietly():
            found = _trainer(options).validate(training.module, datamodule=training.data, verbose=False)
        return {name: float(value) for one in found for name, value in one.items()}

    def flip(training: LightningTraining, on: bool) -> None:
        switch(training, on)
        training.on = on

    def load(saved: Mapping[str, Any]) -> LightningTraining:
        training = make(saved["seed"])
        if saved["on"]:
            flip(training, True)
        training.module.load_state_dict(saved["module"])
        training.checkpoint = saved["checkpoint"]
        return training

    settings: Any = partial(cast(Any, make_module), repr(sorted(options.items(), key=str)))
    return {
        "make": named_by(make, make_module),
        "advance": named_by(advance, settings),
        "evaluate": named_by(evaluate, settings),
        "save": _save,
        "load": load,
        "switch": named_by(flip, switch),
        "total": total,
    }


def _save(training: LightningTraining) -> dict[str, Any]:
    return {
        "module": training.module.state_dict(),
        "checkpoint": training.checkpoint,
        "seed": training.seed,
        "on": training.on,
    }


def _trainer(options: Mapping[str, Any]) -> Any:
    try:
        module = importlib.import_module("lightning.pytorch")
    except ImportError:
        module = importlib.import_module("pytorch_lightning")
    return module.Trainer(**options)


@contextmanager
def _quietly() -> Iterator[None]:
    """Without Lightning's hints on loaders and devices, which it would repeat for each epoch."""
    log = logging.getLogger("lightning.pytorch")
    level = log.level
    log.setLevel(logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        log.setLevel(level)
