"""The trace of the Fisher information: how much the answers depend on the weights, layer by layer."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from critlab.errors import Diverged, StudyError
from critlab.measures import FisherTraceOptions
from critlab.measures.estimates import Estimates, total
from critlab.measures.reading import Probe, Reading
from critlab.measures.undisturbed import undisturbed

LARGEST_GROUP = 16
"""The signs' cross terms grow with the group. Measured on one thread (All-CNN of width 24, 28 x 28, 1,024
images), in epochs of 10,000 images: groups of 8 cost 0.103, 16 cost 0.092, 32 cost 0.086, 64 cost 0.093."""

DEGREES_OF_FREEDOM = 32
"""The standard error itself is then known to about 12 %. With 16 it was sometimes far too small, as a few
images with rare labels carry much of the variance (24 images, 2 draws, 150 repetitions of a small MLP: z had
standard deviation 1.6 and reached 12.7, against 1.1 and 4.7 with 32)."""


def fisher_trace(model: nn.Module, images: Tensor, *, generator: torch.Generator, draws: int = 1) -> Estimates:
    """The trace of the Fisher information of each layer's weights, per image, in nats squared.

    ``tr F = E_x E_{y ~ p(y|x)} || d log p(y|x) / dw ||^2``, with x over the given images, y from the model
    itself, and the model in evaluation mode. One backward pass gives the squared gradient norms of a whole
    group of images: for independent random signs s, ``E || sum_i s_i g_i ||^2 = sum_i || g_i ||^2``, as the
    cross terms vanish.

    Args:
        model: gives logits ``(N, classes)``, or ``(N, heads, classes)`` for independent labels whose
            log-probabilities add up. Parameters, gradients, buffers and modes stay as they are.
        images: ``(N, ...)`` of any dtype, as the model takes them (normalised; token numbers for embeddings).
        generator: source of label draws and signs, on any device; it advances. Its state decides the result.
        draws: label draws for each image; where images are few, more are made to estimate the error.

    Returns:
        One estimate for each module that directly owns parameters that require gradients, under its name in
        ``model.named_modules()`` (the model itself is ``""``); a shared parameter counts once, under its
        first name. :func:`~critlab.measures.estimates.total` gives the whole.

    Raises:
        StudyError: ``model`` is no module, has nothing to differentiate, or gives no such logits; or there
            are no images or draws.
        Diverged: logits are not finite.

    Error: unbiased. ``stderr`` is over label draws and signs for the given images. Its square is unbiased for
    ``draws`` of at least 2; with one draw it also holds how much groups of images differ, and so is too large
    rather than too small. It rests on at least 32 degrees of freedom.

    Cost: one forward pass and ``draws`` backward passes for each image, in groups of at most 16; at least 33
    backward passes in all. Measured at 1,024 images and one draw, All-CNN of width 24, 28 x 28, one thread:
    0.09 of a training epoch of 10,000 images.

    Source: definition: Achille, Rovere and Soatto 2019, section 3; signs: Hutchinson 1990; grouping: ours.
    """
    if not isinstance(model, nn.Module):
        raise StudyError(f"fisher_trace: model: received {type(model).__name__}; must be a torch.nn.Module")
    if len(images) < 1 or draws < 1:
        raise StudyError(f"fisher_trace: received {len(images)} images and {draws} draws; must be at least 1")
    weights = _Weights.of(model)
    groups, draws = plan(len(images), draws)
    samples = []
    seed = int(torch.randint(2**62, (), generator=generator, device=generator.device))
    with undisturbed(model, seed):
        # what was made in inference mode cannot take part in a graph, but its copy can
        seen = images.clone() if images.is_inference() else images
        for group in seen.tensor_split(groups):
            samples.append(torch.stack(list(_samples(model, weights, group, draws, generator))))
    # (layers, groups, draws)
    array = torch.stack(samples).permute(2, 0, 1).cpu().numpy()
    return Estimates(dict(zip(weights.layers, array, strict=True)), len(images))


def plan(images: int, draws: int) -> tuple[int, int]:
    """How many groups and draws there must be, for the error to rest on enough degrees of freedom."""
    needed = DEGREES_OF_FREEDOM + 1 if draws == 1 else -(-DEGREES_OF_FREEDOM // (draws - 1))
    if images < needed:
        return images, 1 + -(-DEGREES_OF_FREEDOM // images)
    return max(needed, -(-images // LARGEST_GROUP)), draws


def measure(model: nn.Module, probe: Probe, options: FisherTraceOptions) -> list[Reading]:
    """The whole (``layer=""``), then each layer; parameters of the model itself are layer ``"(root)"``.

    Args:
        model: the network in any mode.
        probe: its images are used, all of them; its labels are not.
        options: the number of draws; which images are in the probe is the caller's affair.

    Raises, error and cost: see :func:`fisher_trace`.
    """
    found = fisher_trace(model, probe.images, generator=probe.generator(0), draws=options.draws)
    whole = total(found)
    layers = [Reading("fisher_trace", name or "(root)", e.value, e.stderr) for name, e in found.items()]
    return [Reading("fisher_trace", "", whole.value, whole.stderr), *layers]


@dataclass(frozen=True)
class _Weights:
    """The parameters to differentiate by, each once, and the place of its owner in ``layers``."""

    layers: list[str]
    parameters: list[nn.Parameter]
    owner: Tensor

    @classmethod
    def of(cls, model: nn.Module) -> _Weights:
        layers: dict[str, int] = {}
        owners: dict[nn.Parameter, int] = {}
        for name, module in model.named_modules():
            for parameter in module.parameters(recurse=False):
                if parameter.requires_grad and parameter not in owners:
                    owners[parameter] = layers.setdefault(name, len(layers))
        if not owners:
            raise StudyError("fisher_trace: model: has no parameter that requires gradients; unfreeze some")
        device = next(iter(owners)).device
        return cls(list(layers), list(owners), torch.tensor(list(owners.values()), device=device))

    def squared_norms(self, gradients: tuple[Tensor | None, ...]) -> Tensor:
        """Float64 ``(layers,)``: the squared norm of each layer's gradient; None is 0."""
        device = self.owner.device
        norms = [_squared_norm(g).to(device) if g is not None else self.nothing for g in gradients]
        sums = torch.zeros(len(self.layers), dtype=torch.float64, device=device)
        return sums.index_add_(0, self.owner, torch.stack(norms))

    @property
    def nothing(self) -> Tensor:
        return torch.zeros((), dtype=torch.float64, device=self.owner.device)


def _squared_norm(gradient: Tensor) -> Tensor:
    values = gradient.coalesce().values() if gradient.is_sparse else gradient
    norm: Tensor = torch.linalg.vector_norm(values, dtype=torch.float64)
    return norm.square()


def _samples(
    model: nn.Module, weights: _Weights, group: Tensor, draws: int, generator: torch.Generator
) -> Iterator[Tensor]:
    """For each draw, float64 ``(layers,)``: unbiased for the sum of the group's squared gradient norms."""
    logits = _checked(model(group), len(group))
    log_p = logits.float().log_softmax(-1) if logits.dtype != torch.float64 else logits.log_softmax(-1)
    p = log_p.detach().to(generator.device, torch.float64).exp().flatten(0, -2)
    for draw in range(draws):
        labels = torch.multinomial(p, 1, generator=generator).reshape(*logits.shape[:-1], 1)
        signs = torch.randint(2, (len(group),), generator=generator, device=generator.device) * 2 - 1
        chosen = log_p.gather(-1, labels.to(log_p.device)).flatten(1).sum(1)
        gradients = torch.autograd.grad(
            (signs.to(chosen) * chosen).sum(),
            weights.parameters,
            retain_graph=draw + 1 < draws,
            allow_unused=True,
        )
        yield weights.squared_norms(gradients)


def _checked(logits: object, images: int) -> Tensor:
    """The logits, or an error that says what came instead."""
    if not isinstance(logits, Tensor):
        raise _refused(type(logits).__name__, images)
    if logits.ndim not in (2, 3) or len(logits) != images or not logits.is_floating_point():
        raise _refused(f"{logits.dtype} of shape {tuple(logits.shape)}", images)
    if not logits.isfinite().all():
        raise Diverged("fisher_trace: the model's logits are not finite; measure an earlier state")
    if not logits.requires_grad:
        raise StudyError(
            "fisher_trace: model: its logits do not depend on its parameters; remove detach() or no_grad()"
        )
    return logits


def _refused(came: str, images: int) -> StudyError:
    return StudyError(
        f"fisher_trace: model: for {images} images it gave {came}; "
        f"must give float logits ({images}, classes) or ({images}, heads, classes)"
    )
