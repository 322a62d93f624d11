"""A few training examples as the network sees them, small enough for a page."""

from __future__ import annotations

import base64
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any, Literal

import torch
from torch import Tensor
from torch.nn.functional import adaptive_avg_pool2d

from critlab._core.png import png
from critlab.data.image_set import ImageSet
from critlab.deficits import BatchContext
from critlab.deficits.deficit import kept_mask
from critlab.deficits.target_form import TargetForm
from critlab.study.runs.example_recipes import ExampleRecipes
from critlab.study.runs.recipe import Recipe
from critlab.training.inputs.examples import Examples

EXAMPLES = 8
MOST_SIDE = 40
"""Pixels of the longer side of a picture; larger ones are averaged."""

LEVELS = 4
"""Levels of 256 that a picture takes together: a page holds many of them."""

MOST_PLACES, MOST_COLUMNS = 24, 8
"""Tokens of a sequence, and columns of a table, that are shown."""

GAP = 2
"""Pixels between the parts of an example, such as two sources."""


def example_pictures(asked: ExampleRecipes, images: ImageSet) -> dict[str, Any]:
    """The JSON values of :class:`~critlab.engine.records.examples_record.ExamplePictures`, without test labels.

    Examples of as many classes as there are, at most :data:`EXAMPLES`. Cost: reads these examples alone; of a deficit
    that withholds some, the labels of all.
    """
    examples = Examples.of(images, torch.device("cpu"))
    chosen = _of_many_classes(examples.train_labels)
    clean, labels = _shown(examples, chosen, asked.clean, asked)
    deprived, others = _shown(examples, chosen, asked.deprived, asked)
    withheld = _withheld(examples, asked)[chosen]
    form = _form(images)
    write: Callable[[Tensor], Any] = _tokens if form == "tokens" else _numbers
    if form == "images":
        low, high = _range(clean, images)
        write = partial(_png, low=low, high=high)
    return {
        "form": form,
        "clean": [write(one) for one in clean],
        "deprived": [write(one) for one in deprived],
        "labels": [_label(one, images.targets) for one in labels],
        "deprived_labels": [_label(one, images.targets) for one in others],
        "withheld": withheld.tolist(),
    }


def _withheld(examples: Examples, asked: ExampleRecipes) -> Tensor:
    """bool ``(examples,)``: which training examples the epoch leaves out."""
    every = torch.arange(len(examples.train_images))
    draws = BatchContext(asked.seed, asked.epoch, 0, every, len(every), examples.classes, examples.mean)
    draws = replace(draws, targets=examples.targets)
    found = torch.zeros(len(every), dtype=torch.bool)
    for one in (*asked.deprived.deficits, asked.deprived.select):
        kept = None if one is None else kept_mask(one, examples.train_labels, draws)
        found = found if kept is None else found | ~kept
    return found


def _of_many_classes(labels: Tensor) -> Tensor:
    """The first example of each class, then the next ones; int64, at most :data:`EXAMPLES`."""
    first: dict[Any, int] = {}
    heads = labels.reshape(len(labels), -1)[:, 0]
    for place, label in enumerate(heads[:10_000].tolist()):
        first.setdefault(label, place)
    chosen = [place for _, place in sorted(first.items(), key=lambda one: str(one[0]).zfill(9))][:EXAMPLES]
    rest = (place for place in range(len(labels)) if place not in chosen)
    while len(chosen) < min(EXAMPLES, len(labels)):
        chosen.append(next(rest))
    return torch.tensor(chosen, dtype=torch.int64)


def _shown(examples: Examples, chosen: Tensor, recipe: Recipe, asked: ExampleRecipes) -> tuple[Tensor, Tensor]:
    """The examples as they are shown in an epoch, before normalisation, and their labels."""
    plain = replace(recipe, augment=None)
    images, labels = examples.training_batch(chosen, plain, asked.seed, asked.epoch, 0)
    if examples.form.values == "tokens":
        return images, labels
    return images * examples.std + examples.mean, labels


def _form(images: ImageSet) -> Literal["images", "tokens", "numbers"]:
    if images.form.values == "tokens":
        return "tokens"
    return "images" if images.train_images.ndim >= 3 else "numbers"


def _range(clean: Tensor, images: ImageSet) -> tuple[float, float]:
    """The values that are drawn black and white."""
    if images.form.values == "unit":
        return 0.0, 1.0
    values = clean.float().flatten()
    low, high = (float(torch.quantile(values, share)) for share in (0.01, 0.99))
    return low, high if high > low else low + 1.0


def _png(example: Tensor, low: float, high: float) -> str:
    """An example of two axes or more as a PNG in base64; several parts stand next to each other."""
    shape = example.shape[-3:] if example.ndim > 2 else (1, *example.shape)
    parts = example.reshape(-1, *shape)
    planes = [_planes(part, low, high) for part in parts[:4]]
    gap = torch.full((*planes[0].shape[:2], GAP), 255, dtype=torch.uint8)
    joined = torch.cat([piece for one in planes for piece in (one, gap)][:-1], dim=-1)
    channels, height, width = joined.shape
    content = joined.permute(1, 2, 0).contiguous().numpy().tobytes()
    return base64.b64encode(png(content, width, height, channels)).decode("ascii")


def _planes(part: Tensor, low: float, high: float) -> Tensor:
    """One plane or three, uint8 ``(1 or 3, height, width)``; other numbers of channels are averaged."""
    part = part if len(part) in (1, 3) else part.mean(0, keepdim=True)
    longest = max(part.shape[-2:])
    if longest > MOST_SIDE:
        height, width = (max(1, round(side * MOST_SIDE / longest)) for side in part.shape[-2:])
        part = adaptive_avg_pool2d(part[None], (height, width))[0]
    scaled = ((part - low) / (high - low)).clamp(0, 1) * 255
    return ((scaled / LEVELS).round() * LEVELS).clamp(0, 255).to(torch.uint8)


def _label(label: Tensor, targets: TargetForm) -> Any:
    """A label as JSON: of several the places of ones, of a label image its classes, of the next token none."""
    if targets.kind == "next_token":
        return None
    if targets.kind == "multi_hot":
        return label.flatten().nonzero().flatten().tolist()
    if targets.kind == "pixels":
        return [one for one in label.unique().tolist() if one != targets.ignored]
    if targets.kind == "real":
        return [float(f"{one:.4g}") for one in label.flatten().tolist()]
    return label.tolist()


def _tokens(example: Tensor) -> list[int]:
    return [int(one) for one in example.flatten()[:MOST_PLACES]]


def _numbers(example: Tensor) -> list[float]:
    return [round(float(one), 4) for one in example.flatten()[:MOST_COLUMNS]]
