"""What each figure of paper 1 costs: epochs by count, minutes as measured."""

from __future__ import annotations

from collections.abc import Mapping

from critlab.presets.preset import Cost

COSTS: Mapping[str, Mapping[str, Cost]] = {
    "removal": {
        "paper": Cost(19_600, 50_000),
        "small": Cost(1_500, 4_000),
        "demo": Cost(612, 2_000),
    },
    "sensitivity": {
        "paper": Cost(10_800, 50_000),
        "small": Cost(756, 4_000),
        "demo": Cost(318, 2_000),
    },
    "deficits": {
        "paper": Cost(60_985, 50_000),
        "small": Cost(2_151, 4_000),
        "demo": Cost(951, 2_000),
    },
    "depth": {
        "paper": Cost(32_400, 50_000),
        "small": Cost(1_080, 4_000),
        "demo": Cost(486, 2_000),
    },
    "mnist": {
        "paper": Cost(10_800, 60_000),
        "small": Cost(360, 4_000),
        "demo": Cost(162, 4_000),
    },
    "constant-lr": {
        "paper": Cost(10_800, 50_000),
        "small": Cost(360, 4_000),
        "demo": Cost(162, 2_000),
    },
    "adam": {
        "paper": Cost(10_800, 50_000),
        "small": Cost(360, 4_000),
        "demo": Cost(162, 2_000),
    },
    "weight-decay": {
        "paper": Cost(43_200, 50_000),
        "small": Cost(1_080, 4_000),
        "demo": Cost(486, 2_000),
    },
    "fisher": {
        "paper": Cost(12_700, 50_000),
        "small": Cost(1_710, 1_000),
        "demo": Cost(435, 2_000),
    },
    "layers": {
        "paper": Cost(5_800, 50_000),
        "small": Cost(576, 4_000),
        "demo": Cost(252, 2_000),
    },
    "gradients": {
        "paper": Cost(2_900, 50_000),
        "small": Cost(288, 4_000),
        "demo": Cost(126, 2_000),
    },
    "filters": {
        "paper": Cost(2_900, 50_000),
        "small": Cost(288, 4_000),
        "demo": Cost(126, 2_000),
    },
}
