"""Small nets, and brute-force derivatives in float64, for the tests of measures."""

from __future__ import annotations

import itertools
from typing import Any

import torch
from torch import Tensor, nn


def seeded(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def convolutional() -> nn.Module:
    """Two blocks with BatchNorm whose running statistics are other than those of the start; images (2, 6, 6)."""
    model = nn.Sequential(
        nn.Conv2d(2, 4, 3, padding=1, bias=False),
        nn.BatchNorm2d(4),
        nn.ReLU(),
        nn.Conv2d(4, 5, 3, stride=2),
        nn.BatchNorm2d(5),
        nn.ReLU(inplace=True),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(5, 3),
    )
    model(torch.randn(64, 2, 6, 6) * 2 + 1)
    return model


def mlp() -> nn.Module:
    """One hidden layer with BatchNorm; images (2, 6, 6)."""
    return nn.Sequential(nn.Flatten(), nn.Linear(72, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, 3))


def frozen() -> nn.Module:
    """The first layer does not learn; images (2, 6, 6)."""
    model = mlp()
    model[1].requires_grad_(False)  # type: ignore[index]
    return model


class Heads(nn.Module):
    """Two heads of three classes; images (2, 6, 6)."""

    def __init__(self) -> None:
        super().__init__()
        self.trunk = nn.Linear(72, 5)
        self.heads = nn.Linear(5, 6)

    def forward(self, images: Tensor) -> Tensor:
        rows: Tensor = self.heads(torch.tanh(self.trunk(images.flatten(1))))
        return rows.view(-1, 2, 3)


NETS = {"convolutional": convolutional, "mlp": mlp, "frozen": frozen, "heads": Heads}


def net(name: str, images: int = 24) -> tuple[Any, Tensor, Tensor]:
    """A net, images (2, 6, 6) and labels, the same in every call; some labels are -1 where there are heads."""
    torch.manual_seed(5)
    model = NETS[name]()
    labels = torch.randint(3, (images, 2)) if name == "heads" else torch.randint(3, (images,))
    if name == "heads":
        labels[::3, 1] = -1
    return model, torch.randn(images, 2, 6, 6), labels


def parameters(model: nn.Module) -> dict[str, list[nn.Parameter]]:
    """The parameters that learn, by the module that owns them."""
    found: dict[str, list[nn.Parameter]] = {}
    for name, module in model.named_modules():
        for parameter in module.parameters(recurse=False):
            if parameter.requires_grad:
                found.setdefault(name, []).append(parameter)
    return found


def gradient_by_layer(model: nn.Module, value: Tensor) -> dict[str, Tensor]:
    """The gradient of a number, one vector a layer."""
    owned = parameters(model)
    flat = list(itertools.chain.from_iterable(owned.values()))
    gradients = iter(torch.autograd.grad(value, flat, retain_graph=True))
    return {name: torch.cat([next(gradients).flatten() for _ in own]) for name, own in owned.items()}


def image_gradients(model: nn.Module, images: Tensor, labels: Tensor) -> dict[str, Tensor]:
    """{layer: (images, numbers)}: the gradient of each image's log-probability of its labels, one by one."""
    model = model.double().eval()
    found = []
    for image, label in zip(images.double(), labels, strict=True):
        log_p = model(image[None]).log_softmax(-1).reshape(-1, 3)
        chosen = [row[one] for row, one in zip(log_p, label.reshape(-1), strict=True) if one >= 0]
        found.append(gradient_by_layer(model, torch.stack(chosen).sum()))
    return {layer: torch.stack([one[layer] for one in found]) for layer in found[0]}


def hessian(model: nn.Module, value: Tensor) -> Tensor:
    """The second derivatives of a number, ``(numbers, numbers)``, layer after layer."""
    flat = list(itertools.chain.from_iterable(parameters(model).values()))
    first = torch.cat([g.flatten() for g in torch.autograd.grad(value, flat, create_graph=True)])
    rows = []
    for one in first:
        second = torch.autograd.grad(one, flat, retain_graph=True, materialize_grads=True)
        rows.append(torch.cat([g.flatten() for g in second]))
    return torch.stack(rows)


def block_traces(model: nn.Module, matrix: Tensor) -> dict[str, float]:
    """The trace of each layer's own block of such a matrix."""
    sizes = [sum(p.numel() for p in own) for own in parameters(model).values()]
    blocks = matrix.diagonal().split(sizes)
    return {layer: block.sum().item() for layer, block in zip(parameters(model), blocks, strict=True)}
