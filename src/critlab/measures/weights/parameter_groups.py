"""A model's parameters layer by layer, and the logits that they give: where every measure of weights begins."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from critlab._core.errors import Diverged, StudyError

FEWEST_COARSE_ROWS = 8
"""Rows in 16 bits that must add up to 1 before they are taken for probabilities: one may do so by chance."""

Gradients = Sequence[Tensor | None]
"""One gradient for each parameter; None is 0."""


@dataclass(frozen=True)
class ParameterGroups:
    """The parameters that require gradients, each once, under its first name, and the layers that own them.

    A complex number counts as two real ones, its real and its imaginary part.

    Args:
        layers: for each module that directly owns some of them its name in ``model.named_modules()``, in that order;
            the model itself is ``""``.
        names: each parameter's name in ``model.named_parameters()``.
        parameters: the parameters.
        owner: int64 ``(parameters,)``: each parameter's place in ``layers``.
    """

    layers: list[str]
    names: list[str]
    parameters: list[nn.Parameter]
    owner: Tensor

    @classmethod
    def of(cls, model: object, measure: str) -> ParameterGroups:
        """The weights of ``model``.

        Raises:
            StudyError: it is no module, or none of its parameters requires gradients; ``measure`` begins the message.
        """
        if not isinstance(model, nn.Module):
            raise StudyError(f"{measure}: model: received {type(model).__name__}; must be a torch.nn.Module")
        layers: dict[str, int] = {}
        owners: dict[nn.Parameter, tuple[str, int]] = {}
        for layer, module in model.named_modules():
            for name, parameter in module.named_parameters(recurse=False):
                if parameter.requires_grad and parameter not in owners:
                    place = layers.setdefault(layer, len(layers))
                    owners[parameter] = (f"{layer}.{name}" if layer else name, place)
        if not owners:
            raise StudyError(f"{measure}: model: has no parameter that requires gradients; unfreeze some")
        names, places = zip(*owners.values(), strict=True)
        device = next(iter(owners)).device
        return cls(list(layers), list(names), list(owners), torch.tensor(places, device=device))

    @property
    def sizes(self) -> Tensor:
        """Float64 ``(layers,)``: how many numbers each layer has."""
        return self.by_layer([torch.tensor(float(real(parameter).numel())) for parameter in self.parameters])

    def by_layer(self, numbers: Sequence[Tensor | None]) -> Tensor:
        """Float64 ``(layers,)``: each layer's sum of one number a parameter, ``()`` each; None is 0."""
        return self._summed(self._stacked(numbers))

    def _stacked(self, numbers: Sequence[Tensor | None]) -> Tensor:
        device = self.owner.device
        nothing = torch.zeros((), dtype=torch.float64, device=device)
        return torch.stack([nothing if n is None else n.to(device, torch.float64) for n in numbers])

    def _summed(self, numbers: Tensor) -> Tensor:
        nothing = torch.zeros(len(self.layers), dtype=torch.float64, device=self.owner.device)
        return nothing.index_add_(0, self.owner, numbers)

    def gradients(
        self, value: Tensor, *, along: Tensor | None = None, retain: bool = False
    ) -> tuple[Tensor | None, ...]:
        """The gradient of ``value``, ``()``, or of its sum weighed by ``along``.

        ``.grad`` stays as it is, and with ``retain`` the graph too.
        """
        return torch.autograd.grad(value, self.parameters, along, retain_graph=retain, allow_unused=True)

    def squared_norms(self, gradients: Gradients) -> Tensor:
        """Float64 ``(layers,)``: the squared norm of each layer's part."""
        norms = [None if gradient is None else _norm(gradient) for gradient in gradients]
        return self._summed(self._stacked(norms).square_())


def _norm(gradient: Tensor) -> Tensor:
    values = gradient.coalesce().values() if gradient.is_sparse else gradient
    norm: Tensor = torch.linalg.vector_norm(real(values), dtype=torch.float64)
    return norm


def real(values: Tensor) -> Tensor:
    """``values``; where they are complex, their real and imaginary parts ``(..., 2)``."""
    return torch.view_as_real(values.resolve_conj()) if values.is_complex() else values


def flat(gradient: Tensor) -> Tensor:
    """The real numbers of a gradient in a row, ``(numbers,)``, sparse or not."""
    return real(gradient.to_dense()).flatten()


def refuse_mixing(model: nn.Module, measure: str) -> None:
    """Raise :class:`~critlab._core.errors.StudyError` where a layer of ``model`` mixes examples in evaluation mode.

    The loss of such a model is no sum over examples, so the squared gradient of one example is not defined.
    """
    for name, module in model.named_modules():
        if isinstance(module, nn.modules.batchnorm._BatchNorm) and (
            module.running_mean is None or module.running_var is None
        ):
            raise StudyError(
                f"{measure}: model: {type(module).__name__} {name or '(root)'!r} keeps no running statistics, so each "
                "example's answer depends on the others of its batch; use track_running_stats=True, or another norm"
            )


def in_graphs(images: Tensor) -> Tensor:
    """``images``, or a copy where they were made in inference mode and could not take part in a graph.

    Raises:
        StudyError: they are no tensor.
    """
    if not isinstance(images, Tensor):
        raise StudyError(
            f"images: received {type(images).__name__}; must be a torch.Tensor (images, ...), as the model takes them; "
            "torch.as_tensor makes one of an array"
        )
    return images.clone() if images.is_inference() else images


def log_probabilities(output: object, images: int, measure: str, *, known: bool = False) -> Tensor:
    """Log-probabilities of :func:`checked_logits`, which see for arguments and errors."""
    return checked_logits(output, images, measure, known=known).log_softmax(-1)


def checked_logits(output: object, images: int, measure: str, *, known: bool = False) -> Tensor:
    """Logits ``(images, classes)`` or ``(images, heads, classes)``, float32 or float64.

    Args:
        output: what the model gave.
        images: for how many images.
        measure: begins every message.
        known: whether this model's logits were looked at before, so that their graph needs no second look.

    Raises:
        StudyError: ``output`` is none of that shape, does not depend on the model's parameters, is probabilities, or
            comes through reentrant checkpoints.
        Diverged: it is not finite.
    """
    if not isinstance(output, Tensor):
        raise _refused(type(output).__name__, images, measure)
    if output.ndim not in (2, 3) or len(output) != images or not output.numel() or not output.is_floating_point():
        raise _refused(f"{output.dtype} of shape {tuple(output.shape)}", images, measure)
    if not all(math.isfinite(end) for end in output.detach().aminmax()):
        raise Diverged(f"{measure}: the model's logits are not finite; measure an earlier state")
    if not output.requires_grad:
        raise StudyError(f"{measure}: model: its logits do not depend on its parameters; remove detach() or no_grad()")
    if not known:
        refuse_reentrant(output, measure)
    if not known and _probabilities(output.detach()):
        raise StudyError(
            f"{measure}: model: the output is probabilities (each row adds up to 1); must be logits: "
            "remove the softmax "
            "at its end, or take the logarithm"
        )
    return output if output.dtype == torch.float64 else output.float()


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


def _probabilities(logits: Tensor) -> bool:
    """Whether all rows are those of a softmax; logits are so by chance in no case that matters."""
    rows, classes = logits.numel() // max(logits.shape[-1], 1), logits.shape[-1]
    fine = logits.dtype in (torch.float32, torch.float64)
    if classes < 2 or rows < (1 if fine else FEWEST_COARSE_ROWS) or bool((logits < 0).any()):
        return False
    sums = logits.sum(-1, dtype=torch.float64)
    return bool(((sums - 1).abs() <= (1e-5 if fine else 0.02)).all())


def _refused(came: str, images: int, measure: str) -> StudyError:
    return StudyError(
        f"{measure}: model: for {images} images it gave {came}; "
        f"must give float logits ({images}, classes) or ({images}, heads, classes)"
    )


def of_labels(log_p: Tensor, labels: Tensor, measure: str) -> Tensor:
    """The log-probability of each label, in the shape of ``labels``; 0 where the label is -1.

    Args:
        log_p: ``(images, classes)`` or ``(images, heads, classes)``.
        labels: int64 ``(images,)`` or ``(images, heads)``.
        measure: begins the message.

    Raises:
        StudyError: the labels have another shape, or are no classes.
    """
    classes = log_p.shape[-1]
    if labels.shape != log_p.shape[:-1]:
        raise StudyError(
            f"{measure}: labels: received shape {tuple(labels.shape)} for logits of shape {tuple(log_p.shape)}; "
            f"must be {tuple(log_p.shape[:-1])}"
        )
    wanted = labels.to(log_p.device)
    if wanted.numel() and not -1 <= wanted.min() <= wanted.max() < classes:
        raise StudyError(
            f"{measure}: labels: received {int(wanted.min())} to {int(wanted.max())}; "
            f"must be from 0 to {classes - 1}, or -1 where there is no label"
        )
    chosen = log_p.gather(-1, wanted.clamp(min=0)[..., None])[..., 0]
    return torch.where(wanted >= 0, chosen, torch.zeros_like(chosen))
