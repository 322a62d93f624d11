"""What an optimiser is: its options with their ranges, and how torch makes it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, ClassVar

from critlab._core.component import Component
from critlab._core.errors import StudyError
from critlab._core.loading.imports import one_line
from critlab._core.user_code.identity import OwnCode, code_of_row, path_of

if TYPE_CHECKING:
    from torch import nn
    from torch.optim import Optimizer


class TorchOptimizer(Component):
    """The options of one optimiser, named and with the defaults of ``torch.optim`` unless its class says otherwise.

    ``lr``, ``momentum`` and ``weight_decay`` are keys of ``[optimizer]`` and no options, because schedules and switches
    change them. Options that choose among equal computations (``foreach``, ``fused``, ``capturable``) and ``maximize``
    are not offered.

    A subclass gives ``name``, ``citation`` and ``torch_class``, or implements :meth:`make`.
    """

    #: the class in ``torch.optim``
    torch_class: ClassVar[str] = ""
    #: the momentum that is used where none is given; None where the optimiser has none
    usual_momentum: ClassVar[float | None] = None
    #: the weight decay that is used where none is given; None where the optimiser has none
    usual_decay: ClassVar[float | None] = 0.0
    #: whether the learning rate of a step counts, and not that of the first step alone
    follows_rate: ClassVar[bool] = True
    #: whether its state stays valid when another momentum is set
    momentum_may_change: ClassVar[bool] = False
    #: whether it is made for the untrained model before the first epoch, so that what does not fit is refused there
    tried: ClassVar[bool] = False
    #: whether torch can update all weights together
    foreach: ClassVar[bool] = True

    def arguments(self) -> dict[str, Any]:
        """The options as the class in ``torch.optim`` takes them."""
        return self.model_dump()

    def unused(self, momentum: float | None, decay: float) -> Iterator[tuple[str, str]]:
        """The options that were given and change nothing, each with what they would need.

        Args:
            momentum: the largest in any epoch.
            decay: the largest weight decay in any epoch.
        """
        if getattr(self, "decoupled_weight_decay", False) and not decay:
            yield "decoupled_weight_decay", "a weight_decay above 0"

    def moments(self, momentum: float | None) -> int:
        """How many numbers are kept for each weight, at most; checkpoints hold them."""
        return 2

    def make(self, model: nn.Module, lr: float, momentum: float | None) -> Optimizer:
        """A new optimiser of the parameters of ``model`` that are trained, without weight decay.

        Raises:
            StudyError: this version of torch does not have it, or the model cannot have it.
        """
        kind = self.found()
        given: dict[str, Any] = {} if self.usual_momentum is None else {"momentum": momentum or 0.0}
        given |= {} if self.usual_decay is None else {"weight_decay": 0.0}
        given |= {"foreach": True} if self.foreach else {}
        try:
            made: Optimizer = kind(trained(model), lr=lr, **given, **self.arguments())
        except ValueError as error:
            raise StudyError(f"optimizer: {self.name} failed: {one_line(error)}") from error
        return made

    def found(self) -> Any:
        """The class in ``torch.optim``.

        Raises:
            StudyError: this version of torch does not have it.
        """
        import torch

        kind = getattr(torch.optim, self.torch_class, None)
        if kind is None:
            raise StudyError(
                f"optimizer.name: received {self.name!r}, but torch {torch.__version__} has no "
                f"torch.optim.{self.torch_class}; install a newer torch, or use another optimiser"
            )
        return kind

    def codes(self) -> tuple[OwnCode, ...]:
        """What names code that is not critlab's."""
        code = code_of_row(path_of(type(self)))
        return () if code is None else (code,)

    def named(self) -> dict[str, Any]:
        """The JSON values that name the options; nothing where all are neutral, so that earlier results keep theirs."""
        codes = self.codes()
        version = {} if type(self).version == 1 else {"version": type(self).version}
        return {**self.identity(), **version, **({"source": codes[0].digest} if codes else {})}


def trained(model: nn.Module) -> list[nn.Parameter]:
    """The parameters of ``model`` that require gradients, in its order."""
    return [parameter for parameter in model.parameters() if parameter.requires_grad]
