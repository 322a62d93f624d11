"""Usable information where it is known: answers of a known source, guesses, and the parts."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor, nn

from critlab._core.errors import Diverged, StudyError
from critlab.measures import Probe, UsableInformation
from critlab.measures.units.usable_information import measure, usable_information


class Reader(nn.Module):
    """Reads logits out of the sources: ``weights`` of A's picture and of B's, each ``(classes,)`` of numbers."""

    def __init__(self, of_a: float, of_b: float, heads: int = 1) -> None:
        super().__init__()
        self.weights, self.heads = nn.Parameter(torch.tensor([of_a, of_b])), heads

    def forward(self, images: Tensor) -> Tensor:
        logits = (images * self.weights[:, None]).sum(1)
        return logits if self.heads == 1 else torch.stack([logits, -logits, 0 * logits], 1)


def shown(labels: Tensor, classes: int = 4) -> Tensor:
    """Both sources show the label as a one-hot picture."""
    picture = torch.nn.functional.one_hot(labels, classes).float()
    return torch.stack([picture, picture], 1)


LABELS = torch.arange(12) % 4


def bits(evidence: float, classes: int = 4) -> float:
    """Of a softmax over ``evidence`` for the right class and 0 for the others."""
    return math.log2(classes) + math.log2(math.exp(evidence) / (math.exp(evidence) + classes - 1))


def test_the_closed_form() -> None:
    found = usable_information(Reader(1.5, 0.5), shown(LABELS), LABELS)
    for source, evidence in (("", 2.0), ("A", 1.5), ("B", 0.5)):
        assert found[source].information == pytest.approx(bits(evidence), abs=1e-6)
        assert found[source].accuracy == 1


def test_a_network_that_ignores_a_source_and_one_that_is_wrong() -> None:
    found = usable_information(Reader(3.0, 0.0), shown(LABELS), LABELS)
    assert found["B"].information == pytest.approx(0, abs=1e-6)
    assert found["B"].accuracy == 0.25
    assert found["A"] == found[""]
    assert usable_information(Reader(0.0, -2.0), shown(LABELS), LABELS)["B"].information < 0


def test_a_source_switched_off_may_show_something_else() -> None:
    images = shown(LABELS)
    found = usable_information(Reader(1.0, 1.0), images, LABELS, nothing=images[:, 1:].roll(1, 0))
    assert found["A"].information == pytest.approx(math.log2(4) + math.log2(math.e / (2 * math.e + 2)), abs=1e-6), (
        "A's class and the shown one are equally likely"
    )


def test_the_first_head_and_the_labelled_images_count() -> None:
    labels = torch.stack([LABELS, 3 - LABELS], 1)
    labels[5, 0] = -1
    found = usable_information(Reader(1.0, 1.0, heads=3), shown(LABELS), labels)
    assert found[""].information == pytest.approx(bits(2.0), abs=1e-6)


def test_the_measure_reads_bits_accuracy_and_parts() -> None:
    model = Reader(1.5, -1.0).train()
    probe = Probe(shown(LABELS), LABELS, lambda index: torch.Generator())
    found = {(r.quantity, r.layer): r.value for r in measure(model, probe, UsableInformation())}
    assert found["usable_information", ""] == pytest.approx(bits(0.5), abs=1e-6)
    assert found["usable_information", "B"] == pytest.approx(bits(-1.0), abs=1e-6)
    assert found["source_accuracy", "B"] == 0
    parts = {layer: value for (quantity, layer), value in found.items() if quantity.endswith("part")}
    assert parts["redundant"] == parts["unique B"] == 0
    assert parts["unique A"] == pytest.approx(bits(1.5), abs=1e-6)
    assert sum(parts.values()) == pytest.approx(bits(0.5), abs=1e-6)
    assert model.training


def test_batches_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = usable_information(Reader(1.5, 0.5), shown(LABELS), LABELS)
    monkeypatch.setattr("critlab.measures.units.usable_information.BATCH", 5)
    parts = usable_information(Reader(1.5, 0.5), shown(LABELS), LABELS)
    assert all(parts[s].information == pytest.approx(whole[s].information, abs=1e-9) for s in whole)


def test_refusals() -> None:
    with pytest.raises(StudyError, match="two sources"):
        usable_information(Reader(1.0, 1.0), torch.rand(3, 4), LABELS[:3])
    with pytest.raises(StudyError, match="no image with a label"):
        usable_information(Reader(1.0, 1.0), shown(LABELS), LABELS * 0 - 1)
    with pytest.raises(Diverged):
        usable_information(Reader(math.inf, 1.0), shown(LABELS), LABELS)
    with pytest.raises(StudyError, match=r"for 12 images it gave \(12, 2, 4, 1\)"):
        usable_information(nn.Unflatten(2, (4, 1)), shown(LABELS), LABELS)
