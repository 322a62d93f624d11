"""Every deficit on everything that a loader may hand over: the right value, or one clear line."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from torch import Tensor

from critlab._core.errors import StudyError
from critlab.deficits import DEFICITS, BatchContext, Deficit, FeatureDropout, WhiteNoise, apply_deficit, read_deficit
from critlab.hooks.deprivation import BatchDeficit, DataInfo
from smallest import deficits_of, smallest_deficit

CLASSES, EXAMPLES, BATCH = 5, 50, 6
SHAPES: list[tuple[int, ...]] = [(3, 16, 16), (2, 3, 16, 16), (12,)]
"""An image, two views, and a table or a sequence; every deficit takes one of them."""
MEAN, DEVIATION = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]


def shape_of(name: str) -> tuple[int, ...]:
    return next(shape for shape in SHAPES if name in deficits_of(shape))


def deficit_of(name: str) -> Deficit:
    return read_deficit(smallest_deficit(name) | ({"vocabulary": 256} if name == "token_bijection" else {}))


def batch(name: str) -> tuple[Tensor, Tensor]:
    """Levels of 8 bits, so that the same images exist as uint8, and labels of which one counts for nothing."""
    chance = torch.Generator().manual_seed(3)
    shape = shape_of(name)
    levels = torch.randint(256, (BATCH, *shape), generator=chance)
    heads = (3,) if name == "decorrelate" else ()
    labels = torch.randint(CLASSES, (BATCH, *heads), generator=chance)
    labels[1] = -1
    return levels.float() / 255, labels


def deprived(name: str, inputs: Any, labels: Any, **known: Any) -> tuple[Any, Any]:
    knowledge = DataInfo(EXAMPLES, CLASSES, **{"labels": torch.arange(EXAMPLES) % CLASSES} | known)
    return BatchDeficit(deficit_of(name), knowledge, seed=0, epoch=3)(inputs, labels, torch.arange(BATCH))


def wanted(name: str) -> tuple[Tensor, Tensor]:
    """What the deficit makes of the plain float batch, without anything in between."""
    images, labels = batch(name)
    draws = BatchContext(0, 3, 0, torch.arange(BATCH), EXAMPLES, CLASSES)
    return apply_deficit(deficit_of(name), images, labels, draws)


class Way(NamedTuple):
    """A form in which the same images come: how they are made, how the result is read, and its error."""

    given: Callable[[Tensor], Any]
    read: Callable[[Any], Tensor]
    error: float = 1e-5
    scale: tuple[Any, Any] | None = None


def same(found: Any) -> Tensor:
    assert isinstance(found, Tensor)
    return found.detach().float()


def per_channel(values: list[float], images: Tensor) -> Tensor:
    return torch.tensor(values).reshape(3, 1, 1) if images.ndim > 3 else torch.tensor(values[0])


def standardised(images: Tensor) -> Tensor:
    return (images - per_channel(MEAN, images)) / per_channel(DEVIATION, images)


def with_holes(images: Tensor) -> Tensor:
    wide = torch.zeros(*images.shape[:-1], 2 * images.shape[-1])
    wide[..., ::2] = images
    return wide[..., ::2]


def channels_last(images: Tensor) -> Tensor:
    return images.contiguous(memory_format=torch.channels_last) if images.ndim == 4 else images.mT.contiguous().mT


WAYS = {
    "float64": Way(lambda x: x.double(), same),
    "float16": Way(lambda x: x.half(), same, 2e-3),
    "bfloat16": Way(lambda x: x.bfloat16(), same, 2e-2),
    "uint8": Way(lambda x: (x * 255).round().byte(), lambda y: same(y) / 255, 0.51 / 255),
    "from -1 to 1": Way(lambda x: x * 2 - 1, lambda y: (same(y) + 1) / 2),
    "less 0.5": Way(lambda x: x - 0.5, lambda y: same(y) + 0.5),
    "to 255": Way(lambda x: x * 255, lambda y: same(y) / 255),
    "normalised, and it says how": Way(
        lambda x: x * 2 - 1, lambda y: (same(y) + 1) / 2, scale=(torch.tensor(0.5), np.float64(0.5))
    ),
    "holes": Way(with_holes, same),
    "channels last in memory": Way(channels_last, same),
    "numpy": Way(lambda x: x.numpy(), lambda y: torch.from_numpy(y)),
    "numpy, mirrored and back": Way(
        lambda x: np.flip(np.flip(x.numpy(), -1).copy(), -1), lambda y: torch.from_numpy(y)
    ),
    "numpy, of another processor": Way(lambda x: x.numpy().astype(">f4"), lambda y: torch.from_numpy(y.astype("f4"))),
    "numpy, uint8": Way(
        lambda x: (x * 255).round().byte().numpy(), lambda y: torch.from_numpy(y).float() / 255, 0.51 / 255
    ),
    "with gradient": Way(lambda x: x.clone().requires_grad_(), same),
    "a leaf's child": Way(lambda x: x.clone().requires_grad_() * 1, same),
    "int16": Way(lambda x: (x * 255).round().short(), lambda y: same(y) / 255),
    "uint16": Way(lambda x: (x * 255).round().to(torch.uint16), lambda y: same(y) / 255),
    "int32": Way(lambda x: (x * 255).round().int(), lambda y: same(y) / 255),
    "int64": Way(lambda x: (x * 255).round().long(), lambda y: same(y) / 255),
    "NaN": Way(lambda x: x.masked_fill(x == x.flatten()[7], float("nan")), same),
    "sparse": Way(lambda x: x.to_sparse(), same),
    "meta": Way(lambda x: x.to("meta"), same),
    "nested": Way(lambda x: torch.nested.nested_tensor(list(x)), same),
    "complex": Way(lambda x: x.to(torch.complex64), same),
    "bool": Way(lambda x: x > 0.5, same),
    "a list of tensors": Way(lambda x: list(x), same),
    "a list of images": Way(lambda x: [Image.new("RGB", (16, 16))] * BATCH, same),
    "a mapping": Way(lambda x: {"image": x}, same),
    "nothing": Way(lambda x: None, same),
}
NAMES = list(DEFICITS)


def one_line(name: str, error: StudyError) -> None:
    assert "\n" not in str(error)
    assert len(str(error)) < 400
    assert name in str(error) or "deficit" in str(error)


def refused_or_not(name: str, given: Any, labels: Any, **known: Any) -> tuple[Any, Any]:
    """The batch after the deficit; or the refusal, which is one line, in place of the inputs."""
    try:
        return deprived(name, given, labels, **known)
    except StudyError as error:
        one_line(name, error)
        return error, None


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:The PyTorch API of nested tensors")
@pytest.mark.parametrize("way", WAYS)
def test_inputs_of_every_form(way: str) -> None:
    for name in NAMES:
        right_or_refused(name, way)


def right_or_refused(name: str, way: str) -> None:
    images, labels = batch(name)
    form = WAYS[way]
    given = form.given(images)
    held = given["image"] if isinstance(given, dict) else given
    copy = held.clone() if isinstance(held, Tensor) and not held.is_meta else held
    found, named = said = refused_or_not(name, given, labels, normalised=form.scale)
    if isinstance(found, StudyError):
        assert way not in ("float64", "holes", "channels last in memory", "numpy", "with gradient"), said
        return
    kind = deficit_of(name).input_kind
    if name == "data_subset":
        assert given is None or 0 < len(found["image"] if isinstance(given, dict) else found) < BATCH
        return
    if kind == "unread":
        assert found is given, "inputs that nobody reads are given back as they are"
        return
    assert type(found) is type(given)
    if isinstance(given, dict):
        assert list(found) == list(given)
        found, given = found["image"], given["image"]
    assert found.dtype == given.dtype
    if isinstance(given, Tensor):
        assert torch.equal(given, copy) or way == "NaN", "what is given stays as it is"
        if given.ndim == 4 and way == "channels last in memory":
            assert found.is_contiguous(memory_format=torch.channels_last)
    assert torch.equal(named, wanted(name)[1])
    if kind == "any" and form.scale is None:  # values are moved or replaced on their own scale
        came = (
            torch.from_numpy(np.ascontiguousarray(given.astype(given.dtype.newbyteorder("="))))
            if isinstance(given, np.ndarray)
            else given.detach()
        )
        whole = came.long() if came.dtype == torch.uint16 else came
        moved = deficit_of(name).apply(whole, labels, drawn())[0]
        back = (
            torch.from_numpy(np.ascontiguousarray(found.astype(came.numpy().dtype)))
            if isinstance(found, np.ndarray)
            else found
        )
        torch.testing.assert_close(back.detach().to(moved.dtype), moved, rtol=0, atol=0, equal_nan=True)
        return
    off = (form.read(found) - right(name, form)).abs()
    if name == "shot_noise" and off.max() > form.error:  # means that are rounded elsewhere are drawn as other counts
        off = off.mean() / 3
    assert off.max() <= max(form.error, 0.02 * (name == "shot_noise")), (name, off.max())


def drawn(mean: Tensor | None = None) -> BatchContext:
    return BatchContext(0, 3, 0, torch.arange(BATCH), EXAMPLES, CLASSES, mean)


def right(name: str, form: Way) -> Tensor:
    """The deficit of the plain images; the mean colour is known where a scale is."""
    images, labels = batch(name)
    mean = None if form.scale is None else torch.full(images.shape[1:], 0.5)
    return apply_deficit(deficit_of(name), images, labels, drawn(mean))[0]


PICTURES = [name for name in NAMES if len(shape_of(name)) == 3 and deficit_of(name).input_kind != "unread"]


@pytest.mark.parametrize("name", PICTURES)
def test_images_normalised_by_channel_as_torchvision_does(name: str) -> None:
    images, labels = batch(name)
    found, _ = deprived(name, standardised(images), labels, normalised=(MEAN, DEVIATION))
    mean = torch.tensor(MEAN).reshape(3, 1, 1).expand(images.shape[1:])
    expected = apply_deficit(deficit_of(name), images, labels, drawn(mean))[0]
    off = (found - standardised(expected)).abs()
    assert (off.mean() < 0.15) if name == "shot_noise" else (off.max() < 2e-5)


@settings(max_examples=25, deadline=None)
@given(
    st.sampled_from([name for name in PICTURES if deficit_of(name).input_kind in ("equivariant", "any")]),
    st.lists(st.floats(0.05, 300), min_size=3, max_size=3),
    st.lists(st.floats(-3, 3), min_size=3, max_size=3),
)
def test_what_is_equivariant_commutes_with_scaling_and_shifting(name: str, a: list[float], b: list[float]) -> None:
    images, labels = batch(name)
    scale, shift = (torch.tensor(one, dtype=torch.float64).reshape(3, 1, 1) for one in (a, b))
    found, _ = deprived(name, images.double() * scale + shift, labels)
    plain = apply_deficit(deficit_of(name), images.double(), labels, drawn())[0]
    if deficit_of(name).input_kind == "any":
        assert name in ("vertical_flip", "swap_noise", "feature_dropout", "token_shuffle", "decorrelate")
    if name != "feature_dropout":
        torch.testing.assert_close(found, plain * scale + shift, rtol=1e-9, atol=1e-9)


def test_the_rest_of_the_deficits_name_normalised() -> None:
    told = {name: refused_or_not(name, standardised(batch(name)[0]), batch(name)[1])[0] for name in PICTURES}
    refused = [name for name, error in told.items() if isinstance(error, StudyError) and "normalised=" in str(error)]
    assert refused == [name for name in PICTURES if deficit_of(name).input_kind == "unit"]
    assert "noise" in refused
    with pytest.raises(StudyError, match=r"divide by 255, or give normalised=\(0, 1 / 255\)"):
        deprived("noise", batch("noise")[0] * 255, batch("noise")[1])


def soft(labels: Tensor) -> Tensor:
    return torch.full((len(labels), CLASSES), 1 / CLASSES)


class LabelWay(NamedTuple):
    """A form of the labels 0 to 4: how they are made, and how the result is read; None where it must be refused."""

    given: Callable[[Tensor], Any]
    read: Callable[[Any], Tensor] | None


def numbers(found: Any) -> Tensor:
    return torch.as_tensor(np.asarray(found)).long().reshape(-1)


LABELS = {
    **{
        str(kind): LabelWay(partial(torch.Tensor.to, dtype=kind), lambda z: z.long())
        for kind in (torch.int8, torch.int16, torch.int32, torch.int64, torch.uint8, torch.uint16)
    },
    "float": LabelWay(lambda y: y.float(), lambda z: z.long()),
    "float in a column": LabelWay(lambda y: y[:, None].float(), lambda z: z[:, 0].long()),
    "bfloat16": LabelWay(lambda y: y.bfloat16(), lambda z: z.long()),
    "a column": LabelWay(lambda y: y[:, None], lambda z: z[:, 0]),
    "a list": LabelWay(lambda y: y.tolist(), lambda z: torch.tensor(z)),
    "a tuple": LabelWay(lambda y: tuple(y.tolist()), lambda z: torch.tensor(z)),
    "numpy": LabelWay(lambda y: y.numpy().astype(np.int32), lambda z: torch.from_numpy(z).long()),
    "one-hot": LabelWay(lambda y: torch.nn.functional.one_hot(y, CLASSES).float(), lambda z: z.argmax(1)),
    "one-hot, float16": LabelWay(lambda y: torch.nn.functional.one_hot(y, CLASSES).half(), lambda z: z.argmax(1)),
    "one-hot, whole": LabelWay(lambda y: torch.nn.functional.one_hot(y, CLASSES), None),
    "soft": LabelWay(soft, None),
    "several an example": LabelWay(lambda y: (torch.arange(CLASSES) <= y[:, None]).long(), None),
    "a regression": LabelWay(lambda y: y + 0.5, None),
    "a regression of two": LabelWay(lambda y: torch.stack([y * 3.1, y * 2.0], 1), None),
    "NaN": LabelWay(lambda y: y.float().fill_(float("nan")), None),
    "a mask": LabelWay(lambda y: y[:, None, None].expand(-1, 4, 4), None),
    "boxes": LabelWay(lambda y: [{"boxes": torch.zeros(1, 4), "labels": one[None]} for one in y], None),
    "a mapping": LabelWay(lambda y: {"labels": y}, None),
    "words": LabelWay(lambda y: ["cat"] * len(y), None),
    "nothing": LabelWay(lambda y: None, None),
    "one too few": LabelWay(lambda y: y[:-1], None),
    "out of range": LabelWay(lambda y: y + CLASSES, None),
    "huge": LabelWay(lambda y: [10**30] * len(y), None),
    "one number": LabelWay(lambda y: y[0], None),
    "meta": LabelWay(lambda y: y.to("meta"), None),
    "sparse": LabelWay(lambda y: y.to_sparse(), None),
    "bool": LabelWay(lambda y: y > 1, None),
}
OF_LABELS = [name for name in NAMES if deficit_of(name).label_kind == "classes" and name != "decorrelate"]


@pytest.mark.parametrize("way", LABELS)
def test_labels_of_every_form(way: str) -> None:
    assert OF_LABELS == ["label_permutation", "random_labels", "label_noise"]
    images = torch.rand(BATCH, 3, 16, 16)
    labels = torch.arange(BATCH) % CLASSES
    form = LABELS[way]
    choosy = WhiteNoise(classes=(1, 3))
    for deficit in [*map(deficit_of, OF_LABELS), choosy]:
        knowledge = DataInfo(EXAMPLES, CLASSES)
        given = form.given(labels)

        def changed(given: Any, deficit: Deficit = deficit, knowledge: DataInfo = knowledge) -> tuple[Any, Any]:
            return BatchDeficit(deficit, knowledge, seed=0, epoch=0)(images, given, torch.arange(BATCH))

        if form.read is None:
            with pytest.raises(StudyError) as caught:
                changed(given)
            one_line(deficit.name, caught.value)
            continue
        found, named = changed(given)
        plain, expected = apply_deficit(
            deficit, images, labels, BatchContext(0, 0, 0, torch.arange(BATCH), EXAMPLES, CLASSES)
        )
        assert type(named) is type(given)
        if way != "a list" and way != "a tuple":
            assert named.dtype == given.dtype
            assert named.shape == given.shape
        assert torch.equal(form.read(named), expected), (way, deficit.name)
        assert torch.equal(found, plain)


@pytest.mark.slow
@pytest.mark.parametrize("way", LABELS)
def test_labels_that_nobody_reads_are_given_back(way: str) -> None:
    given = LABELS[way].given(torch.arange(BATCH) % CLASSES)
    for name in NAMES:
        deficit = deficit_of(name)
        if deficit.label_kind == "unread" and not hasattr(deficit, "select"):
            images = batch(name)[0]
            named = BatchDeficit(deficit, DataInfo(), seed=0, epoch=0)(images, given)[1]
            assert named is given, name


def test_negative_labels_of_any_size_count_for_nothing() -> None:
    labels = torch.tensor([0, 1, -100, 2, -1, -(2**40)])
    for name in OF_LABELS:
        named = deprived(name, None, labels)[1]
        assert torch.equal(named[labels < 0], labels[labels < 0])
        assert (named[labels >= 0] >= 0).all()


def test_new_labels_must_fit_their_type() -> None:
    knowledge = DataInfo(EXAMPLES, 1000)
    deprive = BatchDeficit(read_deficit({"name": "random_labels"}), knowledge, seed=0, epoch=0)
    with pytest.raises(StudyError, match="are uint8, which cannot hold every new number"):
        deprive(None, torch.zeros(BATCH, dtype=torch.uint8), torch.arange(BATCH))


@pytest.mark.parametrize(
    ("numbered", "said"),
    [
        (torch.arange(BATCH) + EXAMPLES, "received 55; must be places in the training set, from 0 to 49"),
        (torch.arange(BATCH) - 1, "received -1"),
        (torch.arange(BATCH).float(), "received float32"),
        (torch.arange(BATCH - 1), r"of shape \(5,\)"),
        (["a"] * BATCH, "received a list of 6 str"),
    ],
)
def test_numbers_that_are_no_places(numbered: Any, said: str) -> None:
    for name in (*OF_LABELS, "data_subset"):
        knowledge = DataInfo(EXAMPLES, CLASSES, labels=torch.arange(EXAMPLES) % CLASSES)
        deprive = BatchDeficit(deficit_of(name), knowledge, seed=0, epoch=0)
        with pytest.raises(StudyError, match=said):
            deprive(torch.zeros(BATCH, 1), torch.zeros(BATCH, dtype=torch.int64), numbered)
    listed = deprived("label_noise", None, [1] * BATCH)[1]
    assert isinstance(listed, list)


def test_what_is_not_known_is_named() -> None:
    labels = torch.zeros(BATCH, dtype=torch.int64)
    for name in OF_LABELS:
        with pytest.raises(StudyError, match="classes="):
            BatchDeficit(deficit_of(name), DataInfo(EXAMPLES), seed=0, epoch=0)(None, labels, torch.arange(BATCH))
        with pytest.raises(StudyError, match="labels="):
            BatchDeficit(deficit_of(name), DataInfo(EXAMPLES, 4), seed=0, epoch=0)(torch.rand(BATCH, 2), None)
        if name != "label_permutation":
            with pytest.raises(StudyError, match="examples="):
                BatchDeficit(deficit_of(name), DataInfo(0, 4), seed=0, epoch=0)(None, labels, torch.arange(BATCH))


@pytest.mark.parametrize("size", [0, 1, 2])
def test_empty_and_short_batches(size: int) -> None:
    for name in NAMES:
        images, labels = batch(name)
        knowledge = DataInfo(EXAMPLES, CLASSES, labels=torch.arange(EXAMPLES) % CLASSES)
        deprive = BatchDeficit(deficit_of(name), knowledge, seed=0, epoch=0)
        found, named = deprive(images[:size], labels[:size], torch.arange(size))
        assert found.shape[1:] == images.shape[1:]
        assert len(found) == len(named) == size or name == "data_subset"
        assert deprive.position == 1


def test_images_with_their_channels_last_are_refused_where_axes_count() -> None:
    images, labels = torch.rand(BATCH, 32, 32, 3), torch.zeros(BATCH, dtype=torch.int64)
    told = {name: refused_or_not(name, images, labels)[0] for name in PICTURES}
    refused = {name for name, error in told.items() if "channels last; move them" in str(error)}
    assert {"blur", "vertical_flip", "blank", "fog", "contrast", "pixelate"} <= refused
    assert not {"noise", "swap_noise", "feature_dropout"} & refused
    for shape in ((28, 28, 1), (2, 32, 32, 3), (64, 48, 4)):
        with pytest.raises(StudyError, match="channels last"):
            deficit_of("blur").check(shape)
    taken: list[Any] = [(3, 32, 32), (1, 28, 28), (3, 5, 4), (9, 128, 1), (2, 3, 8, 8), (12, 10), (512, 4, 4)]
    for other in taken:
        if min(other[-2:]) >= 2:
            deficit_of("blur").check(other)


def test_one_channel_scale_is_not_taken_for_columns() -> None:
    images, labels = torch.rand(BATCH, 3, 4, 3), torch.zeros(BATCH, dtype=torch.int64)
    given = (images - torch.tensor(MEAN).reshape(3, 1, 1)) / torch.tensor(DEVIATION).reshape(3, 1, 1)
    found, _ = BatchDeficit(WhiteNoise(), DataInfo(normalised=(MEAN, DEVIATION)), seed=0, epoch=0)(given, labels)
    raw = found * torch.tensor(DEVIATION).reshape(3, 1, 1) + torch.tensor(MEAN).reshape(3, 1, 1)
    assert raw.min() > -1e-5
    assert raw.max() < 1 + 1e-5
    for wrong, said in [(([0.5] * 5, 1.0), "does not fit"), ((0.5, 0.0), "above 0"), ((0.5,), "mean, deviation")]:
        with pytest.raises(StudyError, match=said):
            BatchDeficit(WhiteNoise(), DataInfo(normalised=wrong), seed=0, epoch=0)(given, labels)  # type: ignore[arg-type]
    with pytest.raises(StudyError, match="check mean and deviation"):
        BatchDeficit(WhiteNoise(), DataInfo(normalised=(0.5, 4.0)), seed=0, epoch=0)(given, labels)


def test_a_first_black_batch_fools_nobody() -> None:
    labels = torch.zeros(BATCH, dtype=torch.int64)
    deprive = BatchDeficit(WhiteNoise(), DataInfo(), seed=0, epoch=0)
    deprive(torch.zeros(BATCH, 1, 8, 8), labels)
    with pytest.raises(StudyError, match="divide by 255"):
        deprive(torch.rand(BATCH, 1, 8, 8) * 255, labels)


def test_values_that_no_type_can_hold_are_not_filled_in() -> None:
    table, labels = torch.randint(9, (BATCH, 12)), torch.zeros(BATCH, dtype=torch.int64)
    half = BatchDeficit(FeatureDropout(share=0.5, fill=0.5), DataInfo(), seed=0, epoch=0)
    with pytest.raises(StudyError, match=r"deficit\.fill: received 0\.5, but the values are int64"):
        half(table, labels)
    for kind in (torch.uint8, torch.uint16):
        with pytest.raises(StudyError, match=r"fill|cannot hold"):
            BatchDeficit(FeatureDropout(share=0.5, fill=-1), DataInfo(), seed=0, epoch=0)(table.to(kind), labels)
    scored = torch.randn(BATCH, 12)
    found, _ = half(scored, labels)
    assert torch.equal(found[found != 0.5], scored[found != 0.5])


def test_tables_and_tokens_with_every_deficit_that_fits() -> None:
    labels = torch.arange(BATCH) % CLASSES
    table, tokens = torch.randn(BATCH, 12, generator=torch.Generator().manual_seed(0)), torch.randint(256, (BATCH, 12))
    outcome: dict[str, list[str]] = {}
    for name in deficits_of((12,)):
        deficit = deficit_of(name)
        for what, form in (("table", table), ("tokens", tokens)):
            found, _ = refused_or_not(name, form, labels)
            if isinstance(found, StudyError):
                outcome.setdefault(name, []).append(f"no {what}")
            elif deficit.input_kind == "any" or (name, what) == ("token_bijection", "tokens"):
                assert torch.equal(found, deficit.apply(form, labels, drawn())[0])
            elif name == "blank":
                torch.testing.assert_close(found, table.mean().expand_as(table))
            elif name != "data_subset":
                assert found is form
    assert outcome == {"noise": ["no table", "no tokens"], "blank": ["no tokens"], "token_bijection": ["no table"]}


@pytest.mark.parametrize("way", ["uint8", "float16", "bfloat16", "normalised, and it says how"])
def test_examples_of_other_classes_keep_every_bit(way: str) -> None:
    images, labels = torch.rand(BATCH, 3, 16, 16), torch.arange(BATCH) % CLASSES
    given = WAYS[way].given(images)
    for deficit in (WhiteNoise(classes=(1,)), read_deficit({"name": "blur", "factor": 4, "classes": [1]})):
        knowledge = DataInfo(classes=CLASSES, normalised=WAYS[way].scale)
        found, _ = BatchDeficit(deficit, knowledge, seed=0, epoch=0)(given, labels)
        assert torch.equal(found[labels != 1], given[labels != 1])
        assert not torch.equal(found[labels == 1], given[labels == 1])


def test_a_gradient_goes_through_the_deficit() -> None:
    images = (torch.rand(BATCH, 3, 16, 16, dtype=torch.float64) * 2 - 1).requires_grad_()
    found, _ = deprived("blur", images, torch.zeros(BATCH, dtype=torch.int64), normalised=(0.5, 2.0))
    weights = torch.rand_like(found)
    (gradient,) = torch.autograd.grad((found * weights).sum(), images)
    by_hand = torch.rand(BATCH, 3, 16, 16, dtype=torch.float64)
    moved, _ = deprived("blur", images + 1e-3 * by_hand, torch.zeros(BATCH, dtype=torch.int64), normalised=(0.5, 2.0))
    torch.testing.assert_close((gradient * by_hand).sum(), ((moved - found) * weights).sum() / 1e-3)


@pytest.mark.parametrize("setting", ["autocast", "float64", "another device"])
def test_what_the_loop_has_set_changes_nothing(setting: str) -> None:
    plain = {name: deprived(name, *batch(name)) for name in NAMES}
    before = torch.get_default_device(), torch.get_default_dtype()
    given = {name: batch(name) for name in NAMES}
    try:
        if setting == "float64":
            torch.set_default_dtype(torch.float64)
        if setting == "another device":
            torch.set_default_device("meta")
        knowledge = DataInfo(EXAMPLES, CLASSES, labels=torch.arange(EXAMPLES, device="cpu") % CLASSES)
        places = torch.arange(BATCH, device="cpu")
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=setting == "autocast"):
            for name in NAMES:
                found, named = BatchDeficit(deficit_of(name), knowledge, seed=0, epoch=3)(*given[name], places)
                assert found.dtype == torch.float32, name
                assert torch.equal(found, plain[name][0]), name
                assert torch.equal(named, plain[name][1]), name
            assert torch.is_autocast_enabled("cpu") == (setting == "autocast")
    finally:
        torch.set_default_device(before[0])
        torch.set_default_dtype(before[1])
