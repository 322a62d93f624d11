"""How often the stated error of the Fisher trace holds the exact value, through trainings that reach zero error.

    python evidence/fisher_coverage.py [--readings 200] [--examples 128] [--out results/evidence/fisher_coverage.csv]

Each training is small enough for its exact trace: every example's and every label's gradient in float64, one by one.
At 0, 100, 600, 1,500 and 5,000 steps the trace is read many times, with other signs each, by
:func:`critlab.fisher_trace` and by labels drawn from the model, which version 2 of the measure did. A reading holds the
exact value where it lies within 1.96 standard errors.

Columns: the training, its classes and steps, the share of examples that it gets right, how labels are treated, the
layer ("" is the whole), the exact trace, and of the readings: the share that holds the exact value, the median over the
exact value, the standard deviation over the exact value, and the root mean square of the stated errors over that
deviation; last the time of a reading over that of one with drawn labels, both timed in turn.
"""

from __future__ import annotations

import argparse
import csv
import itertools
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

import critlab
from critlab.measures.estimates import ROOT, Estimates
from critlab.measures.gradients.squared import squared_gradients
from critlab.measures.weights.parameter_groups import ParameterGroups

STEPS = (0, 100, 600, 1500, 5000)

FEWER = 4
"""Of so many readings one is also made with drawn labels, for comparison."""

COLUMNS = [
    "training",
    "classes",
    "steps",
    "accuracy",
    "labels",
    "layer",
    "exact",
    "readings",
    "held",
    "median_ratio",
    "relative_sd",
    "stated_over_sd",
    "time_ratio",
]


class Words(nn.Module):
    """A causal model of eight positions: one attention head, and logits at every position."""

    def __init__(self, tokens: int) -> None:
        super().__init__()
        self.embed, self.place = nn.Embedding(tokens, 16), nn.Parameter(torch.randn(8, 16) / 4)
        self.inside, self.out = nn.Linear(16, 48), nn.Linear(16, tokens)

    def forward(self, tokens: Tensor) -> Tensor:
        x = self.embed(tokens) + self.place
        q, k, v = self.inside(x).chunk(3, -1)
        found: Tensor = self.out(x + nn.functional.scaled_dot_product_attention(q, k, v, is_causal=True))
        return found


def perceptron(classes: int) -> nn.Module:
    return nn.Sequential(nn.Linear(48, 40), nn.ReLU(), nn.Linear(40, 40), nn.ReLU(), nn.Linear(40, classes))


def convolutional(classes: int) -> nn.Module:
    return nn.Sequential(
        nn.Unflatten(1, (1, 6, 8)),
        nn.Conv2d(1, 8, 3, padding=1),
        nn.ReLU(),
        nn.Conv2d(8, 12, 3, stride=2, padding=1),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(144, classes),
    )


TRAININGS: dict[str, tuple[Callable[[int], nn.Module], int]] = {
    "perceptron": (perceptron, 10),
    "two classes": (perceptron, 2),
    "hundred classes": (perceptron, 100),
    "convolutional": (convolutional, 10),
    "language": (Words, 12),
}


def examples(name: str, classes: int, number: int) -> tuple[Tensor, Tensor]:
    """Clusters that overlap a little; of words, sequences in which each one decides the next, with few exceptions."""
    if name == "language":
        following = torch.randperm(classes)
        tokens = torch.randint(classes, (number // 4, 9))
        for place in range(8):
            kept = torch.rand(len(tokens)) < 0.9
            tokens[kept, place + 1] = following[tokens[kept, place]]
        return tokens[:, :-1], tokens[:, 1:]
    labels = torch.arange(number) % classes
    return torch.randn(classes, 48)[labels] * 0.6 + torch.randn(number, 48), labels


def states(name: str, number: int) -> Iterator[tuple[int, float, nn.Module, Tensor]]:
    """The model after so many steps, the share of examples that it gets right, and the examples."""
    torch.manual_seed(0)
    make, classes = TRAININGS[name]
    model = make(classes)
    inputs, labels = examples(name, classes, number)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
    for step in range(STEPS[-1] + 1):
        if step in STEPS:
            yield step, (model(inputs).argmax(-1) == labels).float().mean().item(), model, inputs
        batch = torch.randperm(len(inputs))[:32]
        optimizer.zero_grad()
        logits = model(inputs[batch]).flatten(0, -2)
        nn.functional.cross_entropy(logits, labels[batch].flatten()).backward()
        optimizer.step()


def exact(model: nn.Module, inputs: Tensor) -> dict[str, float]:
    """Each layer's trace, and the whole's, by all examples and labels one by one in float64."""
    model = model.double()
    owned = {
        k or ROOT: [*m.parameters(recurse=False)] for k, m in model.named_modules() if [*m.parameters(recurse=False)]
    }
    flat = list(itertools.chain.from_iterable(owned.values()))
    sums = np.zeros(len(flat))
    for one in inputs.double() if inputs.is_floating_point() else inputs:
        log_p = model(one[None]).log_softmax(-1).flatten(0, -2)
        for row in log_p:
            for value in row:
                gradients = torch.autograd.grad(value, flat, retain_graph=True, allow_unused=True)
                squares = [0.0 if g is None else g.square().sum().item() for g in gradients]
                sums += value.exp().item() * np.array(squares)
    model.float()
    ends = np.cumsum([len(p) for p in owned.values()])
    parts = [part.sum() / len(inputs) for part in np.split(sums, ends[:-1])]
    return {"": float(sum(parts)), **dict(zip(owned, map(float, parts), strict=True))}


def all_labels(model: nn.Module, inputs: Tensor, seed: int) -> Estimates:
    return critlab.fisher_trace(model, inputs, generator=torch.Generator().manual_seed(seed))


class Drawn:
    """A label drawn for each example and position, and one sign for each example: the measure's version 2."""

    def __init__(self, logits: Tensor, generator: torch.Generator) -> None:
        self.log_p, self.generator, self.uncertainty = logits.log_softmax(-1), generator, torch.ones(())

    def sample(self, weights: ParameterGroups, *, retain: bool) -> Tensor:
        p = self.log_p.detach().double().exp().flatten(0, -2)
        labels = torch.multinomial(p, 1, generator=self.generator).reshape(*self.log_p.shape[:-1], 1)
        chosen = self.log_p.gather(-1, labels).flatten(1).sum(1)
        signs = torch.randint(2, (len(chosen),), generator=self.generator) * 2 - 1
        return weights.squared_norms(weights.gradients((signs * chosen).sum(), retain=retain))


def drawn_labels(model: nn.Module, inputs: Tensor, seed: int) -> Estimates:
    generator = torch.Generator().manual_seed(seed)
    return squared_gradients(
        model,
        inputs,
        lambda logits, place: Drawn(logits, generator),
        generator=generator,
        draws=1,
        measure="fisher_trace",
    )


METHODS = {"all": all_labels, "drawn": drawn_labels}


def rows(name: str, number: int, readings: int) -> Iterator[dict[str, object]]:
    """One for each state, treatment of labels, and layer."""
    for step, accuracy, model, inputs in states(name, number):
        truth = exact(model, inputs)
        found: dict[str, list[Estimates]] = {method: [] for method in METHODS}
        seconds = dict.fromkeys(METHODS, 0.0)
        for seed in range(readings):
            for method, read in METHODS.items():
                if method == "drawn" and seed % FEWER:
                    continue
                begin = time.process_time()
                found[method].append(read(model, inputs, seed))
                seconds[method] += time.process_time() - begin
        each = {method: seconds[method] / len(found[method]) for method in METHODS}
        for method, estimates in found.items():
            for layer, value in truth.items():
                pairs = [one.whole if not layer else one[layer.replace(ROOT, "")] for one in estimates]
                values, errors = (np.array([getattr(pair, a) for pair in pairs]) for a in ("value", "stderr"))
                yield {
                    "training": name,
                    "classes": TRAININGS[name][1],
                    "steps": step,
                    "accuracy": f"{accuracy:.3f}",
                    "labels": method,
                    "layer": layer,
                    "exact": f"{value:.4g}",
                    "readings": len(estimates),
                    "held": f"{(abs(values - value) <= 1.96 * errors).mean():.3f}",
                    "median_ratio": f"{np.median(values) / value:.4g}",
                    "relative_sd": f"{values.std(ddof=1) / value:.4g}",
                    "stated_over_sd": f"{np.sqrt((errors**2).mean()) / values.std(ddof=1):.3g}",
                    "time_ratio": f"{each[method] / each['drawn']:.2f}",
                }


def write_table(
    description: str,
    trainings: Mapping[str, Any],
    columns: Sequence[str],
    rows: Callable[[str, int, int], Iterable[Mapping[str, object]]],
    *,
    readings: int,
    out: Path,
) -> None:
    """The command of a script on coverage: one row after the other, so that an interrupted run has a table too."""
    parser = argparse.ArgumentParser(description=description.splitlines()[0])
    parser.add_argument("--readings", type=int, default=readings)
    parser.add_argument("--examples", type=int, default=128)
    parser.add_argument("--trainings", nargs="+", choices=list(trainings), default=list(trainings))
    parser.add_argument("--out", type=Path, default=out)
    given = parser.parse_args()
    torch.set_num_threads(1)
    with given.out.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, columns, lineterminator="\n")
        writer.writeheader()
        for name in given.trainings:
            for row in rows(name, given.examples, given.readings):
                writer.writerow(row)
                file.flush()


if __name__ == "__main__":
    write_table(__doc__ or "", TRAININGS, COLUMNS, rows, readings=200, out=Path("results/evidence/fisher_coverage.csv"))
