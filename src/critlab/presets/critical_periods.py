"""Paper 1, Critical Learning Periods in Deep Neural Networks (Achille, Rovere, Soatto 2019), figure by figure."""

from __future__ import annotations

from collections.abc import Mapping

from critlab.presets.critical_periods_charts import damage_by_part, fisher_charts, layers_charts
from critlab.presets.critical_periods_costs import COSTS
from critlab.presets.critical_periods_filters import filters_charts, filters_numbers
from critlab.presets.critical_periods_gradients import gradients_charts, gradients_numbers
from critlab.presets.critical_periods_information import (
    filters_study,
    fisher_studies,
    gradients_study,
    layers_study,
)
from critlab.presets.critical_periods_numbers import (
    CLEAN,
    DEPTH,
    FILTERS,
    FINAL_TRACE,
    FLIP,
    FORM,
    GRADIENTS,
    LATE,
    MNIST,
    NOISE,
    PEAK_ONSET,
    PERMUTATION,
    PRESENT,
    RESNET_CLEAN,
    RESNET_LATE,
    SHARES,
    TRACE,
    WEIGHT_DECAY,
    deficits_numbers,
    fisher_numbers,
    layers_numbers,
    parts_numbers,
    removal_numbers,
    sensitivity_numbers,
)
from critlab.presets.critical_periods_settings import (
    adam_study,
    constant_lr_study,
    depth_studies,
    mnist_study,
    weight_decay_studies,
)
from critlab.presets.critical_periods_setup import PAPER
from critlab.presets.critical_periods_sweeps import deficits_studies, removal_studies, sensitivity_study
from critlab.presets.preset import SCALES, Preset, one

FIGURES: Mapping[str, Preset] = {
    "removal": Preset(
        removal_studies,
        SCALES,
        f"{PAPER}, figure 1",
        "until when does early blur leave lasting damage? All-CNN and ResNet-18",
        (CLEAN, LATE, RESNET_CLEAN, RESNET_LATE),
        COSTS["removal"],
        draw=damage_by_part("damage_by_network", "Both networks", "network"),
        compare=removal_numbers,
    ),
    "sensitivity": Preset(
        one(sensitivity_study),
        SCALES,
        f"{PAPER}, figure 1C",
        "when does a short window of blur hurt most?",
        (PEAK_ONSET,),
        COSTS["sensitivity"],
        compare=sensitivity_numbers,
    ),
    "deficits": Preset(
        deficits_studies,
        SCALES,
        f"{PAPER}, figure 2, left; random labels, fewer images and corruptions: ours",
        "which deficits have a critical period, and what is left of it under another clock?",
        (FLIP, PERMUTATION, NOISE),
        COSTS["deficits"],
        compare=deficits_numbers,
    ),
    "depth": Preset(
        depth_studies,
        SCALES,
        f"{PAPER}, figure 2, right",
        "do deeper networks suffer more? One, two and three blocks",
        (DEPTH,),
        COSTS["depth"],
        draw=damage_by_part("damage_by_depth", "Damage by depth", "number of blocks", "equal_total"),
        compare=parts_numbers(DEPTH),
    ),
    "mnist": Preset(
        one(mnist_study),
        SCALES,
        f"{PAPER}, figure 3",
        "is there a critical period in a fully connected network? Below paper scale on Fashion-MNIST",
        (MNIST,),
        COSTS["mnist"],
        compare=parts_numbers(MNIST),
    ),
    "constant-lr": Preset(
        one(constant_lr_study),
        SCALES,
        f"{PAPER}, figure 3",
        "is there a critical period without annealing?",
        (PRESENT,),
        COSTS["constant-lr"],
        compare=parts_numbers(PRESENT),
    ),
    "adam": Preset(
        one(adam_study),
        SCALES,
        f"{PAPER}, figure 3",
        "is there a critical period under Adam?",
        (PRESENT,),
        COSTS["adam"],
        compare=parts_numbers(PRESENT),
    ),
    "weight-decay": Preset(
        weight_decay_studies,
        SCALES,
        f"{PAPER}, figure 3",
        "does weight decay change the critical period? From 0 to 0.002",
        (WEIGHT_DECAY,),
        COSTS["weight-decay"],
        draw=damage_by_part("damage_by_weight_decay", "Damage by weight decay", "weight decay"),
        compare=parts_numbers(WEIGHT_DECAY),
    ),
    "fisher": Preset(
        fisher_studies,
        SCALES,
        f"{PAPER}, figure 4",
        "does the Fisher information rise and fall with the critical period?",
        (TRACE, FINAL_TRACE, FORM),
        COSTS["fisher"],
        draw=fisher_charts,
        compare=fisher_numbers,
    ),
    "layers": Preset(
        one(layers_study),
        SCALES,
        f"{PAPER}, figure 5",
        "does the information move to other layers after removal, or is it frozen?",
        (SHARES,),
        COSTS["layers"],
        draw=layers_charts,
        compare=layers_numbers,
    ),
    "gradients": Preset(
        one(gradients_study),
        SCALES,
        f"{PAPER}, appendix",
        "what do the gradients of each layer look like through training?",
        (GRADIENTS,),
        COSTS["gradients"],
        draw=gradients_charts,
        compare=gradients_numbers,
    ),
    "filters": Preset(
        one(filters_study),
        SCALES,
        f"{PAPER}, appendix",
        "what do the filters of the first layer look like after a deficit?",
        (FILTERS,),
        COSTS["filters"],
        draw=filters_charts,
        compare=filters_numbers,
    ),
}
