"""Relative source variance: which of two sources a unit answers to."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext

import torch
from torch import Tensor, nn

from critlab._core.errors import Diverged, StudyError
from critlab.measures.components.relative_source_variance import RelativeSourceVariance
from critlab.measures.eval_guard import eval_guard
from critlab.measures.reading import Probe, Reading
from critlab.measures.units.features import feature_layer, features_of

PAIRS = 128
"""Pairs of one forward pass. 4,096 pairs on a split ResNet of width 8 (32 x 32, one thread) cost 1.7 s at 128, 2.7 s at
512 and 4.9 s at 2,048."""

BINS = 40
"""As many as in the published histograms."""

BEYOND = 0.5
"""A unit beyond it belongs to one source: one of the variances is then more than three times the other."""

ModelFeatures = Callable[[Tensor, Tensor], Tensor]


def relative_source_variance(model_features: ModelFeatures, view_a: Tensor, view_b: Tensor) -> Tensor:
    """How much more each unit varies with source B than with source A: -1 is A alone, +1 is B alone, 0 both equally.

    Every image of A is shown with every image of B. With ``S_A`` the mean over the images of A of a unit's variance
    over the images of B (A is held), and ``S_B`` the other way round (B is held), ``(S_A - S_B) / (S_A + S_B)``. A unit
    that is ``w x_a + (1 - w) x_b`` has ``((1 - w)^2 v_b - w^2 v_a) / ((1 - w)^2 v_b + w^2 v_a)``, with v the variance
    of each source's values.

    Args:
        model_features: two batches of N images to features ``(N, *units)``, each row from its own pair of images alone;
            an ``nn.Module`` is called in evaluation mode and left as it was.
        view_a: ``(images, ...)`` as the model receives them, at least 2.
        view_b: as ``view_a``; there may be another number of them.

    Returns:
        ``(*units)``, in [-1, 1], in the dtype of the features; NaN for a unit that answers to neither source: one whose
        variances are no more than the rounding of its values (16 units in the last place of their root mean square).

    Raises:
        StudyError: there are fewer than 2 images of a source, or the features are not one row of floats for each pair.
        Diverged: a feature is not finite.

    Error: none from chance, as all pairs are used; the order of the images and the size of the forward passes change
    rounding only. Both variances are unbiased for the sources from which the images were drawn independently; their
    ratio is consistent.

    Source: Kleinman, Achille and Soatto 2023, figure 4, with the sign of the authors' code. They hold one batch and
    compute the ratio for each image held; here the variances are averaged over the images held first.
    """
    if min(len(view_a), len(view_b)) < 2:
        raise StudyError(
            f"relative_source_variance: received {len(view_a)} images of A and {len(view_b)} of B; "
            "must be at least 2 of each, to estimate a variance"
        )
    with torch.no_grad(), _evaluating(model_features):
        spread = _Spread.over(_rows(model_features, view_a, view_b))
    return spread.relative()


def measure(model: nn.Module, probe: Probe, options: RelativeSourceVariance) -> list[Reading]:
    """The distribution over units: its median, its shares beyond 0.5, its bimodality and its histogram.

    Quantities, exact for the images of the probe:

    - ``relative_source_variance``: the median over the units that answer, in [-1, 1].
    - ``relative_source_variance_share``: of all units, layer ``A`` below -0.5, ``B`` above 0.5, ``neither`` without
      variance; layer ``one`` is ``A`` and ``B`` together.
    - ``relative_source_variance_bimodality``: Sarle's coefficient ``(skewness^2 + 1) / kurtosis`` over the units that
      answer: 1 for two points, 5/9 for a uniform distribution, 1/3 for a normal one; left out where all are equal.
    - ``relative_source_variance_histogram``: the share of the units that answer in each of 40 bins over [-1, 1]; the
      layer is the bin's middle, such as ``-0.975``.

    Args:
        model: takes ``(N, 2, ...)``.
        probe: images ``(images, 2, ...)``; every first view is shown with every second one.
        options: which layer, and whether each position counts as a unit.

    Raises:
        StudyError: the images have no two sources, or the model has no such layer.
        Diverged: a feature is not finite.

    Source: Kleinman, Achille and Soatto 2023, figure 4; bimodality: Pfister et al. 2013.
    """
    if probe.images.ndim < 3 or probe.images.shape[1] != 2:
        raise StudyError(
            f"measure 'relative_source_variance' needs two sources (2, ...), received examples of shape "
            f"{tuple(probe.images.shape[1:])}; use other data, such as two_view, or omit this measure"
        )
    layer = feature_layer(model, options.layer, "relative_source_variance")

    def pooled(view_a: Tensor, view_b: Tensor) -> Tensor:
        found = features_of(model, layer, torch.stack([view_a, view_b], 1))
        return found.flatten(2).mean(2) if options.units == "channels" and found.ndim > 2 else found

    with eval_guard(model, 0):
        relative = relative_source_variance(pooled, *probe.images.unbind(1)).double().flatten()
    return list(readings(relative))


def readings(relative: Tensor) -> Iterator[Reading]:
    """The readings of a distribution of relative source variances, float64 ``(units,)`` with NaN for neither."""
    answering = relative[~relative.isnan()]
    share = "relative_source_variance_share"
    below, above = ((answering < -BEYOND).sum().item(), (answering > BEYOND).sum().item())
    yield Reading(share, "A", below / len(relative), 0.0)
    yield Reading(share, "B", above / len(relative), 0.0)
    yield Reading(share, "one", (below + above) / len(relative), 0.0)
    yield Reading(share, "neither", 1 - len(answering) / len(relative), 0.0)
    if len(answering) == 0:
        return
    yield Reading("relative_source_variance", "", answering.quantile(0.5).item(), 0.0)
    if (coefficient := bimodality(answering)) is not None:
        yield Reading("relative_source_variance_bimodality", "", coefficient, 0.0)
    counts = torch.histc(answering, BINS, -1, 1) / len(answering)
    for place, count in enumerate(counts.tolist()):
        yield Reading("relative_source_variance_histogram", f"{(2 * place + 1) / BINS - 1:+.3f}", count, 0.0)


def bimodality(values: Tensor) -> float | None:
    """Sarle's coefficient ``(skewness^2 + 1) / kurtosis`` of float64 ``(n,)``, in (0, 1]; None where all are equal."""
    centred = values - values.mean()
    variance = centred.square().mean().item()
    if variance <= 1e-12:
        return None
    skewness, kurtosis = (float(centred.pow(n).mean().item() / variance ** (n / 2)) for n in (3, 4))
    return (skewness**2 + 1) / kurtosis


def _evaluating(model_features: ModelFeatures) -> AbstractContextManager[None]:
    return eval_guard(model_features, 0) if isinstance(model_features, nn.Module) else nullcontext()


def _rows(model_features: ModelFeatures, view_a: Tensor, view_b: Tensor) -> Iterator[Tensor]:
    """Features ``(rows, images of B, *units)``: a few images of A at a time, each with every image of B."""
    for held in view_a.split(max(1, PAIRS // len(view_b))):
        parts = [_pairs(model_features, held, part) for part in view_b.split(PAIRS)]
        yield torch.cat(parts, 1)


def _pairs(model_features: ModelFeatures, view_a: Tensor, view_b: Tensor) -> Tensor:
    count = len(view_a) * len(view_b)
    found = model_features(view_a.repeat_interleave(len(view_b), 0), view_b.repeat(len(view_a), *_ones(view_b)))
    if not isinstance(found, Tensor) or found.ndim == 0 or len(found) != count or not found.is_floating_point():
        came = f"{found.dtype} of shape {tuple(found.shape)}" if isinstance(found, Tensor) else type(found).__name__
        raise StudyError(
            f"relative_source_variance: model_features: for {count} pairs it gave {came}; "
            f"must give float features ({count}, units...)"
        )
    if not found.isfinite().all():
        raise Diverged("relative_source_variance: a feature is not finite; measure an earlier state")
    return found.reshape(len(view_a), len(view_b), *found.shape[1:])


def _ones(images: Tensor) -> tuple[int, ...]:
    return (1,) * (images.ndim - 1)


class _Spread:
    """Both variances of every unit, from rows of pairs: within each row, and down the columns by Chan's merging."""

    def __init__(self, rows: Tensor) -> None:
        self.dtype = rows.dtype
        self.rows, self.columns = 0, rows.shape[1]
        self.within = torch.zeros(rows.shape[2:], dtype=torch.float64, device=rows.device)
        self.squares = torch.zeros_like(self.within)
        self.mean = torch.zeros(rows.shape[1:], dtype=torch.float64, device=rows.device)
        self.down = torch.zeros_like(self.mean)

    @classmethod
    def over(cls, batches: Iterator[Tensor]) -> _Spread:
        first = next(batches)
        spread = cls(first)
        spread.add(first)
        for rows in batches:
            spread.add(rows)
        return spread

    def add(self, rows: Tensor) -> None:
        values = rows.double()
        self.within += values.var(1).sum(0)
        self.squares += values.square().mean(1).sum(0)
        count, mean = len(values), values.mean(0)
        moved, total = mean - self.mean, self.rows + count
        self.down += (values - mean).square().sum(0) + moved.square() * (self.rows * count / total)
        self.mean += moved * (count / total)
        self.rows = total

    def relative(self) -> Tensor:
        held_a = self.within / self.rows
        held_b = (self.down / (self.rows - 1)).mean(0)
        rounding = self.squares / self.rows * (16 * torch.finfo(self.dtype).eps) ** 2
        both = held_a + held_b
        found = torch.where(both > rounding, (held_a - held_b) / both, torch.nan)
        return found.to(self.dtype)
