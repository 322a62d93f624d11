"""Models: parameter counts, shapes, names, initialisation, and what a person reads when one does not fit."""

import subprocess
import sys
from itertools import pairwise
from typing import Any

import pytest
import torch
from torch import nn

from critlab._core.errors import StudyError
from critlab._core.spec import Spec
from critlab.data.spec import DataSpec
from critlab.models import MODELS, ModelSpec
from critlab.models.all_cnn import blocks
from critlab.models.blocks.residual_block import ResidualBlock
from critlab.models.resnet import BlockShape
from critlab.models.resnet import blocks as resnet_blocks
from smallest import smallest_model


class Study(Spec):
    model: ModelSpec


def own_model(example_shape: tuple[int, ...], classes: int, width: int, *, bias: Any = True) -> Any:
    return nn.Sequential(
        nn.Flatten(), nn.Linear(torch.Size(example_shape).numel(), width, bias), nn.Linear(width, classes)
    )


def free_model(example_shape: tuple[int, ...], classes: int, **options: Any) -> Any:
    return nn.Linear(example_shape[0], classes * options["times"])


def not_a_module(example_shape: tuple[int, ...], classes: int) -> Any:
    return "a network"


SHAPES = [(1, 14, 14), (2, 3, 16, 16), (16,)]
"""One image, two views of something, and a sequence."""


def accepted_shape(spec: Any) -> Any:
    """The first of the shapes that the model takes."""
    for shape in SHAPES:
        try:
            spec.check(shape)
        except StudyError:
            continue
        return shape
    raise AssertionError(f"{spec.name} takes none of {SHAPES}: add a shape that it takes")


def count(model: Any) -> Any:
    return sum(p.numel() for p in model.parameters() if p.requires_grad)


SPECS = [
    {"name": "all_cnn", "width": 3},
    {"name": "all_cnn", "width": 4, "batch_norm": False},
    {"name": "mlp", "hidden": [7, 5]},
    {"name": "mlp", "hidden": [6], "batch_norm": False},
    {"name": "mlp", "hidden": []},
    {"name": "mlp", "hidden": [6, 4], "activation": "tanh"},
    {"name": "mlp", "hidden": [6, 4], "batch_norm": False, "activation": "linear"},
    {"name": "mlp", "hidden": [6, 40], "dropout": 0.2},
    {"name": "resnet18", "width": 3},
    {"name": "depth_family", "blocks": 1, "width": 4},
    {"name": "depth_family", "blocks": 3, "width": 2},
    {"name": "depth_family", "blocks": 2, "width": 3, "batch_norm": False, "dropout": 0.2},
]


@pytest.mark.slow
@pytest.mark.parametrize("raw", SPECS, ids=str)
@pytest.mark.parametrize("shape", [(1, 14, 14), (3, 15, 21), (2, 28, 28), (3, 40, 33)])
@pytest.mark.parametrize("classes", [2, 10])
def test_closed_form_counts_and_logits(raw: dict[str, Any], shape: tuple[int, ...], classes: int) -> None:
    spec = ModelSpec(**raw)
    torch.manual_seed(0)
    model = spec.build(shape, classes)
    assert spec.parameters(shape, classes) == count(model)
    logits = model(torch.rand(3, *shape))
    assert logits.shape == (3, classes)
    assert not torch.equal(logits[0], logits[1])
    logits.sum().backward()
    assert all(p.grad is not None for p in model.parameters())


@pytest.mark.parametrize("name", list(MODELS))
def test_every_model_counts_its_parameters_and_gives_logits(name: str) -> None:
    spec = ModelSpec(**smallest_model(name))
    shape = accepted_shape(spec)
    torch.manual_seed(0)
    model = spec.build(shape, 5)
    assert spec.parameters(shape, 5) == count(model)
    tokens = "vocabulary" in MODELS[name].model_fields
    logits = model(torch.randint(15, (4, *shape)) if tokens else torch.rand(4, *shape))
    if name == "fully_convolutional":
        logits = logits.mean((2, 3))  # an answer at each pixel
    assert logits.shape[0] == 4
    assert logits.shape[-1] == 5
    assert logits.ndim in (2, 3)
    logits.square().sum().backward()
    assert all(p.grad is not None for p in model.parameters())
    assert MODELS[name].citation


def test_the_papers_sizes() -> None:
    plan = blocks(3, 10, 96)
    assert [b.outputs for b in plan] == [96, 96, 192, 192, 192, 192, 192, 192, 10]
    assert [b.kernel for b in plan] == [3] * 7 + [1] * 2
    assert [number for number, b in enumerate(plan, 1) if b.stride == 2] == [3, 6]
    convolutions = 9 * (3 * 96 + 96 * 96 + 96 * 192 + 4 * 192 * 192) + 192 * 192 + 192 * 10
    norms = 2 * (2 * 96 + 6 * 192 + 10)
    assert ModelSpec(name="all_cnn").parameters((3, 32, 32), 10) == convolutions + norms == 1_620_020
    assert ModelSpec(name="depth_family").model_dump()["width"] == 96
    assert ModelSpec(name="mlp").model_dump()["hidden"] == (2500, 2000, 1500, 1000, 500)
    # the widely published count of the ResNet-18 for 32 x 32 images
    assert ModelSpec(name="resnet18").parameters((3, 32, 32), 10) == 11_173_962


def test_the_papers_network_for_padded_mnist() -> None:
    spec, shape = ModelSpec(name="mlp"), DataSpec(name="mnist", pad=2).shape()
    assert shape == (1, 32, 32)
    widths = [1024, 2500, 2000, 1500, 1000, 500]
    expected = sum(after * (before + 2) for before, after in pairwise(widths)) + 10 * 501
    assert spec.parameters(shape, 10) == expected


@pytest.mark.parametrize("n", [1, 2, 3])
def test_the_depth_family_is_the_papers_list(n: int) -> None:
    model = ModelSpec(name="depth_family", blocks=n, width=12).build((3, 32, 32), 10)
    convolutions = [m for m in model.modules() if isinstance(m, nn.Conv2d)]
    widths = [12 * 2**i for i in range(n)]
    inner = [shape for w in widths for shape in ((w, w, 3, 1), (w, 2 * w, 3, 2))]
    last = 12 * 2**n
    assert [(c.in_channels, c.out_channels, c.kernel_size[0], c.stride[0]) for c in convolutions] == [
        (3, 12, 3, 1),
        *inner,
        (last, last, 3, 1),
        (last, last, 1, 1),
        (last, 10, 1, 1),
    ]
    assert len([m for m in model.modules() if isinstance(m, nn.BatchNorm2d)]) == len(convolutions) - 1
    assert convolutions[-1].bias is not None
    assert all(c.bias is None for c in convolutions[:-1])


def test_a_residual_block_adds_its_input() -> None:
    block: Any = ResidualBlock(BlockShape(4, 4, 1)).eval()
    with torch.no_grad():
        block.second.norm.weight.zero_()
    images = torch.rand(2, 4, 6, 6)
    assert torch.equal(block(images), images)  # the branch gives nothing, and the input was positive
    with torch.no_grad():
        block.second.norm.bias.fill_(-2)
    assert torch.equal(block(images), torch.zeros_like(images))  # the ReLU comes after the sum
    narrower = ResidualBlock(BlockShape(4, 6, 2)).eval()
    assert narrower(images).shape == (2, 6, 3, 3)
    assert [name for name, _ in narrower.named_parameters() if "shortcut" in name] == [
        "shortcut.conv.weight",
        "shortcut.norm.weight",
        "shortcut.norm.bias",
    ]


def test_resnet18_halves_three_times_and_in_the_first_block_of_a_stage() -> None:
    strides = {name: shape.stride for name, shape in resnet_blocks(5).items() if shape.stride != 1}
    assert strides == {"stage2block1": 2, "stage3block1": 2, "stage4block1": 2}
    assert [shape.outputs for shape in resnet_blocks(5).values()] == [5, 5, 10, 10, 20, 20, 40, 40]
    first = next(iter(resnet_blocks(5).values()))
    assert first.shortcut is None


def test_a_linear_network_is_linear() -> None:
    model = ModelSpec(name="mlp", hidden=[7, 6], batch_norm=False, activation="linear").build((5,), 3).double()
    x, y = torch.rand(2, 1, 5, dtype=torch.float64)
    torch.testing.assert_close(model((x + y) / 2), (model(x) + model(y)) / 2)
    curved = ModelSpec(name="mlp", hidden=[7, 6], batch_norm=False, activation="tanh").build((5,), 3).double()
    assert not torch.allclose(curved((x + y) / 2), (curved(x) + curved(y)) / 2)


@pytest.mark.parametrize("raw", [{"name": "mlp", "hidden": [8, 8]}, {"name": "depth_family", "blocks": 2, "width": 2}])
def test_dropout_after_each_layer_or_block_and_in_training_only(raw: dict[str, Any]) -> None:
    model = ModelSpec(**raw, dropout=0.5).build((1, 8, 8), 3)
    assert len([m for m in model.modules() if isinstance(m, nn.Dropout)]) == 2
    images = torch.rand(4, 1, 8, 8)
    assert not torch.equal(model.train()(images), model(images))
    assert torch.equal(model.eval()(images), model(images))
    assert not any(isinstance(m, nn.Dropout) for m in ModelSpec(**raw).build((1, 8, 8), 3).modules())


def test_neutral_options_rename_nothing() -> None:
    assert not {"activation", "dropout"} & set(ModelSpec(name="mlp").identity())
    assert "dropout" not in ModelSpec(name="depth_family").identity()
    assert ModelSpec(name="mlp", dropout=0.5).identity()["dropout"] == 0.5
    assert ModelSpec(name="mlp", activation="tanh").identity()["activation"] == "tanh"


def test_names_are_readable_and_stable() -> None:
    names = [name for name, _ in ModelSpec(name="all_cnn", width=2).build((1, 14, 14), 3).named_parameters()]
    per_block = ("conv.weight", "norm.weight", "norm.bias")
    assert names == [f"block{n}.{part}" for n in range(1, 10) for part in per_block]
    names = [name for name, _ in ModelSpec(name="mlp", hidden=[4]).build((1, 2, 2), 3).named_parameters()]
    assert names == [
        "layer1.linear.weight",
        "layer1.norm.weight",
        "layer1.norm.bias",
        "output.weight",
        "output.bias",
    ]


def test_bias_only_where_no_batch_norm_follows() -> None:
    model = ModelSpec(name="all_cnn", width=2, batch_norm=False).build((1, 14, 14), 3)
    assert all(m.bias is not None for m in model.modules() if isinstance(m, nn.Conv2d))
    assert not any(isinstance(m, nn.BatchNorm2d) for m in model.modules())
    kinds = [type(m) for m in model.get_submodule("block9").children()]
    assert kinds == [nn.Conv2d]  # a ReLU there could leave a class without gradient for good


@pytest.mark.parametrize("name", list(MODELS))
def test_the_global_generator_decides_the_weights(name: str) -> None:
    def weights(seed: int) -> Any:
        torch.manual_seed(seed)
        spec = ModelSpec(**smallest_model(name))
        return spec.build(accepted_shape(spec), 3).state_dict()

    first, same, other = weights(0), weights(0), weights(1)
    assert all(torch.equal(first[k], same[k]) for k in first)
    assert not all(torch.equal(first[k], other[k]) for k in first)


@pytest.mark.parametrize(
    ("raw", "smallest"),
    [
        ({"name": "all_cnn"}, 14),
        ({"name": "resnet18"}, 8),
        ({"name": "depth_family", "blocks": 1}, 2),
        ({"name": "depth_family", "blocks": 4}, 16),
    ],
)
def test_convolutional_networks_refuse_small_images_and_other_things(raw: dict[str, Any], smallest: Any) -> None:
    spec = ModelSpec(**raw)
    spec.check((3, smallest, smallest + 3))
    for shape in [(3, smallest - 1, 40), (784,), (2, 3, 32, 32)]:
        for ask in (lambda s=shape: spec.build(s, 10), lambda s=shape: spec.parameters(s, 10)):
            with pytest.raises(StudyError, match=f"{raw['name']}.*at least {smallest}"):
                ask()
        with pytest.raises(StudyError, match="pad the images"):
            spec.check(shape)


def test_a_specification_is_a_flat_frozen_value() -> None:
    spec = ModelSpec(name="all_cnn", width=24)
    assert spec.model_dump() == {"name": "all_cnn", "width": 24, "batch_norm": True}
    assert getattr(spec, "width") == 24  # noqa: B009 - an option is an extra field
    assert spec == Study.read({"model": {"name": "all_cnn", "width": 24}}, "study").model
    assert ModelSpec(name="all_cnn") == ModelSpec(name="all_cnn", width=96) != spec
    assert spec.identity() == {"name": "all_cnn", "version": 1, "width": 24, "batch_norm": True}
    with pytest.raises(ValueError, match="frozen"):
        setattr(spec, "width", 3)  # noqa: B010 - an option is an extra field
    mlp = ModelSpec(name="mlp", hidden=[3, 2])
    assert Study.model_validate_json(Study(model=mlp).model_dump_json()).model == mlp
    assert mlp == ModelSpec(name="mlp", hidden=(3, 2))


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        ({"name": "al_cnn"}, "model.name: unknown model, received 'al_cnn'; did you mean 'all_cnn'"),
        ({"name": "all_cnn", "width": 0}, "model.width: received 0; must be greater than or equal to 1"),
        ({"name": "all_cnn", "wdth": 9}, "model.wdth: unknown key, received 9; did you mean 'width'"),
        ({"name": "mlp", "hidden": [10, 0]}, "model.hidden.1: received 0"),
        ({"name": "mlp", "hidden": [1.5]}, "model.hidden.0: received 1.5"),
        ({"width": 3}, "model.name: required, but missing"),
        ({"name": 3}, "model.name: received 3"),
        ({"name": "a.b:c", "x": float("nan")}, "model.x: received nan; must be a JSON value"),
    ],
)
def test_errors_name_the_field(raw: dict[str, Any], text: str) -> None:
    with pytest.raises(StudyError) as caught:
        Study.read({"model": raw}, "study.toml")
    assert text in str(caught.value)


def test_a_users_function() -> None:
    spec = ModelSpec(name=f"{__name__}:own_model", width=5)
    assert spec.parameters((1, 4, 4), 3) is None
    assert spec.build((1, 4, 4), 3)(torch.rand(2, 1, 4, 4)).shape == (2, 3)
    assert spec.identity()["width"] == 5
    assert len(spec.identity()["source"]) == 64
    assert spec.identity()["source"] != ModelSpec(name=f"{__name__}:free_model").identity()["source"]
    assert spec == ModelSpec(**spec.model_dump())
    assert ModelSpec(name=f"{__name__}:free_model", times=2).build((4,), 3).out_features == 6


@pytest.mark.parametrize(
    ("name", "options", "text"),
    [
        ("own_model", {"widht": 5}, "unknown option.*did you mean 'width'.*allowed: width, bias"),
        ("own_model", {}, r"model: width: required by .*own_model.*missing \(allowed: width, bias\)"),
        ("own_model", {"width": 2, "classes": 3}, "classes: unknown option"),
        ("not_a_module", {}, "returned str; must return a torch.nn.Module"),
        ("nothing", {}, "has no 'nothing'"),
        ("SPECS", {}, "must be a function"),
        ("count", {}, "example_shape, classes"),
    ],
)
def test_a_users_function_that_does_not_fit(name: str, options: Any, text: str) -> None:
    with pytest.raises(StudyError, match=f"(?s){text}"):
        ModelSpec(name=f"{__name__}:{name}", **options).build((1, 4, 4), 3)


@pytest.mark.slow
def test_specifications_need_no_torch() -> None:
    code = (
        "import sys; from critlab.models import ModelSpec;"
        "s = ModelSpec(name='all_cnn', width=24); s.parameters((3, 32, 32), 10); s.identity();"
        "ModelSpec(name='mlp').parameters((784,), 10);"
        "assert 'torch' not in sys.modules and 'scipy' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
