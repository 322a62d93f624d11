"""Four hidden layers sampled exactly: what "mean output variance held at 1" means for the alignment.

    python evidence/held_readout.py          writes evidence/held_readout.csv

XOR, seed 3, P = 12, N = 100, L = 4, g_b = 0.05, kappa = 0.1; 160000 networks from the prior for each g, weighted by the
data (importance sampling: no chain, no burn-in). The same networks serve all readouts, so that their differences are
sharper than their errors, which are by jackknife over eight groups.
"""

from __future__ import annotations

import csv
from pathlib import Path

import torch
from torch import Tensor

from critlab.theory.kernels import alignment, prior_kernels, xor_task
from critlab.theory.kernels.model import Problem, checked_prior, checked_problem
from critlab.theory.kernels.sampling.importance import layer_draws, log_likelihood

OUT = Path(__file__).with_suffix(".csv")
NETWORKS, GROUPS, BIAS = 160_000, 8, 0.05


def readouts(mean: float, g: float) -> dict[str, tuple[float, float]]:
    """The readout's weight scale and bias by name, for a mean ``<phi^2>`` of the last layer."""
    return {
        "weights and bias add to 1": ((1 - BIAS) / mean, BIAS),
        "weights alone 1": (1 / mean, BIAS),
        "weights alone 1, no bias": (1 / mean, 0.0),
        "shared": (g, BIAS),
    }


def judged(problem: Problem, groups: list[Tensor], scale: float, bias: float) -> tuple[float, float, float]:
    """Alignment of the posterior mean, its standard error, and the effective number of networks."""
    gram = problem.targets @ problem.targets.T
    logs = [log_likelihood(scale * one + bias, problem) for one in groups]
    top = max(float(one.max()) for one in logs)
    weights = [(one - top).exp() for one in logs]
    sums = torch.stack([torch.einsum("s,sab->ab", w, k) for w, k in zip(weights, groups, strict=True)])
    found = [alignment(sums.sum(0) - out, gram) for out in sums]
    error = float(((len(found) - 1) * torch.tensor(found).var(correction=0)).sqrt())
    counted = torch.cat(weights)
    return alignment(sums.sum(0), gram), error, float(counted.sum().square() / counted.square().sum())


def main() -> None:
    torch.set_num_threads(1)
    inputs, targets = xor_task(12, seed=3)
    with OUT.open("w", newline="") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(("g", "readout", "readout_scale", "alignment", "standard_error", "effective_networks"))
        for g in (3.0, 1.4, 0.5):
            wide = prior_kernels(inputs, depth=4, weight_scale=g, readout_scale=1.0, bias_scale=BIAS)[-1] - BIAS
            problem = checked_problem(inputs, targets, checked_prior(4, g, None, 1.0, BIAS, "erf"), 100, 0.1)
            groups = [
                torch.cat([layers[-1] - BIAS for layers in layer_draws(problem, NETWORKS // GROUPS, 0, group)])
                for group in range(GROUPS)
            ]
            for name, (scale, bias) in readouts(float(wide.diagonal().mean()), g).items():
                aligned, error, effective = judged(problem, groups, scale, bias)
                numbers = f"{scale:.4f}", f"{aligned:.4f}", f"{error:.4f}", f"{effective:.0f}"
                table.writerow((g, name, *numbers))


if __name__ == "__main__":
    main()
