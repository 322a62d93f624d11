"""What cannot be looked at, refused in one line before anything is read from it."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from critlab._core.errors import StudyError
from critlab.hooks.watch.looks.logits import WAY_OUT
from critlab.measures.likelihoods.categorical import Categorical
from critlab.measures.likelihoods.likelihood import Likelihood
from critlab.measures.weights.parameter_groups import refuse_mixing

WATCH = "watch"
"""How messages begin."""

WRAPPERS = {"DistributedDataParallel", "FullyShardedDataParallel", "FSDP"}
"""What must be around the whole model: one look of one process would leave the others waiting."""

TOLERANCE = 1e-3
"""Of the largest logit: what rounding may change in an answer when the other examples of a batch change."""

COARSE_TOLERANCE = 0.05
"""The same where numbers have 16 bits."""

OTHER_PROBLEMS = {"multi_label_classification": "bernoulli", "regression": "gaussian"}
"""The likelihoods of what a model of Hugging Face says of itself, other than one label for each example."""


def refuse_model(model: nn.Module, *, calls_forward: bool, likelihood: Likelihood) -> None:
    """Raises where the form of a model already says that a look would be wrong.

    Args:
        model: unwrapped.
        calls_forward: whether the model itself is called with the inputs.
        likelihood: of the labels, given its output.

    Raises:
        StudyError: the model has no forward, is sharded, wraps a part of itself for several processes, says itself that
            it has another likelihood, or normalises by the batch even in evaluation mode.
    """
    if calls_forward and _has_no_forward(model):
        raise _refused(f"{type(model).__name__} has no forward of its own; {WAY_OUT}")
    for name, module in model.named_modules():
        kind = type(module).__name__
        if module is not model and kind in WRAPPERS:
            raise _refused(f"its part {name!r} is a {kind}; wrap the whole model and watch the wrapper")
    refuse_mixing(model, WATCH)
    for name, parameter in model.named_parameters():
        # by name, since importing the class takes seconds
        if any(kind.__name__ == "DTensor" for kind in type(parameter).__mro__) or hasattr(parameter, "ds_id"):
            raise _refused(
                f"its parameter {name!r} is sharded; the watch needs whole parameters, as in data parallelism"
            )
    problem = getattr(getattr(model, "config", None), "problem_type", None)
    if calls_forward and isinstance(likelihood, Categorical) and problem in OTHER_PROBLEMS:
        wanted = OTHER_PROBLEMS[problem]
        raise _refused(f"its config.problem_type is {problem!r}; give likelihood={wanted!r}, or {WAY_OUT}")


def refuse_dependence(logits: Tensor, others_changed: Tensor) -> None:
    """Raises where the answers of one example depend on the other examples of the batch.

    Args:
        logits: of one example, ``(..., classes)``.
        others_changed: of the same example among others.

    Raises:
        StudyError: they differ by more than rounding.
    """
    one, other = logits.double(), others_changed.double()
    tolerance = COARSE_TOLERANCE if logits.dtype.itemsize < 4 else TOLERANCE
    if one.shape != other.shape or not bool(((one - other).abs() <= tolerance * one.abs().max() + 1e-6).all()):
        raise _refused(
            "the output for an example depends on the other examples of its batch even in evaluation mode, so it has "
            "no Fisher information of its own; put examples along axis 0 and do not normalise over them"
        )


def neighbours_changed(examples: int) -> tuple[Tensor, Tensor]:
    """Places of three examples, twice, of which the one in the middle is the same and the others are not."""
    last = examples - 1 if examples > 2 else 1
    return torch.tensor([0, 1, 0], device="cpu"), torch.tensor([last, 1, last], device="cpu")


def _has_no_forward(model: nn.Module) -> bool:
    for kind in type(model).__mro__:
        if "forward" in vars(kind):
            # Lightning's own module has a forward that only calls that of torch, which raises
            return kind is nn.Module or (kind.__name__ == "LightningModule" and "lightning" in kind.__module__)
    return "forward" not in vars(model)


def _refused(came: str) -> StudyError:
    return StudyError(f"{WATCH}: model: {came}")
