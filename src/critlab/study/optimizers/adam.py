"""Adam and its variants."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar

from pydantic import BeforeValidator, Field

from critlab.study.optimizers.optimizer import TorchOptimizer
from critlab.study.types import sequence

Beta = Annotated[float, Field(ge=0, lt=1)]
Betas = Annotated[tuple[Beta, Beta], BeforeValidator(sequence)]
USUAL: tuple[float, float] = (0.9, 0.999)
NEUTRAL: Mapping[str, Any] = {"betas": [0.9, 0.999], "eps": 1e-8}


class Adam(TorchOptimizer):
    """Adam; weight decay is the coupled L2 term.

    Args:
        betas: decay rates of the two moments, each from 0 to below 1.
        eps: is added to the denominator.
        amsgrad: divide by the largest second moment so far.
    """

    name: ClassVar[str] = "adam"
    citation: ClassVar[str] = "Kingma and Ba 2015"
    torch_class: ClassVar[str] = "Adam"
    neutral: ClassVar[Mapping[str, Any]] = {**NEUTRAL, "amsgrad": False}
    betas: Betas = USUAL
    eps: float = Field(default=1e-8, ge=0)
    amsgrad: bool = False

    def moments(self, momentum: float | None) -> int:
        """Both moments and, with ``amsgrad``, the largest."""
        return 3 if self.amsgrad else 2


class AdamW(Adam):
    """Adam with decoupled weight decay, 0.01 unless ``[optimizer] weight_decay`` says otherwise.

    Args:
        betas: decay rates of the two moments, each from 0 to below 1.
        eps: is added to the denominator.
        amsgrad: divide by the largest second moment so far.
    """

    name: ClassVar[str] = "adamw"
    citation: ClassVar[str] = "Loshchilov and Hutter 2019"
    torch_class: ClassVar[str] = "AdamW"
    usual_decay: ClassVar[float | None] = 0.01


class Adamax(TorchOptimizer):
    """Adam with the largest gradient in place of the second moment.

    Args:
        betas: decay rates, each from 0 to below 1.
        eps: is added to the denominator.
    """

    name: ClassVar[str] = "adamax"
    citation: ClassVar[str] = "Kingma and Ba 2015, section 7.1"
    torch_class: ClassVar[str] = "Adamax"
    neutral: ClassVar[Mapping[str, Any]] = NEUTRAL
    betas: Betas = USUAL
    eps: float = Field(default=1e-8, ge=0)


class NAdam(TorchOptimizer):
    """Adam with Nesterov's momentum.

    Args:
        betas: decay rates of the two moments, each from 0 to below 1.
        eps: is added to the denominator.
        momentum_decay: how the momentum approaches its value.
        decoupled_weight_decay: weight decay as in adamw.
    """

    name: ClassVar[str] = "nadam"
    citation: ClassVar[str] = "Dozat 2016"
    torch_class: ClassVar[str] = "NAdam"
    neutral: ClassVar[Mapping[str, Any]] = {**NEUTRAL, "momentum_decay": 0.004, "decoupled_weight_decay": False}
    betas: Betas = USUAL
    eps: float = Field(default=1e-8, ge=0)
    momentum_decay: float = Field(default=0.004, ge=0)
    decoupled_weight_decay: bool = False


class RAdam(TorchOptimizer):
    """Adam whose first steps are rectified.

    Args:
        betas: decay rates of the two moments, each from 0 to below 1.
        eps: is added to the denominator.
        decoupled_weight_decay: weight decay as in adamw.
    """

    name: ClassVar[str] = "radam"
    citation: ClassVar[str] = "Liu et al. 2020"
    torch_class: ClassVar[str] = "RAdam"
    neutral: ClassVar[Mapping[str, Any]] = {**NEUTRAL, "decoupled_weight_decay": False}
    betas: Betas = USUAL
    eps: float = Field(default=1e-8, ge=0)
    decoupled_weight_decay: bool = False
