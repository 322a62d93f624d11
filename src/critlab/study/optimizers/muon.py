"""Muon for the matrices, AdamW for the rest."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from pydantic import BeforeValidator, Field

from critlab._core.errors import StudyError
from critlab.study.optimizers.optimizer import TorchOptimizer, trained
from critlab.study.types import MOST_RATE, sequence

if TYPE_CHECKING:
    from torch import nn
    from torch.optim import Optimizer


class Muon(TorchOptimizer):
    """Orthogonalised momentum for 2-D weights; biases, convolutions and embeddings go to AdamW, as is usual.

    ``[optimizer] momentum`` is 0.95 and ``weight_decay`` is 0.1 unless given; the weight decay is that of both. Needs a
    torch that has ``torch.optim.Muon``.

    Args:
        nesterov: the look ahead.
        ns_coefficients: of the polynomial that orthogonalises.
        ns_steps: iterations of the orthogonalisation, from 1 to 99.
        eps: the smallest norm that is divided by.
        adjust_lr_fn: how the rate depends on the shape of a matrix; ``match_rms_adamw`` makes rates for AdamW fit.
        adamw_lr: learning rate of AdamW where that of Muon is ``lr``; the schedule scales both. By default ``lr``.
    """

    name: ClassVar[str] = "muon"
    tried: ClassVar[bool] = True
    citation: ClassVar[str] = "Jordan et al. 2024; matched to AdamW: Liu et al. 2025"
    torch_class: ClassVar[str] = "Muon"
    usual_momentum: ClassVar[float | None] = 0.95
    usual_decay: ClassVar[float | None] = 0.1
    momentum_may_change: ClassVar[bool] = True
    foreach: ClassVar[bool] = False
    neutral: ClassVar[Mapping[str, Any]] = {
        "nesterov": True,
        "ns_coefficients": [3.4445, -4.775, 2.0315],
        "ns_steps": 5,
        "eps": 1e-7,
        "adjust_lr_fn": "original",
        "adamw_lr": None,
    }
    nesterov: bool = True
    ns_coefficients: Annotated[tuple[float, float, float], BeforeValidator(sequence)] = (3.4445, -4.775, 2.0315)
    ns_steps: int = Field(default=5, ge=1, le=99)
    eps: float = Field(default=1e-7, ge=0)
    adjust_lr_fn: Literal["original", "match_rms_adamw"] = "original"
    adamw_lr: float | None = Field(default=None, gt=0, le=MOST_RATE)

    def arguments(self) -> dict[str, Any]:
        """Those of Muon itself."""
        return self.model_dump(exclude={"adamw_lr"})

    def make(self, model: nn.Module, lr: float, momentum: float | None) -> Optimizer:
        """Both optimisers as one, with a group of parameters each.

        Raises:
            StudyError: torch has no Muon, or the model has no 2-D weight.
        """
        from torch import nn, optim

        kind = self.found()
        looked_up = {id(one.weight) for one in model.modules() if isinstance(one, nn.Embedding | nn.EmbeddingBag)}
        matrices = [one for one in trained(model) if one.ndim == 2 and id(one) not in looked_up]
        known = {id(one) for one in matrices}
        rest = [one for one in trained(model) if id(one) not in known]
        if not matrices:
            raise StudyError("optimizer.name: received 'muon', but the model has no 2-D weight; use adamw")
        parts = [kind(matrices, lr=lr, weight_decay=0.0, momentum=momentum or 0.0, **self.arguments())]
        if rest:
            parts.append(optim.AdamW(rest, lr=self.adamw_lr or lr, weight_decay=0.0, foreach=True))
        return _joined(parts)


def _joined(parts: list[Optimizer]) -> Optimizer:
    """One optimiser that takes the steps of several: with the groups of all, and one state."""
    from torch.optim import Optimizer

    class Joined(Optimizer):
        def step(self, closure: Any = None) -> None:  # type: ignore[override]  # nothing here has a closure
            for part in parts:
                part.step()

    made = Joined([one for part in parts for one in part.param_groups[0]["params"]], {})
    # the same groups and the same state, so that what is set or put back here is what the parts use
    made.param_groups = [group for part in parts for group in part.param_groups]
    for part in parts:
        part.state = made.state
    return made
