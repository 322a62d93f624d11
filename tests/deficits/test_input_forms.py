"""Which deficits and models take tokens and numbers of any range, and that no token vanishes under a mask."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from critlab._core.errors import StudyError
from critlab.data.checks import Split
from critlab.data.image_set import ImageSet
from critlab.deficits import (
    Blank,
    Blur,
    Deficit,
    FeatureDropout,
    LabelNoise,
    SwapNoise,
    TokenBijection,
    TokenShuffle,
    WhiteNoise,
)
from critlab.deficits.input_form import UNIT, InputForm
from critlab.models import MLP, TokenTransformer
from critlab.study.runs.recipe import Recipe
from critlab.training.inputs.examples import Examples

TOKENS, PADDED, FREE = InputForm("tokens", 9), InputForm("tokens", 9, 8), InputForm("free")
BIJECTION = TokenBijection(vocabulary=9, spared=(8,))

TAKEN: list[tuple[Deficit, list[InputForm]]] = [
    (Blur(factor=2), [UNIT, FREE]),
    (Blank(), [UNIT, FREE]),
    (WhiteNoise(), [UNIT]),
    (SwapNoise(share=0.5), [UNIT, FREE, TOKENS, PADDED]),
    (TokenShuffle(window=2), [UNIT, FREE, TOKENS, PADDED]),
    (LabelNoise(share=0.5), [UNIT, FREE, TOKENS, PADDED]),
    (BIJECTION, [UNIT, TOKENS, PADDED]),
    (TokenBijection(vocabulary=9), [UNIT, TOKENS]),
    (TokenBijection(vocabulary=8, spared=(7,)), [UNIT]),
    (FeatureDropout(share=0.5, fill=3), [UNIT, FREE, TOKENS, PADDED]),
    (FeatureDropout(share=0.5, fill=8), [UNIT, FREE, TOKENS]),
    (FeatureDropout(share=0.5, fill=0.5), [UNIT, FREE]),
]


@pytest.mark.parametrize(("deficit", "forms"), TAKEN, ids=lambda one: getattr(one, "name", ""))
def test_a_deficit_takes_what_it_can_be_applied_to(deficit: Deficit, forms: list[InputForm]) -> None:
    for form in (UNIT, FREE, TOKENS, PADDED):
        if form in forms:
            deficit.check_form(form)
        else:
            with pytest.raises(StudyError):
                deficit.check_form(form)


def test_a_model_takes_what_it_was_made_for() -> None:
    MLP().check_form(FREE)
    TokenTransformer(vocabulary=9, padding=8).check_form(PADDED)
    for model, form, line in (
        (MLP(), TOKENS, "takes numbers, but the examples are tokens; use token_transformer"),
        (TokenTransformer(vocabulary=9), FREE, "the examples are no tokens"),
        (TokenTransformer(vocabulary=8), TOKENS, "vocabulary: received 8; must be 9"),
        (TokenTransformer(vocabulary=9), PADDED, "padding: received None; must be 8"),
    ):
        with pytest.raises(StudyError, match=line):
            model.check_form(form)


def sequences() -> Examples:
    """Sixteen sequences of four to six tokens, and two of padding."""
    generator = torch.Generator().manual_seed(0)
    tokens = torch.randint(0, 8, (16, 6), generator=generator)
    tokens[torch.arange(6) >= 4 + torch.arange(16)[:, None] % 3] = 8
    part = Split(tokens.int().numpy(), (torch.arange(16) % 2).numpy())
    return Examples.of(ImageSet.of(part, part, 2, form=PADDED), torch.device("cpu"))


def batch(examples: Examples, deficit: Deficit | None) -> Tensor:
    return examples.training_batch(torch.arange(16), Recipe(0.1, 0.0, deficit=deficit), 0, 0, 0)[0]


@pytest.mark.parametrize(
    "deficit", [SwapNoise(share=0.5), TokenShuffle(window=3), BIJECTION, FeatureDropout(share=0.9, fill=3)]
)
def test_padding_stays_and_no_token_becomes_padding(deficit: Deficit) -> None:
    examples = sequences()
    clean, deprived = batch(examples, None), batch(examples, deficit)
    assert clean.dtype == deprived.dtype == torch.int64
    assert torch.equal(clean == 8, deprived == 8)
    assert not torch.equal(clean, deprived)


def test_a_deficit_that_makes_padding_is_refused() -> None:
    class Silence(Deficit):
        name = "silence"
        input_kind = "any"

        def apply(self, images: Tensor, labels: Tensor, draws: object) -> tuple[Tensor, Tensor]:
            return torch.full_like(images, 8), labels

    with pytest.raises(StudyError, match="'silence' makes the padding, 8, of tokens"):
        batch(sequences(), Silence())


def test_the_network_does_not_see_padding() -> None:
    options = TokenTransformer(vocabulary=9, padding=8, width=8, blocks=2)
    torch.manual_seed(0)
    model = options.build((6,), 3).eval()
    weight = model.get_parameter("embedding.weight")
    assert sum(one.numel() for one in model.parameters()) == options.parameters((6,), 3)
    tokens = batch(sequences(), None)
    before = model(tokens)
    with torch.no_grad():
        weight[8] += 5
    assert torch.equal(model(tokens), before)
    with torch.no_grad():
        weight[3] += 5
    assert not torch.equal(model(tokens), before)
