"""Who learns: one model a file, each a function from shape, classes and options to a module."""

from __future__ import annotations

from critlab.entry import Entry, Table
from critlab.models.all_cnn import AllCNNOptions
from critlab.models.mlp import MLPOptions
from critlab.models.options import ModelOptions
from critlab.models.spec import ModelSpec

__all__ = ["MODELS", "AllCNNOptions", "MLPOptions", "ModelOptions", "ModelSpec"]

MODELS = Table(
    "model",
    "critlab.models",
    {
        "all_cnn": Entry("critlab.models.all_cnn:build", AllCNNOptions, "Achille, Rovere and Soatto 2019, appendix A"),
        "mlp": Entry("critlab.models.mlp:build", MLPOptions, "Achille, Rovere and Soatto 2019, figure 3"),
    },
)
