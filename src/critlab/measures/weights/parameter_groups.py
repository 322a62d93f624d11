"""A model's parameters layer by layer: where every measure of weights begins."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from critlab._core.errors import StudyError

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
