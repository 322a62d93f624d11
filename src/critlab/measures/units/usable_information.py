"""Usable information: what the network's answers say about the label, from both sources and from each alone."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from critlab._core.errors import Diverged, StudyError
from critlab.measures.components.usable_information import UsableInformation
from critlab.measures.eval_guard import eval_guard
from critlab.measures.reading import Probe, Reading
from critlab.measures.units.partial_information import minimum_mutual_information

BATCH = 500
"""Images of one forward pass, as in tests."""


@dataclass(frozen=True)
class Answers:
    """How good a network's answers are.

    Args:
        information: in bits, at most the logarithm of the number of classes; below 0 where guessing would be better.
        accuracy: a fraction.
    """

    information: float
    accuracy: float


def usable_information(
    model: nn.Module, images: Tensor, labels: Tensor, *, nothing: Tensor | float = 0.0
) -> dict[str, Answers]:
    """How much of the label's information a network uses: of both sources (``""``), of ``"A"`` and of ``"B"`` alone.

    ``log2(classes) - cross entropy / ln 2``, the cross entropy being that of the network's own probabilities: a lower
    bound of the mutual information between what is seen and a label whose classes are equally likely.

    Args:
        model: takes ``(N, 2, ...)`` and gives logits ``(N, classes)``, or ``(N, heads, classes)`` of which the first
            head counts. Its parameters, buffers and modes stay as they are.
        images: ``(N, 2, ...)`` as the model receives them.
        labels: int64 ``(N,)``, or ``(N, heads)`` of which the first counts; images with -1 are left out.
        nothing: what a source shows that is switched off; 0 is the mean colour after normalisation.

    Raises:
        StudyError: the images have no two sources, no image has a label, or the model gives no logits.
        Diverged: a logit is not finite.

    Error: none for the given images. A source that was never seen alone in training is out of distribution, and what
    the network makes of it may be worse than what the source says to a network trained on it.

    Source: Kleinman, Achille and Soatto 2023, usable information; Xu et al. 2020, A Theory of Usable Information.
    """
    if images.ndim < 3 or images.shape[1] != 2:
        raise StudyError(
            f"usable_information: received images of shape {tuple(images.shape)}; must be (N, 2, ...), two sources"
        )
    wanted = labels if labels.ndim == 1 else labels[:, 0]
    counted = wanted >= 0
    if not bool(counted.any()):
        raise StudyError("usable_information: received no image with a label in the first head; give at least one")
    seen, wanted = images[counted], wanted[counted]
    found = {}
    with eval_guard(model, 0), torch.no_grad():
        for source, kept in (("", (True, True)), ("A", (True, False)), ("B", (False, True))):
            found[source] = _answers(model, _only(seen, kept, nothing), wanted)
    return found


def measure(model: nn.Module, probe: Probe, options: UsableInformation) -> list[Reading]:
    """Information in bits and accuracy from both sources and from each alone, and the four parts of the information.

    Quantities, exact for the images of the probe:

    - ``usable_information``: layer empty for both sources, ``A`` or ``B`` with the other one switched off.
    - ``source_accuracy``: for the same sources, a fraction.
    - ``usable_information_part``: layers ``redundant``, ``unique A``, ``unique B``, ``synergistic``, by the minimum of
      the two sources' information; what is below 0 bits counts as 0, as a network that guesses has 0.

    Args:
        model: see :func:`usable_information`.
        probe: its images and labels are used, all of them.
        options: which images are in the probe is the caller's affair.

    Source: see :func:`usable_information`; parts: Barrett 2015.
    """
    found = usable_information(model, probe.images, probe.labels)
    both, from_a, from_b = (max(found[source].information, 0.0) for source in ("", "A", "B"))
    parts = minimum_mutual_information(from_a, from_b, both)
    named = {
        "redundant": parts.redundant,
        "unique A": parts.unique_a,
        "unique B": parts.unique_b,
        "synergistic": parts.synergistic,
    }
    return [
        *(Reading("usable_information", source, answers.information, 0.0) for source, answers in found.items()),
        *(Reading("source_accuracy", source, answers.accuracy, 0.0) for source, answers in found.items()),
        *(Reading("usable_information_part", part, value, 0.0) for part, value in named.items()),
    ]


def _only(images: Tensor, kept: tuple[bool, bool], nothing: Tensor | float) -> Tensor:
    """The images with the other source switched off."""
    shown = torch.tensor(kept, device=images.device).reshape(1, 2, *(1,) * (images.ndim - 2))
    return torch.where(shown, images, torch.as_tensor(nothing, dtype=images.dtype, device=images.device))


def _answers(model: nn.Module, images: Tensor, labels: Tensor) -> Answers:
    lost, right, classes = 0.0, 0, 1
    for shown, wanted in zip(images.split(BATCH), labels.split(BATCH), strict=True):
        logits = model(shown)
        if not isinstance(logits, Tensor) or logits.ndim not in (2, 3) or len(logits) != len(shown):
            came = tuple(logits.shape) if isinstance(logits, Tensor) else type(logits).__name__
            raise StudyError(
                f"usable_information: model: for {len(shown)} images it gave {came}; must give logits "
                f"({len(shown)}, classes) or ({len(shown)}, heads, classes)"
            )
        first = (logits if logits.ndim == 2 else logits[:, 0]).double()
        if not bool(first.isfinite().all()):
            raise Diverged("usable_information: a logit is not finite; measure an earlier state")
        lost += cross_entropy(first, wanted, reduction="sum").item()
        right += int((first.argmax(1) == wanted).sum())
        classes = first.shape[1]
    return Answers(math.log2(classes) - lost / len(labels) / math.log(2), right / len(labels))
