"""Token sequences: made sequences of several lengths whose class lies in the order of their tokens alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Self

from pydantic import Field, model_validator

from critlab._core.problems import Problems
from critlab.data.data_set import DataFacts, DataSet
from critlab.deficits.input_form import InputForm

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from critlab.data.user import Pair

SIZES = {"train": 4_000, "test": 1_000}
SEED = 20260620


class TokenSequences(DataSet):
    """Made sequences of tokens whose class lies in the order of their tokens alone.

    A token follows the one before it by a step that is the class's, or, with the chance ``noise``, is any token. The
    last number of the vocabulary is the padding behind the end.

    Args:
        classes: steps from token to token, 1 to ``classes``.
        vocabulary: how many tokens there are, the padding included.
        places: of the longest sequence; the shortest has half of them.
        noise: chance of a token that follows no rule.
    """

    name: ClassVar[str] = "token_sequences"
    citation: ClassVar[str] = "ours, to try deficits of sequences"
    facts: ClassVar[DataFacts | None] = DataFacts(
        title="token sequences",
        shape=(16,),
        classes=4,
        train=4_000,
        test=1_000,
        licence="drawn by critlab, free to use",
    )
    neutral: ClassVar[Mapping[str, Any]] = {}
    classes: int = Field(default=4, ge=2, le=16)
    vocabulary: int = Field(default=16, ge=4, le=1024)
    places: int = Field(default=16, ge=4, le=512)
    noise: float = Field(default=0.2, ge=0, lt=1)

    @model_validator(mode="after")
    def _steps_differ(self) -> Self:
        if self.classes > self.vocabulary - 2:
            text = f"received {self.classes}; must be at most {self.vocabulary - 2}, two less than vocabulary"
            raise Problems([(("classes",), text)])
        return self

    def form(self) -> InputForm:
        """Tokens, the last of which is the padding."""
        return InputForm("tokens", self.vocabulary, self.vocabulary - 1)

    def described(self) -> DataFacts:
        """The facts with this shape and these classes."""
        assert self.facts is not None
        return replace(self.facts, shape=(self.places,), classes=self.classes)

    def load(self, folder: Path) -> tuple[Pair, Pair]:
        """The sequences, the same in every call: int16 ``(N, places)`` and int64 ``(N,)``, classes equally often."""
        import numpy as np

        made = []
        for part, count in enumerate(SIZES.values()):
            labels = np.arange(count) % self.classes
            made.append((drawn(labels, self, np.random.default_rng([SEED, part])), labels.astype(np.int64)))
        return made[0], made[1]


def drawn(labels: NDArray[Any], options: TokenSequences, random: np.random.Generator) -> NDArray[np.int16]:
    """Sequences of the classes ``labels``, int16 ``(N, places)``; ``random`` advances.

    Every token is equally frequent in every class and place, so a bag of tokens says nothing.
    """
    import numpy as np

    words, count = options.vocabulary - 1, len(labels)
    tokens = random.integers(words, size=(count, options.places))
    free = random.random((count, options.places)) < options.noise
    for place in range(1, options.places):
        follows = (tokens[:, place - 1] + labels + 1) % words
        tokens[:, place] = np.where(free[:, place], tokens[:, place], follows)
    lengths = random.integers((options.places + 1) // 2, options.places + 1, size=count)
    tokens[np.arange(options.places) >= lengths[:, None]] = words
    found: NDArray[np.int16] = tokens.astype(np.int16)
    return found
