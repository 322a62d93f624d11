"""What the engine knows of learning: two protocols, and nothing about networks, data or papers."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from critlab._core.loading.imports import imported
from critlab.measures.reading import Reading
from critlab.study.ingredients.measurement import Measurement
from critlab.study.runs.example_recipes import ExampleRecipes
from critlab.study.runs.origin import Numerics
from critlab.study.runs.recipe import Recipe
from critlab.study.study import Setup, Study

if TYPE_CHECKING:
    from critlab.data.image_set import ImageSet


class Learner(Protocol):
    """Whatever can be started, advanced by a recipe, measured, packed into arrays and unpacked."""

    def start(self, origin: Mapping[str, Any]) -> Any:
        """The state before the first epoch."""

    def advance(self, state: Any, recipe: Recipe, epoch: int, pause: Callable[[], bool]) -> dict[str, float] | None:
        """Advances ``state`` by one epoch, in place, and says what the epoch was like (``train_loss`` at least).

        ``pause`` is asked after every step. Where it says so, the answer is None: ``state`` is then inside the epoch,
        can be packed and unpacked there, and the next call goes on and ends as if it had never paused.

        Raises:
            Diverged: the state is no longer finite.
        """

    def measure(self, state: Any, spec: Measurement) -> list[Reading]:
        """Reads one measure of ``state``; changes nothing."""

    def pack(self, state: Any) -> Mapping[str, Any]:
        """``state`` as named arrays."""

    def unpack(self, tensors: Mapping[str, Any]) -> Any:
        """The state that :meth:`pack` packed."""


class Training(Protocol):
    """Makes the learners of studies, and answers what only the training code knows."""

    def learner(self, setup: Setup, images: ImageSet, numerics: Numerics, device: str) -> Learner:
        """What learns ``setup``; on a GPU, the whole process computes deterministically from now on."""

    def check(self, study: Study, images: ImageSet) -> None:
        """Refuse what only the built model shows.

        Raises:
            StudyError: an intervention names a layer that the model does not have.
        """

    def check_resume(
        self, study: Study, images: ImageSet, numerics: Numerics, device: str, modules: Collection[str]
    ) -> None:
        """Try whether a run that continues from a checkpoint equals one that never stopped.

        Raises:
            StudyError: it does not, or a checkpoint cannot hold the state.
        """

    def try_model(self, study: Study, images: ImageSet, numerics: Numerics, device: str) -> list[str]:
        """Let a network of the user's own answer a batch; what a person should know of its outputs, one line each.

        Raises:
            StudyError: it cannot be made, fails, or returns something else than the task asks for.
        """

    def examples(self, asked: ExampleRecipes, images: ImageSet) -> dict[str, Any]:
        """A few training examples with and without a deficit, as JSON values."""

    def step_seconds(self, study: Study, images: ImageSet, device: str) -> dict[str, float]:
        """Seconds that a training step takes an image, by precision."""

    def epoch_seconds(self, study: Study, images: ImageSet, numerics: Numerics) -> float:
        """Seconds that one epoch with its measurements takes one worker."""


NETWORKS_ELSEWHERE = "critlab.engine.executors.networks:network_work"


@dataclass(frozen=True)
class WorkSource:
    """From what another process makes a study and what learns it: by path, so that the engine imports neither.

    Args:
        path: ``"package.module:function"`` of ``(setup, images) -> (StudyRun, Learner)``. The first argument is the
            message that begins the work, the second the images where the sender has them; None elsewhere.
        values: JSON values that the function finds in the message as ``source_values``.
    """

    path: str = NETWORKS_ELSEWHERE
    values: Mapping[str, Any] = field(default_factory=dict)


NETWORK_TRAINING = "critlab.training.network_training:NetworkTraining"
"""What trains the networks of studies, by path: the engine imports it where it is first needed."""


def network_training() -> Training:
    """What trains the networks of studies; imports torch."""
    training: Training = imported(NETWORK_TRAINING)()
    return training
