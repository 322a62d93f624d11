"""What a switch is: one ingredient of training that is different while the window is open."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar

from critlab._core.component import Component
from critlab._core.problems import Location, shown

if TYPE_CHECKING:
    from torch import Tensor, nn
    from torch.optim import Optimizer

    from critlab._core.user_code.identity import OwnCode
    from critlab.deficits import Deficit
    from critlab.deficits.input_form import InputForm
    from critlab.study.optimizers.spec import OptimizerSpec
    from critlab.study.runs.recipe import Recipe
    from critlab.study.setup import Setup

Found = Iterator[tuple[Location, str]]
NO_VALUE = object()
"""In place of the study's own value, where the study has none that could equal the switch's."""


@dataclass(frozen=True)
class Trained:
    """What is trained in an epoch, as a switch sees it.

    Args:
        model: the network.
        optimizer: what moves its weights in this epoch.
        seed: of the run.
        epoch: epochs trained before this one.
    """

    model: nn.Module
    optimizer: Optimizer
    seed: int
    epoch: int


@dataclass(frozen=True)
class EpochImages:
    """Which training images an epoch may take.

    Args:
        labels: int64 ``(images,)`` or ``(images, heads)``, on the CPU.
        seed: of the run.
        epoch: epochs trained before this one.
        length: images of one epoch.
    """

    labels: Tensor
    seed: int
    epoch: int
    length: int


class Switch(Component):
    """An ingredient of training that has another value while the window is open.

    A subclass gives ``name``, ``citation``, and ``value`` with its type. Every method has a default that changes
    nothing. A switch acts through :meth:`changed` alone, or through the methods that training calls. Training calls
    them in every epoch of the window and around every checkpoint, so a switch keeps nothing in itself: tensors that it
    adds to the state of a run come from :meth:`begun`, and checkpoints hold them.
    """

    value: Any

    #: keys that a study cannot have together with this one, because both decide the same
    excludes: ClassVar[tuple[str, ...]] = ()
    #: whether it is tried on an untrained network before the first epoch, so that what does not fit is refused there
    tried: ClassVar[bool] = True
    #: whether recorded steps on a GPU know what it does, by :meth:`clip` and :meth:`stepped` alone
    recorded: ClassVar[bool] = False
    #: whether :meth:`scope` is entered while a network is tested and measured, too
    measured: ClassVar[bool] = False

    def plain(self, exclude_defaults: bool = False) -> Any:
        """The JSON value that a study file gives for the key."""
        return self.model_dump(mode="json", exclude_defaults=exclude_defaults)["value"]

    def usual(self, base: Setup) -> Any:
        """The value that ``base`` has without the switch; :data:`NO_VALUE` where it has none."""
        return NO_VALUE

    def misfits(self, base: Setup) -> Found:
        """What does not fit the study, as far as it is known without a network: place below the key, and text."""
        if self.usual(base) == self.value:
            received = shown(self.plain())
            yield (), f"received {received}, the same value as without the switch; give another value or omit it"

    def shape_misfits(self, example_shape: tuple[int, ...]) -> Found:
        """What does not fit examples of that shape, after padding."""
        yield from ()

    def check_form(self, form: InputForm) -> None:
        """Raises :class:`~critlab._core.errors.StudyError` where examples of that form cannot have the switch."""

    def withheld(self) -> Deficit | None:
        """The deficit that withholds training images; None where the switch withholds none."""
        return None

    def codes(self) -> tuple[OwnCode, ...]:
        """What names the user's own code in ``value``."""
        return ()

    def changed(self, recipe: Recipe, base: Setup) -> Recipe:
        """The recipe of an epoch in the window; a pure function.

        What the study does throughout training gives way to a switch of the same kind.
        """
        if type(self) in map(type, recipe.switches):
            kept = tuple(self if type(one) is type(self) else one for one in recipe.switches)
            return replace(recipe, switches=kept)
        return replace(recipe, switches=(*recipe.switches, self))

    def drops_state(self) -> bool:
        """Whether the optimiser's state is dropped when the window opens and when it closes."""
        return False

    def optimizer(self, usual: OptimizerSpec) -> OptimizerSpec:
        """The optimiser of an epoch."""
        return usual

    def batch_size(self, usual: int) -> int:
        """Images of one step."""
        return usual

    def order(self, images: EpochImages) -> Tensor | None:
        """The images of an epoch, in order, int64 ``(length,)``; None where the switch does not choose them."""
        return None

    def shown(self, images: Tensor) -> Tensor:
        """A training batch as the network receives it; ``images`` are normalised, float ``(batch, ...)``."""
        return images

    def scope(self, trained: Trained) -> AbstractContextManager[Any]:
        """Changes a network in training mode while the context is open; afterwards it is as before.

        Raises:
            StudyError: the network has nothing that could be switched.
        """
        return nullcontext()

    def begun(self, model: nn.Module) -> dict[str, Tensor]:
        """What the switch keeps in addition to the network from its first epoch on, by name; copies."""
        return {}

    def clip(self) -> float | None:
        """The largest norm of the gradient in a step, for recorded steps; None where the switch sets none."""
        return None

    def stepped(self, model: nn.Module, kept: Mapping[str, Tensor]) -> None:
        """Updates in place, after a step, what :meth:`begun` gave."""

    def tested(self, model: nn.Module, kept: Mapping[str, Tensor]) -> nn.Module:
        """The network that is tested; ``model`` itself stays as it is."""
        return model
