"""Paper 2, Critical Learning Periods for Multisensory Integration in Deep Networks (Kleinman, Achille, Soatto 2023)."""

from __future__ import annotations

from collections.abc import Mapping

from critlab.presets.critical_periods_charts import damage_by_part
from critlab.presets.multisensory_charts import (
    dissociation_charts,
    information_charts,
    removal_charts,
    variance_charts,
)
from critlab.presets.multisensory_numbers import (
    DEPTH,
    HIDDEN,
    MONOCULAR,
    MOVES,
    RESILIENT,
    WINDOW,
    WORTH,
    accuracy_numbers,
    depth_numbers,
    dissociation_numbers,
    information_numbers,
    resilience_numbers,
    rsv_numbers,
)
from critlab.presets.multisensory_setup import (
    PAPER,
    dissociation_study,
    reconstruction_studies,
    rsv_study,
    source_depth_studies,
    source_information_study,
    source_window_study,
)
from critlab.presets.preset import SCALES, Cost, Preset, one

COSTS: Mapping[str, Mapping[str, Cost]] = {
    "rsv": {
        "paper": Cost(11_700, 50_000),
        "small": Cost(384, 5_000),
        "demo": Cost(144, 2_000),
    },
    "source-information": {
        "paper": Cost(9_900, 50_000),
        "small": Cost(264, 5_000),
        "demo": Cost(96, 2_000),
    },
    "dissociation": {
        "paper": Cost(2_700, 50_000),
        "small": Cost(360, 5_000),
        "demo": Cost(108, 2_000),
    },
    "source-window": {
        "paper": Cost(5_200, 50_000),
        "small": Cost(312, 5_000),
        "demo": Cost(156, 2_000),
    },
    "source-depth": {
        "paper": Cost(27_600, 50_000),
        "small": Cost(576, 5_000),
        "demo": Cost(288, 2_000),
    },
    "reconstruction": {
        "paper": Cost(3_800, 20_000),
        "small": Cost(1_056, 3_000),
        "demo": Cost(624, 1_000),
    },
}

MULTISENSORY: Mapping[str, Preset] = {
    "rsv": Preset(
        one(rsv_study),
        SCALES,
        f"{PAPER}, figure 4",
        "which source do the units answer to after one of them was blurred early?",
        (MOVES, HIDDEN),
        COSTS["rsv"],
        draw=variance_charts,
        compare=rsv_numbers,
    ),
    "dissociation": Preset(
        one(dissociation_study),
        SCALES,
        f"{PAPER}, dissociation of the sources (strabismus)",
        "does every unit come to answer to one source when the two never show the same scene?",
        (MONOCULAR,),
        COSTS["dissociation"],
        draw=dissociation_charts,
        compare=dissociation_numbers,
    ),
    "source-information": Preset(
        one(source_information_study),
        SCALES,
        f"{PAPER}, usable information",
        "how much of the label does each source tell the network, during the deficit and after it?",
        (WORTH,),
        COSTS["source-information"],
        draw=information_charts,
        compare=information_numbers,
    ),
    "source-removal": Preset(
        one(source_information_study),
        SCALES,
        f"{PAPER}; the runs of source-information",
        "how good is the network with one source switched off, against the length of the deficit?",
        (HIDDEN,),
        COSTS["source-information"],
        draw=removal_charts,
        compare=accuracy_numbers(HIDDEN),
    ),
    "source-window": Preset(
        one(source_window_study),
        SCALES,
        f"{PAPER}, sensitivity",
        "when does a window of blur of one source cost most?",
        (WINDOW,),
        COSTS["source-window"],
        draw=removal_charts,
        compare=accuracy_numbers(WINDOW),
    ),
    "source-depth": Preset(
        source_depth_studies,
        SCALES,
        f"{PAPER}, effect of depth",
        "do deeper towers suffer more before the sources meet?",
        (DEPTH,),
        COSTS["source-depth"],
        draw=damage_by_part("damage_by_depth", "Damage by depth of the towers", "number of blocks", "equal_total"),
        compare=depth_numbers,
    ),
    "reconstruction": Preset(
        reconstruction_studies,
        SCALES,
        f"{PAPER}, cross-source reconstruction; on moving patterns in place of video",
        "is a network that first predicts one source from the other more resilient than its supervised twin?",
        (RESILIENT,),
        COSTS["reconstruction"],
        draw=damage_by_part("damage_by_objective", "Damage of a window", "objective of the first epochs"),
        compare=resilience_numbers,
    ),
}
