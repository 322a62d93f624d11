"""The optimisers: those of torch.optim by name and options, and a user's own; torch inside methods only."""

from __future__ import annotations

from collections.abc import Mapping

from critlab._core.registry import Registry
from critlab.study.optimizers.optimizer import TorchOptimizer as TorchOptimizer

OPTIMIZERS: Registry[type[TorchOptimizer]] = Registry(
    "optimiser",
    TorchOptimizer,
    "critlab.optimizers",
    {
        "sgd": "critlab.study.optimizers.sgd:SGD",
        "adam": "critlab.study.optimizers.adam:Adam",
        "adamw": "critlab.study.optimizers.adam:AdamW",
        "nadam": "critlab.study.optimizers.adam:NAdam",
        "radam": "critlab.study.optimizers.adam:RAdam",
        "adamax": "critlab.study.optimizers.adam:Adamax",
        "rmsprop": "critlab.study.optimizers.adaptive:RMSprop",
        "adagrad": "critlab.study.optimizers.adaptive:Adagrad",
        "adadelta": "critlab.study.optimizers.adaptive:Adadelta",
        "adafactor": "critlab.study.optimizers.adaptive:Adafactor",
        "rprop": "critlab.study.optimizers.adaptive:Rprop",
        "asgd": "critlab.study.optimizers.sgd:ASGD",
        "muon": "critlab.study.optimizers.muon:Muon",
    },
    classes=True,
)
"""The optimisers by name."""

REFUSED: Mapping[str, str] = {
    "lbfgs": "evaluates the loss several times in a step, on the same batch, which training does not do",
    "sparseadam": "takes sparse gradients only, which no model here has",
}
"""The optimisers of torch.optim that no study can have, and why."""
