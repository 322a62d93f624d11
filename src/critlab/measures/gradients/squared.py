"""Squared gradient norms of many images at once, layer by layer, by random signs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Protocol, runtime_checkable

import numpy as np
import torch
from torch import Tensor, nn

from critlab._core.errors import StudyError
from critlab.measures.estimates import Estimates, Floats
from critlab.measures.eval_guard import eval_guard
from critlab.measures.likelihoods.categorical import Categorical
from critlab.measures.likelihoods.head import checked_output
from critlab.measures.likelihoods.likelihood import Likelihood
from critlab.measures.weights.parameter_groups import ParameterGroups, in_graphs, refuse_mixing

LARGEST_GROUP = 16
"""The signs' cross terms grow with the group. Measured on one thread (All-CNN of width 24, 28 x 28, 1,024
images), in epochs of 10,000 images: groups of 8 cost 0.103, 16 cost 0.092, 32 cost 0.086, 64 cost 0.093."""

LARGEST_COARSE_GROUP = 32
"""The same in bfloat16, where arithmetic is cheap and what is done once a group weighs more."""

DEGREES_OF_FREEDOM = 32
"""At least, before it is known which groups carry the sum: an interval is then 4 % longer than of many."""

MOST_MORE = 128
"""Passes more where few groups carry the sum. Measured with 64: 27 % longer intervals, with half of the degrees of
freedom."""

UNEQUAL = 2.0
"""Groups whose squares are at most so far above the average count as equal, as those of an untrained model do."""


class Scores(Protocol):
    """What is differentiated: for each image one or several combinations of its outputs, each with a sign."""

    #: float64 ``()``: about the group's sum of squared gradients in the outputs; no sign has a part in it
    uncertainty: Tensor

    def sample(self, weights: ParameterGroups, *, retain: bool) -> Tensor:
        """Float64 ``(layers,)``: unbiased over signs for the group's sum of squared gradients."""


@runtime_checkable
class Summed(Scores, Protocol):
    """Scores that chance need have no part in."""

    #: backward passes that :meth:`exact` takes for an image
    terms: int

    def exact(self, weights: ParameterGroups) -> Tensor:
        """Float64 ``(layers,)``: the sum of squared gradients of a group of one image, without chance."""


Scored = Callable[[Tensor, slice], Scores]
"""From the outputs for a group of images, viewed, with their graph, and the group's place among all images."""


def plan(images: int, draws: int, largest: int = LARGEST_GROUP) -> tuple[int, int]:
    """How many groups of at most ``largest`` and draws there must be, for enough degrees of freedom of the error."""
    needed = DEGREES_OF_FREEDOM + 2 if draws == 1 else -(-DEGREES_OF_FREEDOM // (draws - 1))
    if images < needed:
        return images, 1 + -(-DEGREES_OF_FREEDOM // images)
    return max(needed, -(-images // largest)), draws


def more_draws(uncertainty: Floats) -> list[int]:
    """How many more draws each group gets where a few of them carry the sum, about :data:`MOST_MORE` together.

    Each by its part in the sum of ``uncertainty``, float64 ``(groups,)``, as the deviations are about proportional to
    it (Neyman's allocation), and one at least, so that none has to be judged by others that it does not resemble. No
    sign has a part in ``uncertainty``, so that no bias comes of the choice.
    """
    largest = float(uncertainty.max())
    shares = uncertainty / largest if largest > 0 else np.ones_like(uncertainty)
    if UNEQUAL * (shares**2).mean() >= 1:
        return [0] * len(shares)
    return [max(round(MOST_MORE * share), 1) for share in shares / shares.sum()]


def squared_gradients(
    model: nn.Module,
    images: Tensor,
    scored: Scored,
    *,
    generator: torch.Generator,
    draws: int,
    measure: str,
    largest: int = LARGEST_GROUP,
    likelihood: Likelihood | None = None,
    labels: Tensor | None = None,
) -> Estimates:
    """The mean over images of each layer's squared gradient of what is ``scored``, of the model in evaluation mode.

    One backward pass gives the squared gradient norms of a whole group of images: for independent random signs s,
    ``E || sum_i s_i g_i ||^2 = sum_i || g_i ||^2``, as the cross terms vanish.

    Args:
        model: gives an output that ``likelihood`` understands; it is left as it was.
        images: ``(N, ...)`` as the model takes them.
        scored: what is differentiated, with its own source of signs.
        generator: of a seed for models that draw random numbers even in evaluation mode; it advances.
        draws: of signs for each image; where images are few, or few of them carry the sum, more are made to estimate
            the error.
        measure: begins every message.
        largest: images of one group; fewer where the error would rest on too few degrees of freedom.
        likelihood: of the labels; None is the categorical one.
        labels: labels, or a mask of them, ``(N, ...)``, where they are known: their shape is that of the labels.

    Raises:
        StudyError: there are no images or draws, nothing to differentiate, no such output, or a layer mixes images.
        Diverged: logits are not finite.

    Error: unbiased. ``stderr`` is over signs, for the given images, as
    :func:`~critlab.measures.estimates.mean_over_images` says. With one draw for each group it also holds how much
    groups of images differ beyond what :attr:`Scores.uncertainty` says of them, and so is too large rather than too
    small.
    Where few images carry nearly everything, all groups get further draws, those of these images most. Where exact sums
    take no more backward passes than the draws, they take their place, and ``stderr`` is 0; not with the categorical
    likelihood, whose readings in finished studies are estimates.

    Cost: one forward pass and ``draws`` backward passes for each image. Where few groups carry the sum, about 128
    backward passes more, one for each group at least, and one forward pass; none where images hardly differ.

    Source: signs: Hutchinson 1990; grouping and the choice of draws: ours.
    """
    weights = ParameterGroups.of(model, measure)
    refuse_mixing(model, measure)
    if len(images) < 1 or draws < 1:
        raise StudyError(f"{measure}: received {len(images)} images and {draws} draws; must be at least 1")
    groups, draws = plan(len(images), draws, largest)
    seed = int(torch.randint(2**62, (), generator=generator, device=generator.device))
    with eval_guard(model, seed):
        looks = _Looks(model, weights, scored, measure, in_graphs(images), likelihood or Categorical(), labels)
        if (sums := looks.exact(groups * draws)) is not None:
            return Estimates(dict(zip(weights.layers, sums.T[:, :, None].repeat(2, 2), strict=True)), len(images))
        found = [looks.at(place, draws) for place in looks.places(groups)]
        uncertainty = np.array([known for _, known in found])
        samples = [array for array, _ in found]
        for group, (place, more) in enumerate(zip(looks.places(groups), more_draws(uncertainty), strict=True)):
            if more:
                samples[group] = np.concatenate([samples[group], looks.at(place, more)[0]])
    layers = {layer: [array[:, place] for array in samples] for place, layer in enumerate(weights.layers)}
    return Estimates(layers, len(images), uncertainty)


@dataclass(frozen=True)
class _Looks:
    """One model at images in groups."""

    model: nn.Module
    weights: ParameterGroups
    scored: Scored
    measure: str
    images: Tensor
    likelihood: Likelihood
    labels: Tensor | None

    def places(self, groups: int) -> list[slice]:
        """Where the groups lie, of about the same size."""
        ends = np.cumsum([len(part) for part in self.images.tensor_split(groups)]).tolist()
        return [slice(begin, end) for begin, end in pairwise([0, *ends])]

    def at(self, place: slice, draws: int) -> tuple[Floats, float]:
        """Samples ``(draws, layers)`` of one group, and its uncertainty."""
        scores = self._scores(place)
        samples = [scores.sample(self.weights, retain=draw + 1 < draws) for draw in range(draws)]
        return torch.stack(samples).cpu().numpy(), float(scores.uncertainty)

    def exact(self, most: int) -> Floats | None:
        """Float64 ``(images, layers)``: exact sums, where they take at most so many backward passes together."""
        count = len(self.images)
        if not self.likelihood.summed or count > most:
            return None
        first = self._scores(slice(0, 1))
        if not isinstance(first, Summed) or count * first.terms > most:
            return None
        sums = [first.exact(self.weights)]
        for place in range(1, count):
            scores = self._scores(slice(place, place + 1))
            assert isinstance(scores, Summed), "all groups are scored in the same way"
            sums.append(scores.exact(self.weights))
        return torch.stack(sums).cpu().numpy()

    def _scores(self, place: slice) -> Scores:
        group = self.images[place]
        shape = None if self.labels is None else self.labels[place].shape
        output = checked_output(
            self.model(group), len(group), self.measure, self.likelihood, labels=shape, known=place.start > 0
        )
        return self.scored(output, place)
