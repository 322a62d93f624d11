"""Squared gradient norms of many images at once, layer by layer, by random signs."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import torch
from torch import Tensor, nn

from critlab.errors import StudyError
from critlab.measures.estimates import Estimates
from critlab.measures.undisturbed import undisturbed
from critlab.measures.weights import Weights, in_graphs, log_probabilities, refuse_mixing

LARGEST_GROUP = 16
"""The signs' cross terms grow with the group. Measured on one thread (All-CNN of width 24, 28 x 28, 1,024
images), in epochs of 10,000 images: groups of 8 cost 0.103, 16 cost 0.092, 32 cost 0.086, 64 cost 0.093."""

LARGEST_COARSE_GROUP = 32
"""The same in bfloat16, where arithmetic is cheap and what is done once a group weighs more."""

DEGREES_OF_FREEDOM = 32
"""The standard error itself is then known to about 12 %. With 16 it was sometimes far too small, as a few
images with rare labels carry much of the variance (24 images, 2 draws, 150 repetitions of a small MLP: z had
standard deviation 1.6 and reached 12.7, against 1.1 and 4.7 with 32)."""

Score = Callable[[Tensor, slice], Tensor]
"""From the log-probabilities of a group, and its place among the images, to one log-probability each, ``(images,)``."""


def plan(images: int, draws: int, largest: int = LARGEST_GROUP) -> tuple[int, int]:
    """How many groups of at most ``largest`` and draws there must be, for enough degrees of freedom of the error."""
    needed = DEGREES_OF_FREEDOM + 1 if draws == 1 else -(-DEGREES_OF_FREEDOM // (draws - 1))
    if images < needed:
        return images, 1 + -(-DEGREES_OF_FREEDOM // images)
    return max(needed, -(-images // largest)), draws


def squared_gradients(
    model: nn.Module,
    images: Tensor,
    score: Score,
    *,
    generator: torch.Generator,
    draws: int,
    measure: str,
    largest: int = LARGEST_GROUP,
) -> Estimates:
    """The mean over images of each layer's ``|| d score / dw ||^2``, of the model in evaluation mode.

    One backward pass gives the squared gradient norms of a whole group of images: for independent random signs s,
    ``E || sum_i s_i g_i ||^2 = sum_i || g_i ||^2``, as the cross terms vanish. Each draw calls ``score`` anew, then
    draws its signs.

    Args:
        model: gives logits ``(N, classes)`` or ``(N, heads, classes)``; it is left as it was.
        images: ``(N, ...)`` as the model takes them.
        score: what is differentiated.
        generator: source of signs, on any device; it advances.
        draws: for each image; where images are few, more are made to estimate the error.
        measure: begins every message.
        largest: images of one group; fewer where the error would rest on too few degrees of freedom.

    Raises:
        StudyError: there are no images or draws, nothing to differentiate, or no such logits.
        Diverged: logits are not finite.

    Error: unbiased. ``stderr`` is over signs and whatever ``score`` draws, for the given images. Its square is
    unbiased for ``draws`` of at least 2; with one draw it also holds how much groups of images differ, and so is too
    large rather than too small. It rests on at least 32 degrees of freedom.

    Source: signs: Hutchinson 1990; grouping: ours.
    """
    weights = Weights.of(model, measure)
    refuse_mixing(model, measure)
    if len(images) < 1 or draws < 1:
        raise StudyError(f"{measure}: received {len(images)} images and {draws} draws; must be at least 1")
    groups, draws = plan(len(images), draws, largest)
    samples, begin = [], 0
    seed = int(torch.randint(2**62, (), generator=generator, device=generator.device))
    with undisturbed(model, seed):
        for group in in_graphs(images).tensor_split(groups):
            place = slice(begin, begin + len(group))
            log_p = log_probabilities(model(group), len(group), measure)
            samples.append(torch.stack(list(_samples(weights, log_p, place, score, draws, generator))))
            begin = place.stop
    # (layers, groups, draws)
    array = torch.stack(samples).permute(2, 0, 1).cpu().numpy()
    return Estimates(dict(zip(weights.layers, array, strict=True)), len(images))


def _samples(
    weights: Weights, log_p: Tensor, place: slice, score: Score, draws: int, generator: torch.Generator
) -> Iterator[Tensor]:
    """For each draw, float64 ``(layers,)``: unbiased for the sum of the group's squared gradient norms."""
    for draw in range(draws):
        chosen = score(log_p, place)
        signs = torch.randint(2, (len(chosen),), generator=generator, device=generator.device) * 2 - 1
        gradients = weights.gradients((signs.to(chosen) * chosen).sum(), retain=draw + 1 < draws)
        yield weights.squared_norms(gradients)
