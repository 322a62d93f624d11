"""A user's own optimiser, by its path."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import ConfigDict, ValidationError

from critlab._core.errors import CritlabError, StudyError
from critlab._core.loading.imports import imported, one_line
from critlab._core.problems import problems, refusal, shown
from critlab._core.user_code.identity import OwnCode, own_code, stated_version
from critlab.study.optimizers.optimizer import TorchOptimizer, trained

if TYPE_CHECKING:
    from torch import nn
    from torch.optim import Optimizer


class OwnOptimizer(TorchOptimizer):
    """A user's own ``"package.module:Class"``: a subclass of ``torch.optim.Optimizer``, or a function that makes one.

    It is called with the trained parameters, ``lr`` and the further keys of ``[optimizer]``, with ``momentum`` where
    that is given. It may make several groups of parameters: their learning rates and weight decays keep their ratio to
    ``lr`` and to the largest weight decay. State of a parameter may be tensors, numbers and lists of these.
    """

    model_config = ConfigDict(extra="allow")
    name: ClassVar[str] = "own"
    tried: ClassVar[bool] = True
    citation: ClassVar[str] = "ours"
    path: str

    def special(self) -> dict[str, Any]:
        """The keys that are given; the path is the optimiser's name."""
        return dict(self.__pydantic_extra__ or {})

    def codes(self) -> tuple[OwnCode, ...]:
        """What names the user's code, unless a version does."""
        found = self.found()
        return () if stated_version(found) is not None else (own_code(found, self.path),)

    def named(self) -> dict[str, Any]:
        """The keys that are given, and the code or its version."""
        version = stated_version(self.found())
        return {**self.special(), **({"source": self.codes()[0].digest} if version is None else {"version": version})}

    def found(self) -> Any:
        """The user's class or function.

        Raises:
            StudyError: it cannot be imported, or is neither.
        """
        found = imported(self.path, "optimizer.name")
        if not callable(found):
            raise StudyError(
                f"optimizer.name: {shown(self.path)} is {type(found).__name__}; must be a class of optimisers"
            )
        return found

    def make(self, model: nn.Module, lr: float, momentum: float | None) -> Optimizer:
        """A new one.

        Raises:
            StudyError: it fails with these keys, or is no optimiser of torch.
        """
        from torch.optim import Optimizer

        kind, given = self.found(), {} if momentum is None else {"momentum": momentum}
        if isinstance(kind, type) and issubclass(kind, TorchOptimizer):
            try:
                return kind.model_validate(self.special()).make(model, lr, momentum)
            except ValidationError as error:
                raise StudyError(refusal("optimizer", problems(error, kind))) from None
        try:
            made = kind(trained(model), lr=lr, **given, **self.special())
        except CritlabError:
            raise
        except Exception as error:
            raise StudyError(f"optimizer.name: {shown(self.path)} failed: {one_line(error)}") from error
        if not isinstance(made, Optimizer):
            text = f"optimizer.name: {shown(self.path)} made {type(made).__name__}; must be a torch.optim.Optimizer"
            raise StudyError(text)
        return made
