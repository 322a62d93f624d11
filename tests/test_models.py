"""Models: parameter counts, shapes, names, initialisation, and what a person reads when one does not fit."""

import subprocess
import sys

import pytest
import torch
from torch import nn

from critlab.errors import StudyError
from critlab.models import MODELS, ModelSpec
from critlab.models.all_cnn import blocks
from critlab.spec import Spec


class Study(Spec):
    model: ModelSpec


def own_model(example_shape, classes, width, *, bias=True):
    return nn.Sequential(
        nn.Flatten(), nn.Linear(torch.Size(example_shape).numel(), width, bias), nn.Linear(width, classes)
    )


def free_model(example_shape, classes, **options):
    return nn.Linear(example_shape[0], classes * options["times"])


def not_a_module(example_shape, classes):
    return "a network"


def count(model):
    return sum(p.numel() for p in model.parameters() if p.requires_grad)


SPECS = [
    {"name": "all_cnn", "width": 3},
    {"name": "all_cnn", "width": 4, "batch_norm": False},
    {"name": "mlp", "hidden": [7, 5]},
    {"name": "mlp", "hidden": [6], "batch_norm": False},
    {"name": "mlp", "hidden": []},
]


@pytest.mark.parametrize("raw", SPECS, ids=str)
@pytest.mark.parametrize("shape", [(1, 14, 14), (3, 15, 21), (2, 28, 28), (3, 40, 33)])
@pytest.mark.parametrize("classes", [2, 10])
def test_closed_form_counts_and_logits(raw, shape, classes):
    spec = ModelSpec(**raw)
    torch.manual_seed(0)
    model = spec.build(shape, classes)
    assert spec.parameters(shape, classes) == count(model)
    logits = model(torch.rand(3, *shape))
    assert logits.shape == (3, classes)
    assert not torch.equal(logits[0], logits[1])
    logits.sum().backward()
    assert all(p.grad is not None for p in model.parameters())


def test_the_papers_sizes():
    plan = blocks(3, 10, 96)
    assert [b.outputs for b in plan] == [96, 96, 192, 192, 192, 192, 192, 192, 10]
    assert [b.kernel for b in plan] == [3] * 7 + [1] * 2
    assert [number for number, b in enumerate(plan, 1) if b.stride == 2] == [3, 6]
    convolutions = 9 * (3 * 96 + 96 * 96 + 96 * 192 + 4 * 192 * 192) + 192 * 192 + 192 * 10
    norms = 2 * (2 * 96 + 6 * 192 + 10)
    assert ModelSpec(name="all_cnn").parameters((3, 32, 32), 10) == convolutions + norms == 1_620_020
    assert ModelSpec(name="mlp").hidden == (2500, 2000, 1500, 1000, 500)


def test_names_are_readable_and_stable():
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


def test_bias_only_where_no_batch_norm_follows():
    model = ModelSpec(name="all_cnn", width=2, batch_norm=False).build((1, 14, 14), 3)
    assert all(m.bias is not None for m in model.modules() if isinstance(m, nn.Conv2d))
    assert not any(isinstance(m, nn.BatchNorm2d) for m in model.modules())
    kinds = [type(m) for m in model.block9]
    assert kinds == [nn.Conv2d]  # a ReLU there could leave a class without gradient for good


@pytest.mark.parametrize("name", list(MODELS))
def test_the_global_generator_decides_the_weights(name):
    def weights(seed):
        torch.manual_seed(seed)
        small = {"width": 2} if name == "all_cnn" else {"hidden": [5]}
        return ModelSpec(name=name, **small).build((1, 14, 14), 3).state_dict()

    first, same, other = weights(0), weights(0), weights(1)
    assert all(torch.equal(first[k], same[k]) for k in first)
    assert not all(torch.equal(first[k], other[k]) for k in first)


@pytest.mark.parametrize("shape", [(3, 13, 20), (784,), (2, 3, 32, 32)])
def test_all_cnn_refuses_small_images_and_other_things(shape):
    spec = ModelSpec(name="all_cnn")
    for ask in (lambda: spec.build(shape, 10), lambda: spec.parameters(shape, 10), lambda: spec.check(shape)):
        with pytest.raises(StudyError, match="at least 14"):
            ask()


def test_a_specification_is_a_flat_frozen_value():
    spec = ModelSpec(name="all_cnn", width=24)
    assert spec.model_dump() == {"name": "all_cnn", "width": 24, "batch_norm": True}
    assert spec.width == 24
    assert spec == Study.read({"model": {"name": "all_cnn", "width": 24}}, "study").model
    assert ModelSpec(name="all_cnn") == ModelSpec(name="all_cnn", width=96) != spec
    assert spec.identity() == {"name": "all_cnn", "version": 1, "width": 24, "batch_norm": True}
    with pytest.raises(ValueError, match="frozen"):
        spec.width = 3
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
def test_errors_name_the_field(raw, text):
    with pytest.raises(StudyError) as caught:
        Study.read({"model": raw}, "study.toml")
    assert text in str(caught.value)


def test_a_users_function():
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
def test_a_users_function_that_does_not_fit(name, options, text):
    with pytest.raises(StudyError, match=f"(?s){text}"):
        ModelSpec(name=f"{__name__}:{name}", **options).build((1, 4, 4), 3)


def test_specifications_need_no_torch():
    code = (
        "import sys; from critlab.models import ModelSpec;"
        "s = ModelSpec(name='all_cnn', width=24); s.parameters((3, 32, 32), 10); s.identity();"
        "ModelSpec(name='mlp').parameters((784,), 10);"
        "assert 'torch' not in sys.modules and 'scipy' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
