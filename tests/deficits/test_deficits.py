"""Deficits: each does what its docstring says, and all keep the contract of a deficit."""

import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from critlab._core.errors import StudyError
from critlab._core.problems import Problems
from critlab.deficits import (
    DEFICITS,
    BatchContext,
    Blur,
    DataSubset,
    Deficit,
    LabelPermutation,
    RandomLabels,
    VerticalFlip,
    WhiteNoise,
    describe,
    kept_mask,
    plain,
    read_deficit,
)
from critlab.deficits.data_subset import random_balanced
from critlab.deficits.images.blur import blur
from critlab.deficits.labels.label_permutation import class_permutation
from pictures import photograph
from smallest import deficits_of, smallest_deficit

SHAPES = [(3, 16, 16), (1, 9, 12), (2, 3, 8, 8), (12, 10), (24,)]
"""Colour, grey, two views, no channel axis, no image."""
NAMES = [name for name in DEFICITS if not DEFICITS[name].between_sources]


class Darken(Deficit):
    """A user's own deficit."""

    amount: float

    def apply(self, images: Any, labels: Any, draws: Any) -> Any:
        return images * (1 - self.amount), labels


class NotADeficit:
    def apply(self, images: Any, labels: Any, draws: Any) -> Any:
        return images, labels


def draws(
    seed: int = 0,
    epoch: int = 3,
    position: Any = 2,
    batch: Any = 6,
    examples: Any = 50,
    classes: int = 10,
    indices: Any = None,
) -> Any:
    indices = torch.arange(batch) * 7 if indices is None else indices
    return BatchContext(seed, epoch, position, indices, examples, classes)


def batch(
    shape: tuple[int, ...] = (3, 16, 16),
    size: int = 6,
    heads: int | None = None,
    dtype: Any = torch.float32,
) -> Any:
    g = torch.Generator().manual_seed(1)
    labels = torch.randint(10, (size,) if heads is None else (size, heads), generator=g)
    labels[1] = -1
    return torch.rand(size, *shape, generator=g, dtype=torch.float64).to(dtype), labels


def by_pillow(picture: Any, factor: Any) -> Any:
    height, width = picture.shape[:2]
    small = (max(1, width // factor), max(1, height // factor))
    bilinear = Image.Resampling.BILINEAR
    return np.asarray(Image.fromarray(picture).resize(small, bilinear).resize((width, height), bilinear))


@pytest.mark.parametrize("size", [(32, 32), (28, 28), (33, 47), (96, 64)])
@pytest.mark.parametrize("factor", [2, 3, 4, 7, 8, 28])
def test_blur_is_pillows_resize_down_and_up(size: tuple[int, int], factor: int) -> None:
    for seed in range(3):
        picture = photograph(*size, seed)
        image = torch.from_numpy(picture).permute(2, 0, 1).float() / 255
        ours = blur(image, factor).permute(1, 2, 0).numpy() * 255
        assert np.abs(ours - by_pillow(picture, factor)).max() <= 2
        assert np.abs(ours - picture).max() > 10  # it blurs at all


@settings(max_examples=40, deadline=None)
@given(
    height=st.integers(2, 20),
    width=st.integers(2, 20),
    factor=st.integers(2, 20),
    a=st.floats(-2, 2),
    seed=st.integers(0, 2**31),
)
def test_blur_is_linear_pure_and_keeps_the_range(height: int, width: int, factor: Any, a: Any, seed: int) -> None:
    g = torch.Generator().manual_seed(seed)
    x, y = torch.rand(2, 2, 3, height, width, generator=g, dtype=torch.float64)
    before = x.clone()
    torch.testing.assert_close(blur(a * x + y, factor), a * blur(x, factor) + blur(y, factor))
    assert torch.equal(x, before)
    assert blur(x, factor).min() >= x.min() - 1e-12
    assert blur(x, factor).max() <= x.max() + 1e-12
    torch.testing.assert_close(blur(torch.ones_like(x), factor), torch.ones_like(x))


def test_blur_by_the_whole_side_leaves_one_colour_and_works_after_inference_mode() -> None:
    with torch.inference_mode():
        blur(torch.rand(1, 11, 11), 11)
    x = torch.rand(2, 3, 11, 11, requires_grad=True)
    blurred = blur(x, 11)
    blurred.sum().backward()
    torch.testing.assert_close(blurred, blurred.mean((-2, -1), keepdim=True).expand_as(blurred))


def test_blur_takes_extra_axes_and_checks_the_side() -> None:
    x = torch.rand(4, 2, 3, 16, 16)
    torch.testing.assert_close(blur(x, 4)[:, 1], blur(x[:, 1], 4))
    Blur(factor=16).check((3, 16, 20))
    with pytest.raises(StudyError, match=r"deficit\.factor: received 17.*2 to.*16"):
        Blur(factor=17).check((3, 16, 20))
    with pytest.raises(StudyError, match="images"):
        Blur(factor=2).check((16,))
    with pytest.raises(StudyError, match="images"):
        VerticalFlip().check((16,))


def test_vertical_flip_turns_upside_down_and_back() -> None:
    images, labels = batch()
    flipped, same = VerticalFlip().apply(images, labels, draws())
    assert torch.equal(flipped[:, :, 0], images[:, :, -1])
    assert not torch.equal(flipped, images)
    assert torch.equal(VerticalFlip().apply(flipped, labels, draws())[0], images)
    assert torch.equal(same, labels)


def test_label_permutation_is_one_permutation_per_run() -> None:
    everything = torch.arange(10)

    def renamed(seed: int, epoch: int, position: Any) -> Any:
        return LabelPermutation().apply(torch.rand(10, 1), everything, draws(seed, epoch, position))[1]

    first = renamed(0, 0, 0)
    assert sorted(first.tolist()) == list(range(10))
    assert torch.equal(first, renamed(0, 9, 4))
    assert len({tuple(renamed(seed, 0, 0).tolist()) for seed in range(20)}) == 20


@given(seed=st.integers(0, 2**63 - 1), classes=st.integers(2, 5))
@settings(max_examples=60, deadline=None)
def test_label_permutation_is_never_the_identity(seed: int, classes: int) -> None:
    permutation = class_permutation(classes, torch.Generator().manual_seed(seed))
    assert sorted(permutation.tolist()) == list(range(classes))
    assert permutation.tolist() != list(range(classes))


def test_label_permutation_needs_two_classes() -> None:
    with pytest.raises(StudyError, match="at least 2 classes"):
        LabelPermutation().apply(*batch(), draws(classes=1))  # type: ignore[call-arg]


def test_random_labels_belong_to_the_image_for_the_whole_run() -> None:
    labels = torch.zeros(500, dtype=torch.int64)
    order = torch.randperm(500, generator=torch.Generator().manual_seed(2))

    def drawn(seed: int, epoch: int, indices: Any) -> Any:
        d = draws(seed, epoch, 0, indices=indices, examples=500)
        return RandomLabels().apply(torch.rand(500, 1), labels, d)[1]

    first = drawn(0, 0, torch.arange(500))
    assert torch.equal(drawn(0, 7, order), first[order])
    assert not torch.equal(drawn(1, 0, torch.arange(500)), first)
    counts = first.bincount(minlength=10)
    assert len(counts) == 10
    assert counts.min() > 20  # uniform: 50 expected, standard deviation 6.7


def test_random_labels_of_heads_are_drawn_apart() -> None:
    labels = torch.zeros(50, 2, dtype=torch.int64)
    drawn = RandomLabels().apply(torch.rand(50, 1), labels, draws(indices=torch.arange(50)))[1]
    assert not torch.equal(drawn[:, 0], drawn[:, 1])


def selected(deficit: Any, labels: Any, seed: int = 0, epoch: int = 0) -> Any:
    indices = torch.arange(len(labels))
    return deficit.select(labels, draws(seed, epoch, 0, indices=indices, examples=len(labels)))


def test_a_data_subset_is_the_same_images_all_run_long() -> None:
    labels = torch.arange(500) % 10
    first = selected(DataSubset(fraction=0.2), labels)
    assert len(first) == len(first.unique()) == 100
    assert torch.equal(first, first.sort().values)
    assert labels[first].bincount().tolist() == [10] * 10
    assert torch.equal(first, selected(DataSubset(fraction=0.2), labels, epoch=7))
    assert torch.equal(first, selected(DataSubset(count=100), labels))
    assert not torch.equal(first, selected(DataSubset(count=100), labels, seed=1))
    both = torch.stack([labels, torch.zeros_like(labels)], 1)
    assert torch.equal(first, selected(DataSubset(count=100), both))
    with pytest.raises(StudyError, match=r"deficit\.count: received 501; must be at most 500"):
        selected(DataSubset(count=501), labels)
    assert len(selected(DataSubset(fraction=1e-6), labels)) == 1


@settings(max_examples=60)
@given(labels=st.lists(st.integers(-1, 4), min_size=1, max_size=60), share=st.floats(0, 1), seed=st.integers(0, 2**31))
def test_random_subsets_are_as_even_as_the_labels_allow(labels: Any, share: float, seed: int) -> None:
    count = round(share * len(labels))
    chosen = random_balanced(torch.tensor(labels), count, torch.Generator().manual_seed(seed))
    assert chosen.tolist() == sorted(set(chosen.tolist()))
    assert len(chosen) == count
    taken = Counter(labels[place] for place in chosen.tolist())
    most = max(taken.values(), default=0)
    for label, there in Counter(labels).items():
        assert taken[label] >= min(there, most - 1)


def test_every_image_may_be_in_a_subset() -> None:
    labels = torch.arange(40) % 4
    counts = sum(selected(DataSubset(count=10), labels, seed).bincount(minlength=40) for seed in range(400))
    # each is in a quarter of the subsets: 100 expected, standard deviation 8.7
    assert counts.min() > 60
    assert counts.max() < 140


def test_noise_is_white_and_new_each_step() -> None:
    images, labels = batch((3, 32, 32))
    first, same = WhiteNoise().apply(images, labels, draws(position=0))
    second, _ = WhiteNoise().apply(images, labels, draws(position=1))
    later, _ = WhiteNoise().apply(images, labels, draws(epoch=4, position=0))
    assert torch.equal(same, labels)
    assert not torch.equal(first, second)
    assert not torch.equal(first, later)
    assert abs(first.mean() - 0.5) < 0.01
    assert abs(first.std() - 12**-0.5) < 0.01
    assert abs((first[..., 1:] * first[..., :-1]).mean() - 0.25) < 0.01


def test_noise_does_not_depend_on_the_layout() -> None:
    images, labels = batch()
    last = images.contiguous(memory_format=torch.channels_last)
    noise = WhiteNoise().apply(last, labels, draws())[0]
    assert torch.equal(noise, WhiteNoise().apply(images, labels, draws())[0])
    assert noise.is_contiguous(memory_format=torch.channels_last)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("heads", [None, 2])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_every_deficit_keeps_the_contract(name: str, heads: int | None, dtype: Any) -> None:
    deficit = read_deficit(smallest_deficit(name))
    shapes = [shape for shape in SHAPES if name in deficits_of(shape)]
    assert shapes, f"{name} takes none of {SHAPES}: add a shape that it takes"
    for shape in shapes:
        keeps_the_contract(deficit, *batch(shape, heads=heads, dtype=dtype))


def keeps_the_contract(deficit: Any, images: Any, labels: Any) -> None:
    before = images.clone(), labels.clone()
    state = torch.get_rng_state()
    new_images, new_labels = deficit.apply(images, labels, draws())
    assert (new_images.shape, new_images.dtype) == (images.shape, images.dtype)
    assert (new_labels.shape, new_labels.dtype) == (labels.shape, labels.dtype)
    assert new_images.min() >= 0
    assert new_images.max() <= 1
    assert torch.equal(images, before[0])
    assert torch.equal(labels, before[1])
    everything = draws(indices=torch.arange(len(labels)), examples=len(labels))
    shown = kept_mask(deficit, labels, everything)
    if shown is None:
        assert not (torch.equal(new_images, images) and torch.equal(new_labels, labels))
    else:
        assert 0 < shown.sum() < len(labels)
        again = kept_mask(deficit, labels, everything)
        assert again is not None
        assert torch.equal(shown, again)
    assert torch.equal(new_labels == -1, labels == -1)
    assert new_labels.max() < 10
    again = deficit.apply(images, labels, draws())
    assert torch.equal(again[0], new_images)
    assert torch.equal(again[1], new_labels)
    assert torch.equal(torch.get_rng_state(), state)


@pytest.mark.parametrize("name", list(DEFICITS))
def test_every_deficit_is_read_back_and_frozen(name: str) -> None:
    deficit = read_deficit(smallest_deficit(name))
    assert type(deficit).name == name
    assert read_deficit(plain(deficit)) == deficit
    assert describe(deficit)["name"] == name
    assert describe(deficit)["version"] == DEFICITS[name].version == type(deficit).version
    assert DEFICITS[name].citation
    with pytest.raises(ValueError, match="frozen"):
        deficit.when = "before_augment"  # type: ignore[misc]


@pytest.mark.parametrize(
    ("raw", "where", "what"),
    [
        ({"name": "blurr", "factor": 4}, ("name",), "did you mean 'blur'"),
        ({"name": "blur"}, ("factor",), "missing"),
        ({"name": "blur", "factor": 1}, ("factor",), "received 1; must be greater than or equal to 2"),
        ({"name": "blur", "factor": 4.0}, ("factor",), "integer"),
        ({"name": "blur", "factr": 4, "factor": 4}, ("factr",), "did you mean 'factor'"),
        ({"name": "fog"}, ("severity",), "missing"),
        ({"name": "fog", "severity": 6}, ("severity",), "received 6; must be less than or equal to 5"),
        ({"name": "gausian_noise", "severity": 1}, ("name",), "did you mean 'gaussian_noise'"),
        ({"name": "data_subset"}, ("fraction",), "required, but missing; or give count"),
        ({"name": "data_subset", "fraction": 0.5, "count": 9}, ("count",), "received 9 together with fraction"),
        ({"name": "data_subset", "fraction": 1.0}, ("fraction",), "less than 1"),
        ({"name": "data_subset", "count": 1}, ("count",), "greater than or equal to 2"),
        ({"name": "noise", "when": "never"}, ("when",), "before_augment"),
        ({"factor": 4}, ("name",), "missing"),
        ({"name": 3}, ("name",), "string"),
        ({"name": f"{__name__}:NotADeficit"}, ("name",), "subclass of critlab.deficits.Deficit"),
        ({"name": "no_such_module:Thing"}, ("name",), "cannot be imported"),
    ],
)
def test_a_wrong_deficit_says_where_and_what(raw: dict[str, Any], where: Any, what: Any) -> None:
    with pytest.raises(Problems) as caught:
        read_deficit(raw)
    assert where in [place for place, _ in caught.value.problems]
    assert what in str(caught.value)


def test_a_users_own_class() -> None:
    deficit = read_deficit({"name": f"{__name__}:Darken", "amount": 0.5})
    assert deficit == Darken(amount=0.5)
    assert read_deficit(plain(deficit)) == deficit
    described = describe(deficit)
    assert described["name"] == f"{__name__}:Darken"
    assert described["amount"] == 0.5
    assert len(described["source"]) == 64
    assert "source" not in describe(Blur(factor=2))


def test_a_class_that_no_other_process_finds_is_refused() -> None:
    class Local(Deficit):
        pass

    with pytest.raises(StudyError, match="top level"):
        describe(Local())


@pytest.mark.slow
def test_reading_deficits_needs_no_torch() -> None:
    code = (
        "import sys; from critlab.deficits import DEFICITS, describe, read_deficit;"
        "list(DEFICITS.values());"
        "describe(read_deficit({'name': 'blur', 'factor': 4}));"
        "assert 'torch' not in sys.modules and 'scipy' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize("factor", [2, 4, 7, 14])
def test_blur_equals_pillow_on_real_images(factor: int) -> None:
    from critlab.data import load
    from critlab.data.spec import DataSpec

    images = load(DataSpec(name="sample", train=200, test=10)).train_images[:, 0]
    small = (images.shape[-1] // factor, images.shape[-2] // factor)
    ours = blur(torch.from_numpy(images).float() / 255, factor).numpy() * 255
    for image, result in zip(images, ours, strict=True):
        down = Image.fromarray(image).resize(small, Image.Resampling.BILINEAR)
        theirs = np.asarray(down.resize(image.shape[::-1], Image.Resampling.BILINEAR), dtype=np.float64)
        assert np.abs(result - theirs).max() <= 2


@given(side=st.integers(2, 40), other=st.integers(2, 40), one=st.integers(2, 40), two=st.integers(2, 40))
@settings(max_examples=200, deadline=None)
def test_blurs_of_one_effect_are_one_blur(side: int, other: int, one: int, two: int) -> None:
    smaller = min(side, other)
    first, second = Blur(factor=min(one, smaller)), Blur(factor=min(two, smaller))
    x = torch.rand(1, side, other, generator=torch.Generator().manual_seed(0))
    same = first.effect((1, side, other)) == second.effect((1, side, other))
    assert torch.equal(blur(x, first.factor), blur(x, second.factor)) == same
    assert Blur(factor=2).effect((8, 8)) != Blur(factor=2, classes=(1,)).effect((8, 8))
    assert Blur(factor=2).effect((8, 8)) == Blur(factor=2).effect((8, 8))


def test_a_blur_says_its_small_size_where_it_does_not_divide() -> None:
    assert Blur(factor=7).remark((1, 28, 28)) == ""
    assert (
        Blur(factor=10).remark((1, 28, 28)) == "by 10 scales 28 x 28 down to 2 x 2, as does every factor from 10 to 14"
    )
    assert Blur(factor=3).remark((3, 32, 32)) == "by 3 scales 32 x 32 down to 10 x 10"


def test_pixelations_of_one_effect_are_one() -> None:
    from critlab.deficits import Pixelate

    x = torch.rand(2, 1, 8, 8)
    for one in range(1, 6):
        for two in range(1, 6):
            first, second = Pixelate(severity=one), Pixelate(severity=two)
            same = torch.equal(first.corrupt(x, torch.Generator()), second.corrupt(x, torch.Generator()))
            assert (first.effect((1, 8, 8)) == second.effect((1, 8, 8))) == same
    assert Pixelate(severity=1).effect((8, 8)) == Pixelate(severity=2).effect((8, 8))


def test_the_small_size_of_a_blur_is_a_note_of_the_plan() -> None:
    from critlab.engine.planning.plan import plan
    from critlab.report.text.terminal import plan_text
    from critlab.store import Store
    from critlab.study.remarks import deficit_remarks
    from studies import small

    others = {"deficits": [{"name": "blur", "factor": 7}, {"name": "noise"}]}
    study = small(deficit={"name": "blur", "factor": 10}, controls=others)
    told = deficit_remarks(study, (1, 28, 28))
    assert told == ["deficit: blur by 10 scales 28 x 28 down to 2 x 2, as does every factor from 10 to 14"]
    shown = plan_text(plan(study, Store(Path("no such store")), workers=1))
    assert [line for line in shown.splitlines() if line.startswith("note: ")] == [f"note: {one}" for one in told]
    assert deficit_remarks(small(), (1, 28, 28)) == []


TWINS = [
    ({"name": "blur", "factor": 10}, [{"name": "noise"}, {"name": "blur", "factor": 14}], "deficit"),
    (
        {"name": "noise"},
        [{"name": "blur", "factor": 20}, {"name": "blur", "factor": 28}],
        "controls.deficits.0",
    ),
]


@pytest.mark.parametrize(("deficit", "controls", "twin"), TWINS)
def test_a_control_with_the_effect_of_another_deficit_is_refused_before_training(
    deficit: dict[str, object], controls: list[dict[str, object]], twin: str, tmp_path: Path
) -> None:
    import critlab
    from studies import small

    study = small(deficit=deficit, controls={"deficits": controls})
    expected = f"controls.deficits.1: received blur with the same effect as {twin} on 28 x 28 examples"
    for command in (critlab.plan, critlab.run):
        with pytest.raises(StudyError, match=expected):
            command(study, tmp_path / "store")


def test_a_control_of_another_strength_or_of_other_classes_is_no_twin() -> None:
    from critlab.study.checks import refuse_twins
    from studies import small

    for other in ({"factor": 9}, {"factor": 14, "classes": [1]}):
        controls = {"deficits": [{"name": "blur", **other}]}
        refuse_twins(small(deficit={"name": "blur", "factor": 10}, controls=controls), (1, 28, 28))
