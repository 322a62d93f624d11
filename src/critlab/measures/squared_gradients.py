"""Squared gradient norms of many images at once, layer by layer, by random signs."""

from __future__ import annotations

from typing import Protocol

import numpy as np
import torch
from torch import Tensor, nn

from critlab.errors import StudyError
from critlab.measures.estimates import Estimates, Floats
from critlab.measures.undisturbed import undisturbed
from critlab.measures.weights import Weights, in_graphs, log_probabilities, refuse_mixing

LARGEST_GROUP = 16
"""The signs' cross terms grow with the group. Measured on one thread (All-CNN of width 24, 28 x 28, 1,024
images), in epochs of 10,000 images: groups of 8 cost 0.103, 16 cost 0.092, 32 cost 0.086, 64 cost 0.093."""

LARGEST_COARSE_GROUP = 32
"""The same in bfloat16, where arithmetic is cheap and what is done once a group weighs more."""

DEGREES_OF_FREEDOM = 32
"""The standard error itself is then known to about 12 %, and 1.96 of it hold what they should within a percent."""


class Scores(Protocol):
    """What is differentiated: for each image one or several combinations of log-probabilities, each with a sign.

    Its place among the images says which images a group has.
    """

    def sample(self, weights: Weights, log_p: Tensor, place: slice, *, retain: bool) -> Tensor:
        """Float64 ``(layers,)``: unbiased over signs for the group's sum of squared gradients."""

    def squares(self, log_p: Tensor, place: slice) -> Tensor:
        """Float64 ``()``: the same sum for gradients in the logits, exactly."""


def plan(images: int, draws: int, largest: int = LARGEST_GROUP) -> tuple[int, int]:
    """How many groups of at most ``largest`` and draws there must be, for enough degrees of freedom of the error."""
    needed = DEGREES_OF_FREEDOM + 2 if draws == 1 else -(-DEGREES_OF_FREEDOM // (draws - 1))
    if images < needed:
        return images, 1 + -(-DEGREES_OF_FREEDOM // images)
    return max(needed, -(-images // largest)), draws


def more_draws(squares: Floats) -> list[int]:
    """How many more draws each group gets where a few of them carry the sum, :data:`DEGREES_OF_FREEDOM` at most.

    Each by its part in the sum of the squares of ``squares``, which no sign has a part in, so that no bias comes of
    the choice.
    """
    largest = squares.max()
    parts = (squares / largest) ** 2 if largest > 0 else squares
    return [int(extra) for extra in DEGREES_OF_FREEDOM * parts / max(parts.sum(), 1.0)]


def squared_gradients(
    model: nn.Module,
    images: Tensor,
    scores: Scores,
    *,
    generator: torch.Generator,
    draws: int,
    measure: str,
    largest: int = LARGEST_GROUP,
) -> Estimates:
    """The mean over images of each layer's squared gradient of ``scores``, of the model in evaluation mode.

    One backward pass gives the squared gradient norms of a whole group of images: for independent random signs s,
    ``E || sum_i s_i g_i ||^2 = sum_i || g_i ||^2``, as the cross terms vanish.

    Args:
        model: gives logits ``(N, classes)`` or ``(N, heads, classes)``; it is left as it was.
        images: ``(N, ...)`` as the model takes them.
        scores: what is differentiated, with its own source of signs.
        generator: of a seed for models that draw random numbers even in evaluation mode; it advances.
        draws: of signs for each image; where images are few, or few of them carry the sum, more are made to estimate
            the error.
        measure: begins every message.
        largest: images of one group; fewer where the error would rest on too few degrees of freedom.

    Raises:
        StudyError: there are no images or draws, nothing to differentiate, no such logits, or a layer mixes images.
        Diverged: logits are not finite.

    Error: unbiased. ``stderr`` is over signs, for the given images. Its square is unbiased for ``draws`` of at least 2;
    with one draw it also holds how much groups of images differ beyond what :meth:`Scores.squares` says of them, and so
    is too large rather than too small. It rests on at least 32 degrees of freedom, also where a few images carry nearly
    everything: the groups of these get further draws.

    Cost: one forward pass and ``draws`` backward passes for each image, and at most 32 of both for single groups, none
    where images hardly differ.

    Source: signs: Hutchinson 1990; grouping and the choice of draws: ours.
    """
    weights = Weights.of(model, measure)
    refuse_mixing(model, measure)
    if len(images) < 1 or draws < 1:
        raise StudyError(f"{measure}: received {len(images)} images and {draws} draws; must be at least 1")
    groups, draws = plan(len(images), draws, largest)
    seed = int(torch.randint(2**62, (), generator=generator, device=generator.device))
    with undisturbed(model, seed):
        looks = _Looks(model, weights, scores, measure, images, groups)
        found = [looks.at(place, draws) for place in looks.places]
        squares = np.array([float(square) for _, square in found])
        samples = [array for array, _ in found]
        for group, more in enumerate(more_draws(squares)):
            if more:
                samples[group] = np.concatenate([samples[group], looks.at(looks.places[group], more)[0]])
    layers = {layer: [array[:, place] for array in samples] for place, layer in enumerate(weights.layers)}
    return Estimates(layers, len(images), squares)


class _Looks:
    """One model at images in groups."""

    def __init__(
        self, model: nn.Module, weights: Weights, scores: Scores, measure: str, images: Tensor, groups: int
    ) -> None:
        self.model, self.weights, self.scores, self.measure = model, weights, scores, measure
        self.images = in_graphs(images)
        ends = np.cumsum([len(part) for part in images.tensor_split(groups)]).tolist()
        self.places = [slice(begin, end) for begin, end in zip([0, *ends[:-1]], ends, strict=True)]

    def at(self, place: slice, draws: int) -> tuple[Floats, float]:
        """Samples ``(draws, layers)`` of one group, and its squares in the logits."""
        group = self.images[place]
        log_p = log_probabilities(self.model(group), len(group), self.measure)
        samples = [
            self.scores.sample(self.weights, log_p, place, retain=draw + 1 < draws).cpu().numpy()
            for draw in range(draws)
        ]
        return np.stack(samples), float(self.scores.squares(log_p.detach(), place))
