"""Models of two sources: counts, layers, what each pathway sees, and what a person reads when one does not fit."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from critlab._core.errors import StudyError
from critlab.measures.units.features import features_of
from critlab.models import ModelSpec
from critlab.models.blocks.preactivation_block import PreActivationBlock
from critlab.models.blocks.streams import TwoStreamNetwork, patches
from critlab.models.split_resnet import PreActivationShape

SPECS: list[dict[str, Any]] = [
    {"name": "split_resnet18", "width": 3},
    {"name": "split_resnet18", "width": 2, "heads": 3},
    {"name": "two_tower", "blocks": 1, "width": 4},
    {"name": "two_tower", "blocks": 3, "width": 2, "heads": 3},
    {"name": "two_tower", "blocks": 2, "width": 3, "batch_norm": False},
    {"name": "two_stream_transformer", "width": 6, "patch": 4, "attention_heads": 3},
    {"name": "two_stream_transformer", "width": 4, "patch": 8, "stream_blocks": 0, "shared_blocks": 1},
]


def count(model: nn.Module) -> int:
    return sum(parameter.numel() for parameter in model.parameters())


def built(raw: dict[str, Any], shape: tuple[int, ...] = (2, 3, 16, 16), classes: int = 5) -> nn.Module:
    torch.manual_seed(0)
    return ModelSpec(**raw).build(shape, classes)


@pytest.mark.parametrize("raw", SPECS, ids=str)
@pytest.mark.parametrize("shape", [(2, 1, 16, 16), (2, 3, 8, 24)])
def test_closed_form_counts_and_logits(raw: dict[str, Any], shape: tuple[int, ...]) -> None:
    spec, model = ModelSpec(**raw), built(raw, shape)
    assert spec.parameters(shape, 5) == count(model)
    logits = model(torch.rand(3, *shape))
    assert logits.shape == ((3, 3, 5) if raw.get("heads") == 3 else (3, 5))
    logits.square().sum().backward()
    assert all(parameter.grad is not None for parameter in model.parameters())


@pytest.mark.parametrize("raw", SPECS, ids=str)
def test_both_sources_matter_and_have_their_own_weights(raw: dict[str, Any]) -> None:
    model = built(raw).eval()
    images = torch.rand(2, 2, 3, 16, 16, generator=torch.Generator().manual_seed(0))
    swapped = model(images.flip(1))
    assert not torch.allclose(model(images), swapped), "the pathways must not share weights"
    for source in (0, 1):
        other = images.clone()
        other[:, source] += 1
        assert not torch.allclose(model(images), model(other))


def test_the_papers_sizes() -> None:
    def stage(inputs: int, outputs: int) -> int:
        first = 9 * inputs * outputs + 9 * outputs**2 + 2 * (inputs + outputs)
        shortcut = inputs * outputs if inputs != outputs else 0
        return first + shortcut + 18 * outputs**2 + 4 * outputs

    pathway = 27 * 64 + 128 + stage(64, 64) + stage(64, 128)
    trunk = stage(128, 256) + stage(256, 512)
    spec = ModelSpec(name="split_resnet18")
    assert spec.parameters((2, 3, 32, 32), 10) == 2 * pathway + trunk + 5130
    assert ModelSpec(name="split_resnet18", heads=3).parameters((2, 3, 32, 32), 10) == 2 * pathway + trunk + 3 * 5130
    assert ModelSpec(name="two_tower").model_dump()["width"] == 96


@pytest.mark.parametrize("shape", [PreActivationShape(4, 4, 1), PreActivationShape(4, 8, 2)])
def test_the_pre_activation_block_is_its_formula(shape: PreActivationShape) -> None:
    torch.manual_seed(0)
    block = PreActivationBlock(*shape).eval()
    with torch.no_grad():
        block.get_buffer("norm1.running_mean").add_(0.3)
    x = torch.randn(2, 4, 6, 6)
    active = torch.relu((x - 0.3) / (1 + block.norm1.eps) ** 0.5)
    inner = torch.nn.functional.conv2d(active, block.first.weight, stride=shape.stride, padding=1)
    inner = torch.relu(inner / (1 + block.norm2.eps) ** 0.5)
    past = x
    if block.shortcut is not None:
        past = torch.nn.functional.conv2d(active, block.get_parameter("shortcut.weight"), stride=2)
    wanted = torch.nn.functional.conv2d(inner, block.second.weight, padding=1) + past
    torch.testing.assert_close(block(x), wanted)
    assert count(block) == shape.parameters


@pytest.mark.parametrize("name", ["split_resnet18", "two_tower"])
def test_pathways_are_added_before_the_trunk(name: str) -> None:
    model = built({"name": name, "width": 3}).eval()
    images = torch.rand(2, 2, 3, 16, 16)
    both = model.pathway_a(images[:, 0]) + model.pathway_b(images[:, 1])  # type: ignore[operator]
    features = model.trunk(both)  # type: ignore[operator]
    torch.testing.assert_close(features_of(model, "trunk", images), features)
    torch.testing.assert_close(model(images), model.heads.output(features.mean((-2, -1))))  # type: ignore[operator,union-attr]


def test_a_tower_is_the_depth_family_up_to_the_sum() -> None:
    """With a second pathway that gives nothing, the function is that of the single network."""
    single = built({"name": "depth_family", "blocks": 2, "width": 3}, (3, 16, 16)).eval()
    double = built({"name": "two_tower", "blocks": 2, "width": 3}).eval()
    state = single.state_dict()
    for name, value in double.state_dict().items():
        part, _, rest = name.partition(".")
        if part == "pathway_b":
            value.zero_()
        elif part == "heads":
            value.copy_(state["output.conv." + rest.rpartition(".")[2]].reshape(value.shape))
        else:
            value.copy_(state[rest])
    images = torch.rand(4, 2, 3, 16, 16)
    torch.testing.assert_close(double(images), single(images[:, 0]))


def test_patches_hold_their_pixels() -> None:
    images = torch.arange(2 * 2 * 3 * 4 * 6.0).reshape(2, 2, 3, 4, 6)
    cut = patches(images, 2)
    assert cut.shape == (2, 2, 6, 12)
    for token, (row, column) in enumerate((r, c) for r in (0, 2) for c in (0, 2, 4)):
        wanted = images[:, :, :, row : row + 2, column : column + 2].flatten(2)
        assert torch.equal(cut[:, :, token], wanted)


def transformer(**options: Any) -> TwoStreamNetwork:
    model = built({"name": "two_stream_transformer", "width": 8, **options})
    assert isinstance(model, TwoStreamNetwork)
    return model.eval()


def test_streams_meet_only_in_the_shared_blocks() -> None:
    model = transformer()
    cut = patches(torch.rand(1, 2, 3, 16, 16), 4)
    other = cut.clone()
    other[:, 1] += 1

    def early(tokens: Tensor) -> Tensor:
        found: Tensor = model.streams[0](tokens[:, 0], None, None)
        return found

    assert torch.equal(early(cut), early(other))
    assert not torch.allclose(model.encoded(cut, None)[:, 0], model.encoded(other, None)[:, 0])


def test_a_hidden_patch_is_not_seen() -> None:
    model = transformer(reconstruction=True)
    cut = patches(torch.rand(3, 2, 3, 16, 16), 4)
    hidden = torch.zeros(3, 2, 16, dtype=torch.bool)
    hidden[:, 1, 3:9] = True
    other = cut.clone()
    other[:, 1, 3:9] += 5
    guess = model.reconstructed(cut, hidden)
    assert guess.shape == cut.shape
    torch.testing.assert_close(model.reconstructed(other, hidden), guess, rtol=0, atol=0)
    other[:, 0, 0] += 1
    assert not torch.allclose(model.reconstructed(other, hidden), guess)
    with pytest.raises(StudyError, match=r"set model\.reconstruction = true"):
        transformer().reconstructed(cut, hidden)


def test_the_head_for_patches_is_counted_and_leaves_no_name_where_it_is_not() -> None:
    raw: dict[str, Any] = {"name": "two_stream_transformer", "width": 8, "reconstruction": True}
    spec = ModelSpec(**raw)
    assert spec.parameters((2, 3, 16, 16), 5) == count(built(raw))
    assert "reconstruction" not in ModelSpec(name="two_stream_transformer").identity()
    assert spec.identity()["reconstruction"] is True


def test_more_than_two_sources_are_more_streams() -> None:
    raw: dict[str, Any] = {"name": "two_stream_transformer", "width": 4}
    model = built(raw, (4, 1, 8, 8))
    assert len(model.streams) == 4  # type: ignore[arg-type]
    assert ModelSpec(**raw).parameters((4, 1, 8, 8), 5) == count(model)


@pytest.mark.parametrize(
    ("raw", "shape", "text"),
    [
        ({"name": "split_resnet18"}, (3, 32, 32), "takes two images .* received examples of shape \\(3, 32, 32\\)"),
        ({"name": "split_resnet18"}, (2, 3, 7, 32), "sides of at least 8"),
        ({"name": "two_tower", "blocks": 5}, (2, 3, 16, 16), "sides of at least 32"),
        ({"name": "two_stream_transformer", "patch": 5}, (2, 3, 16, 16), "multiples of patch, 5"),
        ({"name": "two_stream_transformer"}, (1, 3, 16, 16), "2 or more images"),
    ],
)
def test_examples_that_do_not_fit(raw: dict[str, Any], shape: tuple[int, ...], text: str) -> None:
    spec = ModelSpec(**raw)
    for ask in (lambda: spec.build(shape, 10), lambda: spec.parameters(shape, 10), lambda: spec.check(shape)):
        with pytest.raises(StudyError, match=text):
            ask()


def test_heads_must_divide_the_width() -> None:
    with pytest.raises(ValueError, match="received 10; must be a multiple of attention_heads, which is 3"):
        ModelSpec(name="two_stream_transformer", width=10, attention_heads=3)
