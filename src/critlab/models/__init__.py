"""Who learns: one model a file, each a function from shape, classes and options to a module."""

from __future__ import annotations

from critlab.entry import Entry, Table
from critlab.models.all_cnn import AllCNNOptions
from critlab.models.depth_family import DepthFamilyOptions
from critlab.models.mlp import MLPOptions
from critlab.models.options import ModelOptions
from critlab.models.resnet import ResNet18Options
from critlab.models.spec import ModelSpec

__all__ = [
    "MODELS",
    "AllCNNOptions",
    "DepthFamilyOptions",
    "MLPOptions",
    "ModelOptions",
    "ModelSpec",
    "ResNet18Options",
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
    },
)
