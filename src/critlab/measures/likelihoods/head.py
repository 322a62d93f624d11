"""What a model must put out for a likelihood: checked before anything is read from it."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from torch import Tensor, empty, float32, float64

from critlab._core.errors import Diverged, StudyError
from critlab.measures.likelihoods import LIKELIHOODS
from critlab.measures.likelihoods.bernoulli import Bernoulli
from critlab.measures.likelihoods.categorical import Categorical
from critlab.measures.likelihoods.likelihood import Likelihood

FEWEST_COARSE_ROWS = 8
"""Rows in 16 bits that must add up to 1 before they are taken for probabilities: one may do so by chance."""

VIEWS = ("Squeeze", "Unsqueeze", "View", "Reshape", "UnsafeView", "Select", "Slice", "ToCopy", "Transpose", "Permute")
"""Operations that give the same numbers, by the first letters of torch's names."""


def checked_output(
    output: object,
    examples: int,
    measure: str,
    likelihood: Likelihood,
    *,
    labels: Sequence[int] | None = None,
    known: bool = False,
) -> Tensor:
    """``(N, labels...)`` with the numbers of each label's distribution along the last axis, float32 or float64.

    Args:
        output: what the model gave.
        examples: for how many.
        measure: begins every message.
        likelihood: of the labels.
        labels: the shape of labels or mask, where it is known.
        known: whether this model's output was looked at before, so that its graph needs no second look.

    Raises:
        StudyError: the likelihood does not understand the output, or it does not depend on the model's parameters, is
            probabilities, or comes through reentrant checkpoints.
        Diverged: it is not finite.
    """
    if not isinstance(output, Tensor):
        raise _refused(type(output).__name__, examples, measure, likelihood, ())
    shape = tuple(output.shape)
    usable = output.is_floating_point() and output.numel() > 0 and shape[:1] == (examples,)
    if not usable or not likelihood.understands(shape):
        fits = tuple(that_fit(shape)) if usable else ()
        raise _refused(f"{output.dtype} of shape {shape}", examples, measure, likelihood, fits)
    if not all(math.isfinite(end) for end in output.detach().aminmax()):
        raise Diverged(f"{measure}: the model's logits are not finite; measure an earlier state")
    if not output.requires_grad:
        raise StudyError(f"{measure}: model: its logits do not depend on its parameters; remove detach() or no_grad()")
    viewed = likelihood.view(output, labels)
    if not known:
        refuse_reentrant(output, measure)
        _refuse_probabilities(output, viewed.detach(), measure, likelihood)
    return viewed if viewed.dtype == float64 else viewed.float()


def checked_labels(labels: object, images: Tensor, measure: str) -> Tensor:
    """``labels``, a tensor ``(N, ...)`` as long as ``images``.

    Raises:
        StudyError: they are no tensor, or have another length.
    """
    if not isinstance(labels, Tensor) or not labels.ndim or len(labels) != len(images):
        came = f"shape {tuple(labels.shape)}" if isinstance(labels, Tensor) else type(labels).__name__
        raise StudyError(f"{measure}: labels: received {came}; must be a torch.Tensor ({len(images)}, ...)")
    return labels


def fitted_labels(labels: Tensor, output: Tensor, measure: str, likelihood: Likelihood) -> Tensor:
    """``labels`` in the shape ``(N, labels...)`` and on the device of a viewed ``output``; whole numbers as int64.

    Raises:
        StudyError: they have another shape, or values that such labels cannot have.
    """
    found = _fitted(labels, output, measure, likelihood)
    found = found if found.is_floating_point() or found.is_complex() else found.long()
    likelihood.check(found, output, measure)
    return found


def checked_mask(mask: object, images: Tensor, measure: str) -> Tensor | None:
    """A mask of labels, bool ``(N, ...)``, as long as ``images``; None stays None.

    Raises:
        StudyError: it is no tensor, or has another length.
    """
    if mask is None:
        return None
    if not isinstance(mask, Tensor) or not mask.ndim or len(mask) != len(images):
        came = f"shape {tuple(mask.shape)}" if isinstance(mask, Tensor) else type(mask).__name__
        raise StudyError(
            f"{measure}: mask: received {came}; must be a bool torch.Tensor ({len(images)}, ...), true where a label "
            "counts"
        )
    return mask != 0


def fitted_mask(mask: Tensor | None, output: Tensor, measure: str, likelihood: Likelihood) -> Tensor | None:
    """A mask of labels, bool, in the shape ``(N, labels...)`` and on the device of a viewed ``output``.

    Raises:
        StudyError: it has another shape than the labels of ``output``.
    """
    return None if mask is None else _fitted(mask, output, measure, likelihood)


def _fitted(labels: Tensor, output: Tensor, measure: str, likelihood: Likelihood) -> Tensor:
    if likelihood.takes(output.shape, labels.shape):
        return labels.to(output.device).reshape(output.shape[:-1])
    # the last axis of a view is the model's own where it holds classes
    given = output.shape if isinstance(likelihood, Categorical) else output.shape[:-1]
    others = [name for name in that_fit(given) if _takes(name, given, labels.shape)]
    raise StudyError(
        f"{measure}: labels: received shape {tuple(labels.shape)} for an output of shape {tuple(given)}; with "
        f"the likelihood {likelihood.name!r} must be {tuple(output.shape[:-1])}"
        + (f"; likelihoods that fit both: {', '.join(others)}" if others else "")
    )


def refuse_reentrant(value: Tensor, measure: str) -> None:
    """Raise :class:`~critlab._core.errors.StudyError` where reentrant checkpoints hide weights from ``value``.

    A gradient in chosen weights would silently leave out the checkpointed layers.
    """
    if "CheckpointFunctionBackward" in operations(value):
        raise StudyError(
            f"{measure}: model: uses reentrant activation checkpointing, which works only with a full backward "
            "pass; use torch.utils.checkpoint.checkpoint(..., use_reentrant=False)"
        )


def operations(value: Tensor) -> set[str]:
    """The names of the operations that a gradient of ``value`` goes back through."""
    left, seen = [value.grad_fn], set()
    while left:
        node = left.pop()
        if node is not None and node not in seen:
            seen.add(node)
            left += [following for following, _ in node.next_functions]
    return {type(node).__name__ for node in seen}


def that_fit(shape: Sequence[int]) -> Iterator[str]:
    """The names of critlab's own likelihoods that understand an output of this shape."""
    for name in LIKELIHOODS.rows:
        if LIKELIHOODS[name]().understands(shape):
            yield name


def _takes(name: str, shape: Sequence[int], labels: Sequence[int]) -> bool:
    likelihood = LIKELIHOODS[name]()
    return likelihood.takes(likelihood.view(empty(tuple(shape), device="meta"), labels).shape, labels)


def _refuse_probabilities(output: Tensor, viewed: Tensor, measure: str, likelihood: Likelihood) -> None:
    if isinstance(likelihood, Categorical) and _probabilities(viewed):
        raise StudyError(
            f"{measure}: model: the output is probabilities (each row adds up to 1); must be logits: "
            "remove the softmax "
            "at its end, or take the logarithm"
        )
    if isinstance(likelihood, Bernoulli) and _last_operation(output).startswith("Sigmoid"):
        raise StudyError(
            f"{measure}: model: the output is probabilities (it ends in a sigmoid); must be logits: remove the sigmoid "
            "at its end"
        )


def _last_operation(value: Tensor) -> str:
    """The name of the last operation that changed a number."""
    node = value.grad_fn
    while node is not None and type(node).__name__.startswith(VIEWS) and node.next_functions:
        node = node.next_functions[0][0]
    return type(node).__name__


def _probabilities(logits: Tensor) -> bool:
    """Whether all rows are those of a softmax; logits are so by chance in no case that matters."""
    rows, classes = logits.numel() // max(logits.shape[-1], 1), logits.shape[-1]
    fine = logits.dtype in (float32, float64)
    if classes < 2 or rows < (1 if fine else FEWEST_COARSE_ROWS) or bool((logits < 0).any()):
        return False
    sums = logits.sum(-1, dtype=float64)
    return bool(((sums - 1).abs() <= (1e-5 if fine else 0.02)).all())


def _refused(came: str, examples: int, measure: str, likelihood: Likelihood, fits: Sequence[str]) -> StudyError:
    noun = "image" if examples == 1 else "images"
    wanted = likelihood.shapes.replace("(N,", f"({examples},").replace("(N)", f"({examples},)")
    others = f"or use a likelihood that fits: {', '.join(fits)}" if fits else f"likelihoods: {', '.join(LIKELIHOODS)}"
    return StudyError(
        f"{measure}: model: for {examples} {noun} it gave {came}; with the likelihood {likelihood.name!r} it must give "
        f"{wanted}; {others}"
    )
