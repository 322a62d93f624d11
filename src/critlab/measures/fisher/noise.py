"""The Fisher information read off the noise that the weights can bear: the variational estimator, layer by layer."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn
from torch.func import functional_call

from critlab._core.errors import StudyError
from critlab.measures.components.fisher.fisher_noise import FisherNoise
from critlab.measures.estimates import Estimates, readings
from critlab.measures.eval_guard import eval_guard
from critlab.measures.gradients.squared import plan
from critlab.measures.likelihoods import likelihood_of
from critlab.measures.likelihoods.head import checked_labels, checked_mask, checked_output, fitted_labels, fitted_mask
from critlab.measures.likelihoods.likelihood import Likelihood
from critlab.measures.reading import Probe, Reading
from critlab.measures.weights.parameter_groups import ParameterGroups, flat, in_graphs, real, refuse_mixing

ROUNDS = 8
"""Steps of the search for the noise. A step can change a variance 16-fold, so that the search reaches 16^8 either way;
the last ones only follow the noise of their own estimates."""

PAIRS = 6
"""Pairs of draws in a step. What is read does not depend on where exactly the search ends, so few suffice."""

LARGEST_STEP = 16.0

LONGEST = 0.1
"""The longest noise, as a part of the layer's weights."""


def fisher_noise(
    model: nn.Module,
    images: Tensor,
    labels: Tensor | None = None,
    *,
    generator: torch.Generator,
    beta: float = 1e-3,
    draws: int = 1,
    likelihood: Likelihood | str = "categorical",
    mask: Tensor | None = None,
) -> Estimates:
    """The curvature of the loss in each layer's weights, per image, in nats, at the noise that they can bear.

    Gaussian noise ``n`` with one variance ``v_l`` for each layer l, of ``d_l`` numbers, is put on the weights w, and
    the variances minimise

        ``J(v) = E_n[L(w + n)] - beta / 2 * sum_l log(v_l)``,

    loss against the log-determinant of the noise, each layer's divided by ``d_l``. With Stein's lemma
    ``dJ / dv_l = (E_n[tr H_l(w + n)] - beta / v_l) / 2``, where ``H_l`` is the layer's block of the Hessian of L. So at
    the optimum ``beta / v_l = E_n[tr H_l(w + n)]``, and to second order in the noise this is ``tr H_l(w)``; each layer
    then adds ``beta / 2`` to the loss. Dividing by ``d_l`` decides only at which noise the curvature is read: were all
    log-determinants weighted equally, ``beta d_l / v_l`` would be the same trace, but read off a small layer through
    the noise of the large ones.

    The search follows ``v_l <- beta / E_n[tr H_l(w + n)]``. Then fresh antithetic pairs ``+n, -n`` at that noise give
    ``n_l . (grad L(w + n) - grad L(w - n)) / (2 v_l)``, which is unbiased for ``E_n[tr H_l(w + n)]``.

    Args:
        model: gives an output that the likelihood understands, by default logits ``(N, classes)``, or
            ``(N, heads, classes)`` for independent labels whose log-probabilities add up; it is left as it was.
            Evaluation mode.
        images: ``(N, ...)`` as the model takes them.
        labels: None: L is the divergence from the undisturbed model's answers, whose Hessian is the Fisher information
            wherever w is. Or int64 ``(N,)`` or ``(N, heads)``, where -1 adds nothing: L is their negative
            log-probability, as in the papers, and its Hessian is the Fisher information where the model has converged
            to the labels' distribution. For other likelihoods see :mod:`critlab.measures.likelihoods`.
        generator: source of noise, on any device; it advances. Its state decides the result.
        beta: twice the loss in nats that each layer's noise may add.
        draws: pairs of draws for each group of images; where images are few, more are made to estimate the error.
        likelihood, mask: as for :func:`~critlab.measures.fisher.trace.fisher_trace`.

    Returns:
        As :func:`~critlab.measures.fisher.trace.fisher_trace`, which it is to be compared with.

    Raises:
        StudyError: no module, nothing to differentiate, no such output, labels that do not fit, no images, or
            ``beta`` or ``draws`` out of range.
        Diverged: logits are not finite.

    Error: ``stderr`` is over noise, and with one draw over groups of images too, as for the trace. Bias, none of it
    in ``stderr``:

    - the third and higher derivatives within the noise, which shrink with ``beta``. Noise is never longer than a tenth
      of the layer's weights (of 1, where they are shorter than 1); a layer that could bear more is read there, so that
      what hardly matters to the answers is overestimated next to layers that matter.
    - with labels, all by which Hessian and Fisher information differ: before convergence the value may be negative,
      and the kinks of ReLUs add curvature that grows as the noise shrinks (three nets of one hidden layer of ReLUs,
      trained on labels drawn from such a net: 1.2 to 1.7 times the first layer's trace at the default ``beta``,
      against 1.00 to 1.05 without labels).

    Cost: two forward and two backward passes for each pair: as many pairs as
    :func:`~critlab.measures.fisher.trace.fisher_trace` has backward passes, and 48 for the search.
    Measured at 1,024 images and one draw, All-CNN of width 24, 28 x 28, one thread: 0.5 of a training epoch of 10,000
    images, four times what the trace takes, which has the smaller error.

    Source: Achille and Soatto 2018, as used for the trace by Achille, Rovere and Soatto 2019; layerwise weighing,
    search and error: ours.
    """
    _check(model, images, draws, beta)
    groups, draws = plan(len(images), draws)
    with _Noise.on(model, generator, likelihood) as noise:
        parts = noise.parts(images, labels, mask, groups)
        variances = _search(noise, parts, beta)
        samples = [torch.stack([noise.curvature(part, variances) for _ in range(draws)]) for part in parts]
    # (layers, groups, draws)
    array = torch.stack(samples).permute(2, 0, 1).cpu().numpy()
    return Estimates(dict(zip(noise.weights.layers, array, strict=True)), len(images))


def noise_tolerance(
    model: nn.Module,
    images: Tensor,
    labels: Tensor | None = None,
    *,
    generator: torch.Generator,
    beta: float = 1e-3,
    likelihood: Likelihood | str = "categorical",
    mask: Tensor | None = None,
) -> dict[str, float]:
    """The variance of the noise on each layer at which :func:`fisher_noise` reads the curvature.

    Args, raises and cost: see there.

    Error: that of the search's last step, a few pairs of draws; :func:`fisher_noise` does not inherit it.
    """
    _check(model, images, 1, beta)
    with _Noise.on(model, generator, likelihood) as noise:
        variances = _search(noise, noise.parts(images, labels, mask, plan(len(images), 1)[0]), beta)
    return dict(zip(noise.weights.layers, variances.tolist(), strict=True))


def measure(model: nn.Module, probe: Probe, options: FisherNoise) -> list[Reading]:
    """The whole (``layer=""``), then each layer; see :func:`fisher_noise`."""
    likelihood = likelihood_of(options.likelihood or probe.likelihood, "fisher_noise")
    found = fisher_noise(
        model,
        probe.images,
        probe.labels if options.labels == "data" else None,
        generator=probe.generator(0),
        beta=options.beta,
        draws=options.draws,
        likelihood=likelihood,
        mask=likelihood.mask(probe.labels),
    )
    return list(readings("fisher_noise", found))


@dataclass(frozen=True)
class _Part:
    """A group of images, and what its loss is counted from: labels, or the answers that the model gives undisturbed.

    Args:
        images: ``(images, ...)``.
        labels: ``(images, ...)``; None where there are none.
        mask: which labels count, bool ``(images, ...)``; None is all.
        answers: ``(images, labels..., numbers)``; None where there are labels.
    """

    images: Tensor
    labels: Tensor | None
    mask: Tensor | None
    answers: Tensor | None = None

    def slope(self, output: Tensor, likelihood: Likelihood) -> Tensor:
        """The gradient of the loss, summed over images, in the normalised output ``(images, labels..., numbers)``."""
        counted = fitted_mask(self.mask, output, "fisher_noise", likelihood)
        if self.labels is not None:
            labels = fitted_labels(self.labels, output, "fisher_noise", likelihood)
            slope = likelihood.label_slope(output, labels)
        else:
            assert self.answers is not None, "a part without labels has answers"
            slope = likelihood.divergence_slope(output, self.answers.to(output.device))
        return slope if counted is None else slope * counted[..., None]


@dataclass(frozen=True)
class _Noise:
    """Puts noise on the weights of a model."""

    model: nn.Module
    weights: ParameterGroups
    generator: torch.Generator
    likelihood: Likelihood

    @classmethod
    @contextmanager
    def on(cls, model: nn.Module, generator: torch.Generator, likelihood: Likelihood | str) -> Iterator[_Noise]:
        """Evaluation mode; afterwards the model is as it was."""
        chosen = likelihood_of(likelihood, "fisher_noise")
        weights = ParameterGroups.of(model, "fisher_noise")
        seed = int(torch.randint(2**62, (), generator=generator, device=generator.device))
        with eval_guard(model, seed):
            yield cls(model, weights, generator, chosen)

    def parts(self, images: Tensor, labels: Tensor | None, mask: Tensor | None, groups: int) -> list[_Part]:
        """The images in groups; without labels, with the answers that the model gives undisturbed."""
        seen = in_graphs(images).tensor_split(groups)
        counted = checked_mask(mask, images, "fisher_noise")
        masks = [None] * groups if counted is None else counted.tensor_split(groups)
        if labels is not None:
            given = checked_labels(labels, images, "fisher_noise").tensor_split(groups)
            return [_Part(*one) for one in zip(seen, given, masks, strict=True)]
        parts = [_Part(group, None, few) for group, few in zip(seen, masks, strict=True)]
        return [
            replace(part, answers=self.likelihood.answers(_normalised(self.model, part, self.likelihood).detach()))
            for part in parts
        ]

    def curvature(self, part: _Part, variances: Tensor) -> Tensor:
        """Float64 ``(layers,)``: from one antithetic pair, unbiased for ``E_n[tr H_l(w + n)]``, summed over images."""
        scales = variances.sqrt()[self.weights.owner]
        noise = [
            self._normal(parameter) * scale.to(real(parameter))
            for parameter, scale in zip(self.weights.parameters, scales, strict=True)
        ]
        above, below = (self._gradients(part, [sign * n for n in noise]) for sign in (1, -1))
        products = [
            None if up is None or down is None else (flat(n).double() * flat(up - down).double()).sum()
            for n, up, down in zip(noise, above, below, strict=True)
        ]
        return self.weights.by_layer(products) / (2 * variances)

    def _normal(self, parameter: Tensor) -> Tensor:
        shape = real(parameter).shape
        drawn = torch.randn(shape, generator=self.generator, device=self.generator.device)
        return torch.view_as_complex(drawn).to(parameter) if parameter.is_complex() else drawn.to(parameter)

    def _gradients(self, part: _Part, noise: list[Tensor]) -> tuple[Tensor | None, ...]:
        moved = [
            (parameter.detach() + n).requires_grad_()
            for parameter, n in zip(self.weights.parameters, noise, strict=True)
        ]
        names = (f"model.{name}" for name in self.weights.names)
        called = functional_call(
            _Gradients(self.model, self.likelihood), dict(zip(names, moved, strict=True)), (part, moved)
        )
        found: tuple[Tensor | None, ...] = called
        return found


class _Gradients(nn.Module):
    """The gradients of a part's loss, computed where the noise still is on: checkpoints call the model once more."""

    def __init__(self, model: nn.Module, likelihood: Likelihood) -> None:
        super().__init__()
        self.model, self.likelihood = model, likelihood

    def forward(self, part: _Part, moved: Sequence[Tensor]) -> tuple[Tensor | None, ...]:
        """One gradient for each of ``moved``."""
        output = _normalised(self.model, part, self.likelihood)
        return torch.autograd.grad(output, moved, part.slope(output.detach(), self.likelihood), allow_unused=True)


def _normalised(model: nn.Module, part: _Part, likelihood: Likelihood) -> Tensor:
    """The model's normalised output for a part, ``(images, labels..., numbers)``, with its graph."""
    known = part.labels if part.labels is not None else part.mask
    shape = None if known is None else known.shape
    return likelihood.normalised(
        checked_output(model(part.images), len(part.images), "fisher_noise", likelihood, labels=shape)
    )


def _check(model: nn.Module, images: Tensor, draws: int, beta: float) -> None:
    ParameterGroups.of(model, "fisher_noise")
    refuse_mixing(model, "fisher_noise")
    if len(images) < 1 or draws < 1 or not 0 < beta < float("inf"):
        raise StudyError(
            f"fisher_noise: received {len(images)} images, {draws} draws and beta {beta}; "
            "images and draws must be at least 1, beta above 0 and finite"
        )


def _search(noise: _Noise, parts: list[_Part], beta: float) -> Tensor:
    """Float64 ``(layers,)``: the variances that minimise the objective, up to the noise of a few draws."""
    weights = noise.weights
    norms = weights.squared_norms([parameter.detach() for parameter in weights.parameters])
    largest = LONGEST**2 * norms.clamp(min=1.0) / weights.sizes
    variances = 1e-6 * largest
    for round_ in range(ROUNDS):
        chosen = [parts[place % len(parts)] for place in range(round_ * PAIRS, (round_ + 1) * PAIRS)]
        sums = torch.stack([noise.curvature(part, variances) for part in chosen]).sum(0)
        added = variances * sums / sum(len(part.images) for part in chosen)
        step = torch.where(added > 0, beta / added.clamp(min=beta / LARGEST_STEP), LARGEST_STEP)
        variances = (variances * step.clamp(min=1 / LARGEST_STEP)).minimum(largest)
    return variances
