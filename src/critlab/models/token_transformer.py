"""A small transformer of sequences of tokens, whose padding it does not see."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Self

from pydantic import Field, model_validator

from critlab._core.errors import StudyError
from critlab._core.problems import Problems
from critlab.deficits.input_form import InputForm
from critlab.learning_tasks.learning_task import LearningTask
from critlab.models.model import Model

if TYPE_CHECKING:
    from torch import nn


class TokenTransformer(Model):
    """Embedding and learned positions, blocks, the mean over all tokens but padding, a linear map to the logits.

    Args:
        vocabulary: how many tokens there are, as in the data.
        padding: the token that is not seen, as in the data; None where there is none.
        width: numbers of a token; a multiple of ``attention_heads``.
        blocks: how many.
        attention_heads: of every block.
        per_token: whether there is an answer at each token, which then sees no token behind it; else one for the
            sequence.
    """

    name: ClassVar[str] = "token_transformer"
    citation: ClassVar[str] = "Vaswani et al. 2017, norms first; sizes: ours"

    neutral: ClassVar[Mapping[str, Any]] = {"padding": None}
    vocabulary: int = Field(ge=2)
    padding: int | None = Field(default=None, ge=0)
    width: int = Field(default=64, ge=1)
    blocks: int = Field(default=2, ge=1)
    attention_heads: int = Field(default=2, ge=1)
    per_token: bool = Field(default=False, exclude_if=lambda per_token: not per_token)

    @model_validator(mode="after")
    def _sizes_agree(self) -> Self:
        if self.width % self.attention_heads:
            text = f"received {self.width}; must be a multiple of attention_heads, which is {self.attention_heads}"
            raise Problems([(("width",), text)])
        if self.padding is not None and self.padding >= self.vocabulary:
            text = f"received {self.padding}; must be below vocabulary, which is {self.vocabulary}"
            raise Problems([(("padding",), text)])
        return self

    def check_task(self, task: LearningTask) -> None:
        """Raises StudyError where ``per_token`` does not say what the task asks for."""
        wanted = task.unit == "token"
        if task.unit == "pixel":
            super().check_task(task)
        elif self.per_token != wanted:
            said, must = (f"{one}".lower() for one in (self.per_token, wanted))
            raise StudyError(
                f"per_token: received {said}; must be {must}, because {task.name} needs an answer for each {task.unit}"
            )

    def check(self, example_shape: tuple[int, ...]) -> None:
        """Raises StudyError unless examples are ``(places,)``."""
        if len(example_shape) != 1:
            raise StudyError(
                f"model 'token_transformer' takes sequences of tokens (places,); received examples of shape "
                f'{tuple(example_shape)}; take other data, such as name = "tokens"'
            )

    def check_form(self, form: InputForm) -> None:
        """Raises StudyError unless examples are tokens of this vocabulary and padding."""
        if form.values != "tokens":
            raise StudyError(
                "received 'token_transformer', but the examples are no tokens; take data of name = \"tokens\""
            )
        for key, there in (("vocabulary", form.vocabulary), ("padding", form.padding)):
            if getattr(self, key) != there:
                asked = "left out" if there is None else there
                raise StudyError(f"{key}: received {getattr(self, key)}; must be {asked}, as in the data")

    def parameters(self, example_shape: tuple[int, ...], classes: int) -> int:
        """The number of trainable parameters."""
        self.check(example_shape)
        block = 12 * self.width**2 + 13 * self.width
        tokens = (self.vocabulary + example_shape[0]) * self.width
        return tokens + self.blocks * block + 2 * self.width + classes * (self.width + 1)

    def build(self, example_shape: tuple[int, ...], classes: int) -> nn.Module:
        """Embedding and positions, blocks, the mean over the tokens that are seen, a linear map to the logits.

        Blocks are pre-norm with GELU. Layers are called ``embedding``, ``blocks.0.attend``, ..., ``features`` (the mean
        over tokens, after a norm) and ``output``.

        Args:
            example_shape: ``(places,)``.
            classes: how many logits.

        Returns:
            A module from int64 ``(N, places)`` to logits ``(N, classes)``, with ``per_token`` ``(N, places, classes)``
            and no mean over tokens, initialised as torch does by default,
            embedding and positions normal with deviation 0.02, from torch's global generator.

        Raises:
            StudyError: ``example_shape`` is no sequence.

        Source: Vaswani et al. 2017, with the norm first; sizes: ours.
        """
        from critlab.models.blocks.token_network import TokenNetwork

        self.check(example_shape)
        return TokenNetwork(example_shape[0], classes, self)
