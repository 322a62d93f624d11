"""Who learns: one model a file, each a function from shape, classes and options to a module."""

from __future__ import annotations

from typing import TYPE_CHECKING

from critlab._core.imports import Entry, Table
from critlab._core.lazy import submodules
from critlab.models.all_cnn import AllCNNOptions
from critlab.models.depth_family import DepthFamilyOptions
from critlab.models.mlp import MLPOptions
from critlab.models.options import ModelOptions
from critlab.models.resnet import ResNet18Options
from critlab.models.spec import ModelSpec
from critlab.models.split_resnet import SplitResNet18Options
from critlab.models.two_stream_transformer import TwoStreamTransformerOptions
from critlab.models.two_tower import TwoTowerOptions

__all__ = [
    "MODELS",
    "AllCNNOptions",
    "DepthFamilyOptions",
    "MLPOptions",
    "ModelOptions",
    "ModelSpec",
    "ResNet18Options",
    "SplitResNet18Options",
    "TwoStreamTransformerOptions",
    "TwoTowerOptions",
]

MODELS = Table(
    "model",
    "critlab.models",
    {
        "all_cnn": Entry("critlab.models.all_cnn:build", AllCNNOptions, "Achille, Rovere and Soatto 2019, appendix A"),
        "resnet18": Entry(
            "critlab.models.resnet:build",
            ResNet18Options,
            "He et al. 2016; Achille, Rovere and Soatto 2019, figure 1",
        ),
        "depth_family": Entry(
            "critlab.models.depth_family:build",
            DepthFamilyOptions,
            "Achille, Rovere and Soatto 2019, figure 2; layers after the code of Kleinman, Achille and Soatto 2023",
        ),
        "mlp": Entry("critlab.models.mlp:build", MLPOptions, "Achille, Rovere and Soatto 2019, figure 3"),
        "split_resnet18": Entry(
            "critlab.models.split_resnet:build", SplitResNet18Options, "Kleinman, Achille and Soatto 2023, section 4"
        ),
        "two_tower": Entry(
            "critlab.models.two_tower:build", TwoTowerOptions, "Kleinman, Achille and Soatto 2023, effect of depth"
        ),
        "two_stream_transformer": Entry(
            "critlab.models.two_stream_transformer:build",
            TwoStreamTransformerOptions,
            "after Yan et al. 2022, as used by Kleinman, Achille and Soatto 2023; sizes: ours",
        ),
    },
)

if not TYPE_CHECKING:
    __getattr__ = submodules(__name__)
