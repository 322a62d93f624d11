"""Who learns: one model a file, each a frozen class of options with ``build``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from critlab._core.loading.lazy import submodules
from critlab._core.registry import Registry
from critlab.models.all_cnn import AllCNN
from critlab.models.depth_family import DepthFamily
from critlab.models.fully_convolutional import FullyConvolutional
from critlab.models.mlp import MLP
from critlab.models.model import Model
from critlab.models.resnet import ResNet18
from critlab.models.spec import ModelSpec
from critlab.models.split_resnet import SplitResNet18
from critlab.models.token_transformer import TokenTransformer
from critlab.models.two_stream_transformer import TwoStreamTransformer
from critlab.models.two_tower import TwoTower

__all__ = [
    "MLP",
    "MODELS",
    "AllCNN",
    "DepthFamily",
    "FullyConvolutional",
    "Model",
    "ModelSpec",
    "ResNet18",
    "SplitResNet18",
    "TokenTransformer",
    "TwoStreamTransformer",
    "TwoTower",
]

MODELS: Registry[type[Model]] = Registry(
    "model",
    Model,
    "critlab.models",
    {
        "all_cnn": "critlab.models.all_cnn:AllCNN",
        "resnet18": "critlab.models.resnet:ResNet18",
        "depth_family": "critlab.models.depth_family:DepthFamily",
        "mlp": "critlab.models.mlp:MLP",
        "split_resnet18": "critlab.models.split_resnet:SplitResNet18",
        "two_tower": "critlab.models.two_tower:TwoTower",
        "token_transformer": "critlab.models.token_transformer:TokenTransformer",
        "fully_convolutional": "critlab.models.fully_convolutional:FullyConvolutional",
        "two_stream_transformer": "critlab.models.two_stream_transformer:TwoStreamTransformer",
    },
    classes=True,
)
"""The models by name."""

_EARLIER = {f"{path.partition(':')[2]}Options": path.partition(":")[2] for path in MODELS.rows.values()}
"""Names of version 0.1.0, kept for one release."""

if not TYPE_CHECKING:

    def __getattr__(name: str) -> Any:
        return globals()[_EARLIER[name]] if name in _EARLIER else submodules(__name__)(name)
