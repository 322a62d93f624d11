"""The fully connected network of the first paper."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from itertools import pairwise
from math import prod
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from pydantic import Field

from critlab.models.model import Model

if TYPE_CHECKING:
    from torch import nn

Width = Annotated[int, Field(strict=True, ge=1)]


class MLP(Model):
    """Hidden layers of linear map, BatchNorm, activation and dropout, then a linear map to the logits.

    Args:
        hidden: the widths of the hidden layers, first to last; none makes a linear classifier.
        batch_norm: whether BatchNorm stands between each hidden layer and its activation.
        dropout: the share of each hidden layer's values that a training step leaves out.
        activation: ``relu``, ``tanh``, or ``linear``, which is none: with ``batch_norm`` false, a deep linear network.
    """

    name: ClassVar[str] = "mlp"
    citation: ClassVar[str] = "Achille, Rovere and Soatto 2019, figure 3"

    neutral: ClassVar[Mapping[str, Any]] = {"activation": "relu", "dropout": 0.0}

    # not strict itself: TOML and JSON have lists where Python has tuples
    hidden: Annotated[tuple[Width, ...], Field(strict=False)] = (2500, 2000, 1500, 1000, 500)
    batch_norm: bool = True
    activation: Literal["relu", "tanh", "linear"] = "relu"
    dropout: float = Field(default=0.0, ge=0, lt=1)

    def parameters(self, example_shape: tuple[int, ...], classes: int) -> int:
        """The number of trainable parameters."""
        extra = 2 if self.batch_norm else 1
        widths = [prod(example_shape), *self.hidden]
        last = classes * (widths[-1] + 1)
        return last + sum(after * (before + extra) for before, after in pairwise(widths))

    def build(self, example_shape: tuple[int, ...], classes: int) -> nn.Module:
        """See :func:`build`."""
        return build(example_shape, classes, self)


def build(example_shape: tuple[int, ...], classes: int, options: MLP) -> nn.Module:
    """Hidden layers of linear map, BatchNorm, activation and dropout, then a linear map to the logits.

    A hidden layer has a bias only where no BatchNorm follows; the output has one. Layers are called
    ``layer1.linear``, ``layer1.norm``, ... and ``output``.

    Args:
        example_shape: any shape; examples are flattened.
        classes: how many logits.
        options: widths, BatchNorm, activation and dropout.

    Returns:
        A module from float ``(N, *example_shape)`` to logits ``(N, classes)``, initialised as torch does by
        default, from torch's global generator.

    Source: Achille, Rovere and Soatto 2019, section 2 and figure 3 (MNIST padded to 32 x 32).
    """
    from torch import nn

    widths = [prod(example_shape), *options.hidden]
    layers: OrderedDict[str, nn.Module] = OrderedDict(flatten=nn.Flatten())
    for number, (before, after) in enumerate(pairwise(widths), start=1):
        layer: OrderedDict[str, nn.Module] = OrderedDict()
        layer["linear"] = nn.Linear(before, after, bias=not options.batch_norm)
        if options.batch_norm:
            layer["norm"] = nn.BatchNorm1d(after)
        if options.activation != "linear":
            layer[options.activation] = nn.ReLU() if options.activation == "relu" else nn.Tanh()
        if options.dropout:
            layer["dropout"] = nn.Dropout(options.dropout)
        layers[f"layer{number}"] = nn.Sequential(layer)
    layers["output"] = nn.Linear(widths[-1], classes)
    return nn.Sequential(layers)
