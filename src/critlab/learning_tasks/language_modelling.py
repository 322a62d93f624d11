"""Language modelling: the next token at each place."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from critlab._core.errors import StudyError
from critlab.deficits.input_form import InputForm
from critlab.deficits.target_form import TargetForm
from critlab.learning_tasks.learning_task import LearningTask, TargetView, Unit
from critlab.learning_tasks.scoring.scoring import Asked

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor


class LanguageModelling(LearningTask):
    """The next token at each place of a sequence; padding does not count, and no labels are needed.

    The network predicts the tokens that it is shown: where a deficit changes the tokens of a batch, it learns to
    predict the changed ones. Tests are on the tokens of the data.

    Args:
        metric: what damage is measured in.
    """

    name: ClassVar[str] = "language_modelling"
    citation: ClassVar[str] = "Bengio et al. 2003"
    likelihood: ClassVar[str] = "categorical_per_position"
    likelihood_options: ClassVar[Mapping[str, Any]] = {"classes": "last"}
    targets: ClassVar[TargetForm] = TargetForm("next_token")
    metrics: ClassVar[tuple[str, ...]] = ("nats_per_token", "accuracy", "loss")
    tested: ClassVar[tuple[str, ...]] = ("nats_per_token", "accuracy")
    unit: ClassVar[Unit] = "token"
    returns: ClassVar[str] = "logits (batch, places, vocabulary)"

    def check_form(self, form: InputForm) -> None:
        """Raises StudyError unless examples are tokens."""
        if form.values != "tokens":
            raise StudyError(
                "received 'language_modelling', but the examples are no tokens; take data of name = \"tokens\""
            )

    def outputs(self, classes: int, label_shape: tuple[int, ...], form: InputForm) -> int:
        """One for each token of the vocabulary."""
        return form.vocabulary

    def asked(self, images: Tensor, labels: Tensor, view: TargetView) -> Tensor:
        """The next token at each place, int64 ``(batch, places)``; -1 at the last place and before padding."""
        following = images.roll(-1, dims=1)
        following[:, -1] = -1
        return following if view.form.padding is None else following.masked_fill(following == view.form.padding, -1)

    def loss(self, outputs: Tensor, asked: Tensor) -> Tensor:
        """Cross entropy in nats, the mean over tokens."""
        from critlab.learning_tasks.losses import cross_entropy

        return cross_entropy(outputs, asked)

    def predicted(self, outputs: Tensor) -> Tensor:
        """The token of the largest logit."""
        return outputs.argmax(-1)

    def asked_of(self, images: NDArray[Any], labels: NDArray[Any], classes: int, form: InputForm) -> Asked:
        """The tokens of each sequence but the first."""
        import numpy as np

        tokens = np.asarray(images)[:, 1:].astype(np.int64)
        counted = np.ones(tokens.shape, bool) if form.padding is None else tokens != form.padding
        return Asked(tokens, counted, form.vocabulary)
