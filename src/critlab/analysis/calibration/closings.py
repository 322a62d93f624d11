"""Coverage of the closing's interval in simulated studies."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.random import Generator

from critlab.analysis.calibration.judging import DEVIATION, Simulated
from critlab.analysis.calibration.noise import Noise
from critlab.analysis.calibration.results import CoverageRow, Rate
from critlab.analysis.closing import FEWEST_DAMAGED
from critlab.analysis.statistics.half_maximum import damaged, half_maximum, mean_draws
from critlab.analysis.statistics.summary import MINIMUM_SEEDS, Floats

DRAWS = 400
"""Draws of each closing, a fifth of those of a real one."""

MOST_STUDIES = 400


def closing_rows(simulated: Simulated, shape: str, noise: Noise, random: Generator) -> Iterator[CoverageRow]:
    """One row, of the studies that have a closing; none where the design never has one."""
    design = simulated.design
    lasting = [
        index for index, one in enumerate(design.contrasts) if one.name == "lasting_damage" and one.at != "never"
    ]
    seeds = simulated.damages.shape[-1]
    if len(lasting) < FEWEST_DAMAGED or seeds < MINIMUM_SEEDS:
        return
    damages, truth = simulated.damages[:MOST_STUDIES, lasting], simulated.truth[lasting]
    at: Floats = np.array(design.points)
    origin = design.study.sweep.origin
    if origin is not None and origin != "never":
        at = np.concatenate([[float(origin)], at])
        damages = np.concatenate([np.zeros((len(damages), 1, seeds)), damages], axis=1)
        truth = np.concatenate([[0.0], truth])
    damages = damages[damaged(damages) >= FEWEST_DAMAGED]
    if not len(damages):
        return
    drawn = mean_draws(damages, DRAWS, random, image_variance=2 * (DEVIATION * noise.images) ** 2)
    crossing = design.study.sweep.half_maximum
    found, true = half_maximum(at, damages.mean(-1), drawn, crossing), float(crossing(at, truth))
    held = float(np.mean((found.low <= true) & (true <= found.high)))
    yield CoverageRow(design.name, "closing", shape, noise.name, seeds, Rate(held, len(damages)))
