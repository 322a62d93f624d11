"""Deficits of sequences, tables and labels, and the loader that applies any deficit for a while."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.utils.data import DataLoader, TensorDataset

import critlab
from critlab._core.errors import StudyError
from critlab.deficits import (
    BatchContext,
    Blank,
    Blur,
    DataSubset,
    Deficit,
    FeatureDropout,
    LabelNoise,
    SwapNoise,
    TokenBijection,
    TokenShuffle,
    WhiteNoise,
)
from critlab.deficits.sequences.token_shuffle import shuffled_places
from critlab.hooks.deficit_loader import DeficitLoader


def draws(seed: int = 0, epoch: int = 0, position: int = 0, batch: int = 6, examples: int = 50) -> BatchContext:
    return BatchContext(seed, epoch, position, torch.arange(batch), examples, 10)


def suffered(deficit: Deficit, inputs: Tensor, labels: Tensor | None = None, **at: int) -> tuple[Tensor, Tensor]:
    labels = torch.zeros(len(inputs), dtype=torch.int64) if labels is None else labels
    return deficit.apply(inputs, labels, draws(batch=len(inputs), **at))


@settings(max_examples=50, deadline=None)
@given(places=st.integers(1, 40), window=st.integers(1, 20), seed=st.integers(0, 2**31))
def test_a_shuffle_leaves_every_place_in_its_window(places: int, window: int, seed: int) -> None:
    order = shuffled_places(3, places, window, torch.Generator().manual_seed(seed))
    assert torch.equal(order.sort(1).values, torch.arange(places).expand(3, -1))
    assert torch.equal(order // window, (torch.arange(places) // window).expand(3, -1))


def test_token_shuffle_takes_labels_along_and_is_new_each_step() -> None:
    tokens = torch.arange(64).repeat(5, 1)
    labels = tokens + 1
    labels[:, 10] = -1
    deficit = TokenShuffle(window=16)
    new, moved = suffered(deficit, tokens, labels)
    assert torch.equal(torch.where(new == 10, -1, new + 1), moved)
    assert not torch.equal(new[0], new[1])
    assert not torch.equal(suffered(deficit, tokens, labels, position=1)[0], new)
    assert torch.equal(suffered(deficit, tokens, labels)[0], new)
    features = torch.rand(5, 64, 3)
    shuffled, same = suffered(deficit, features, torch.arange(5))
    assert torch.equal(shuffled.sort(1).values, features.sort(1).values)
    assert torch.equal(same, torch.arange(5))
    triples = {tuple(row) for row in features[0].tolist()}
    assert {tuple(row) for row in shuffled[0].tolist()} == triples, "the features of a place stay together"


def test_token_bijection_is_one_renaming_that_spares() -> None:
    tokens = torch.arange(20).repeat(3, 1)
    labels = tokens.clone()
    labels[:, 0] = -100
    deficit = TokenBijection(vocabulary=20, spared=(0, 3))
    new, renamed = suffered(deficit, tokens, labels)
    assert sorted(new[0].tolist()) == list(range(20))
    assert (new[:, 0] == 0).all()
    assert (new[:, 3] == 3).all()
    assert torch.equal(new, suffered(deficit, tokens, labels, epoch=5, position=2)[0])
    assert not torch.equal(new, suffered(deficit, tokens, labels, seed=1)[0])
    assert torch.equal(renamed[:, 1:], new[:, 1:])
    assert (renamed[:, 0] == -100).all()
    with pytest.raises(StudyError, match=r"vocabulary: received 19.*19"):
        suffered(TokenBijection(vocabulary=19), tokens)
    with pytest.raises(StudyError, match="at least two"):
        suffered(TokenBijection(vocabulary=3, spared=(0, 1)), torch.zeros(2, 4, dtype=torch.int64))
    levels = torch.tensor([[0.0, 0.5, 1.0]]).double()
    swapped = suffered(TokenBijection(vocabulary=3), levels)[0]
    assert sorted(swapped[0].tolist()) == [0, 0.5, 1]


@pytest.mark.parametrize("deficit", [TokenShuffle(window=2), TokenBijection(vocabulary=4)])
def test_sequences_are_asked_for(deficit: Deficit) -> None:
    deficit.check((12,))
    with pytest.raises(StudyError, match="sequences"):
        deficit.check((3, 8, 8))


def test_swap_noise_keeps_each_feature_among_its_own() -> None:
    table = torch.arange(400.0).reshape(100, 4)
    new, _ = suffered(SwapNoise(share=0.3), table)
    assert torch.equal(new % 4, table % 4), "a value comes from its own column"
    changed = float((new != table).float().mean())
    assert changed == pytest.approx(0.3 * 0.99, abs=0.07)


def test_feature_dropout_is_new_or_lasting() -> None:
    table = torch.rand(200, 30) + 1
    new, _ = suffered(FeatureDropout(share=0.25, fill=-1), table)
    assert float((new == -1).float().mean()) == pytest.approx(0.25, abs=0.03)
    assert torch.equal(new[new != -1], table[new != -1])
    lasting = FeatureDropout(share=0.25, lasting=True)
    first, _ = suffered(lasting, table)
    missing = (first == 0).all(0)
    assert 0 < int(missing.sum()) < 30
    assert torch.equal(missing, (suffered(lasting, table, epoch=3)[0] == 0).all(0))
    assert not (first[:, ~missing] == 0).any()


def test_label_noise_is_wrong_and_lasting() -> None:
    labels = torch.randint(10, (5000,), generator=torch.Generator().manual_seed(0))
    labels[0] = -1

    def noisy(share: float, **at: int) -> Tensor:
        drawn = BatchContext(0, at.get("epoch", 0), 0, torch.arange(5000), 5000, 10)
        return LabelNoise(share=share).apply(torch.zeros(5000, 1), labels, drawn)[1]

    some = noisy(0.2)
    assert float((some != labels).float().mean()) == pytest.approx(0.2, abs=0.03)
    assert torch.equal(some, noisy(0.2, epoch=9))
    assert (noisy(1.0)[1:] != labels[1:]).all()
    assert noisy(1.0)[0] == -1
    wrong = (noisy(1.0)[1:] - labels[1:]) % 10
    assert wrong.bincount(minlength=10)[1:].min() > 450, "uniform over the other classes: 555 expected"


def data(numbered: bool = False) -> DataLoader[Any]:
    images = torch.rand(20, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    columns = [images, torch.arange(20) % 4, *([torch.arange(20)] if numbered else [])]
    return DataLoader(TensorDataset(*columns), batch_size=6)


def epochs(loader: Any, count: int) -> list[list[Any]]:
    return [list(loader) for _ in range(count)]


def test_the_window_is_half_open_in_epochs() -> None:
    plain = list(data())
    loader = DeficitLoader(data(), Blur(factor=4), start=1, stop=3)
    assert len(loader) == 4
    for epoch, batches in enumerate(epochs(loader, 4)):
        for (images, labels), (clean, kept) in zip(batches, plain, strict=True):
            assert torch.equal(labels, kept)
            assert torch.equal(images, clean) == (epoch not in (1, 2))
    loader.set_epoch(0)
    assert torch.equal(next(iter(loader))[0], plain[0][0])


def test_the_window_in_steps() -> None:
    plain = list(data())
    loader = DeficitLoader(data(), WhiteNoise(), start=3, stop=5, per="step")
    seen = [batch for batches in epochs(loader, 2) for batch in batches]
    changed = [not torch.equal(batch[0], plain[place % 4][0]) for place, batch in enumerate(seen)]
    assert changed == [False, False, False, True, True, False, False, False]
    loader.set_epoch(1)
    assert not torch.equal(next(iter(loader))[0], plain[0][0])


def test_every_pass_has_draws_of_its_own_and_can_be_had_again() -> None:
    first, second = epochs(DeficitLoader(data(), WhiteNoise(), stop=2, seed=5), 2)
    assert not torch.equal(first[0][0], second[0][0])
    again = DeficitLoader(data(), WhiteNoise(), stop=2, seed=5)
    again.set_epoch(1)
    assert torch.equal(list(again)[2][0], second[2][0])


def test_the_global_random_state_is_not_touched() -> None:
    batches = list(data())
    state = torch.get_rng_state()
    list(DeficitLoader(batches, WhiteNoise(), stop=1))
    assert torch.equal(state, torch.get_rng_state())


def test_normalised_inputs_suffer_as_they_were_before() -> None:
    mean, deviation = torch.full((1, 1, 1), 0.4), torch.full((1, 1, 1), 0.2)
    plain = [images for images, _ in DeficitLoader(data(), WhiteNoise(), stop=1)]
    images, labels = data().dataset.tensors  # type: ignore[attr-defined]
    loader = DataLoader(TensorDataset((images - mean) / deviation, labels), batch_size=6)
    for (found, _), wanted in zip(
        DeficitLoader(loader, WhiteNoise(), stop=1, normalised=(mean, deviation)), plain, strict=True
    ):
        torch.testing.assert_close(found, (wanted - mean) / deviation)


def test_label_noise_needs_the_examples_numbers() -> None:
    loader = DeficitLoader(data(), LabelNoise(share=1.0), stop=1, classes=4)
    with pytest.raises(StudyError, match="numbers="):
        list(loader)
    seen = DeficitLoader(data(numbered=True), LabelNoise(share=1.0), stop=1, classes=4, numbers=2)
    assert all((labels != numbers % 4).all() for _, labels, numbers in seen)
    # a deficit of some classes does not look at the numbers
    for images, labels in DeficitLoader(data(), WhiteNoise(classes=(1,)), stop=1):
        clean = data().dataset.tensors[0]  # type: ignore[attr-defined]
        assert not any(torch.equal(image, clean[5]) for image in images[labels == 1])


def test_a_subset_withholds_the_others() -> None:
    subset = DataSubset(count=4)
    with pytest.raises(StudyError, match="all_labels="):
        list(DeficitLoader(data(numbered=True), subset, stop=1, numbers=2))
    loader = DeficitLoader(data(numbered=True), subset, stop=1, numbers=2, all_labels=torch.arange(20) % 4)
    first, second = epochs(loader, 2)
    shown = torch.cat([numbers for _, _, numbers in first])
    assert len(shown) == 4
    assert sorted((shown % 4).tolist()) == [0, 1, 2, 3]
    assert all(len(images) == len(labels) for images, labels, _ in first)
    assert sum(len(images) for images, _, _ in second) == 20


class Pair(NamedTuple):
    inputs: Tensor
    labels: Tensor


def test_batches_keep_their_form() -> None:
    tokens = torch.arange(12).repeat(4, 1)
    deficit = TokenShuffle(window=4)
    mapping = [{"input_ids": tokens, "labels": tokens, "name": "x"}]
    (found,) = DeficitLoader(mapping, deficit, stop=1, inputs="input_ids", labels="labels")
    assert found["name"] == "x"
    assert torch.equal(found["input_ids"], found["labels"])
    assert not torch.equal(found["input_ids"], tokens)
    (pair,) = DeficitLoader([Pair(tokens, tokens)], deficit, stop=1)
    assert isinstance(pair, Pair)
    (bare,) = DeficitLoader([tokens], deficit, stop=1)
    assert torch.equal(bare, found["input_ids"])
    (listed,) = DeficitLoader([[tokens]], deficit, stop=1, labels=None)
    assert isinstance(listed, list)
    with pytest.raises(StudyError, match=r"nothing at 0.*input_ids"):
        list(DeficitLoader(mapping, deficit, stop=1))


@pytest.mark.parametrize(
    ("changes", "said"),
    [({"start": 3, "stop": 1}, "window"), ({"stop": 1, "per": "hour"}, "per"), ({"stop": 1, "deficit": 3}, "deficit")],
)
def test_wrong_choices_are_refused(changes: dict[str, Any], said: str) -> None:
    options: dict[str, Any] = {"deficit": WhiteNoise(), **changes}
    with pytest.raises(StudyError, match=said):
        DeficitLoader(data(), **options)


def test_it_is_a_public_name() -> None:
    assert critlab.DeficitLoader is DeficitLoader


def test_a_subset_withholds_from_every_part_of_a_batch() -> None:
    parts = {
        "x": (torch.rand(4, 3), np.arange(8).reshape(4, 2)),
        "names": ["a", "b", "c", "d"],
        "y": {"label": torch.arange(4), "boxes": torch.rand(4, 2, 4)},
        "weight": torch.tensor(2.0),
        "n": torch.arange(4),
    }
    loader = DeficitLoader(
        [parts], DataSubset(count=2), stop=1, inputs="x", labels="y", numbers="n", all_labels=[0, 1, 0, 1]
    )
    (found,) = loader
    shown = found["n"]
    assert len(shown) == 2
    assert torch.equal(found["x"][0], parts["x"][0][shown])  # type: ignore[index]
    assert np.array_equal(found["x"][1], parts["x"][1][shown.numpy()])  # type: ignore[index]
    assert found["names"] == ["abcd"[place] for place in shown]
    assert torch.equal(found["y"]["label"], shown)
    assert found["weight"] is parts["weight"]


class Sampler(torch.utils.data.Sampler[int]):
    """Knows the epoch as those of several processes do."""

    def __init__(self) -> None:
        self.epoch = 0

    def set_epoch(self, epoch: int) -> None:
        self.epoch = epoch

    def __iter__(self) -> Iterator[int]:
        return iter(range(20))

    def __len__(self) -> int:
        return 20


def test_everything_else_is_the_loader_inside() -> None:
    inner = data()
    loader = DeficitLoader(inner, Blur(factor=4), stop=1)
    for name in ("dataset", "batch_size", "sampler", "batch_sampler", "drop_last", "collate_fn", "num_workers"):
        assert getattr(loader, name) is getattr(inner, name)
    assert len(loader.dataset) // loader.batch_size == 3
    loader.worker_init_fn = print
    assert inner.worker_init_fn is print
    loader.own = 3
    assert not hasattr(inner, "own")
    assert not hasattr(loader, "nothing_of_the_kind")
    loader.epoch = 1
    assert torch.equal(next(iter(loader))[0], next(iter(inner))[0])
    for twin in (pickle.loads(pickle.dumps(DeficitLoader(data(), WhiteNoise(), stop=2))), copy.deepcopy(loader)):
        assert twin.batch_size == 6
    assert not hasattr(DeficitLoader([torch.rand(2, 3)], WhiteNoise(), stop=1), "batch_size")


def opened(loader: DeficitLoader) -> bool:
    return not torch.equal(next(iter(loader))[0], next(iter(data()))[0])


def sampled(**options: Any) -> tuple[DeficitLoader, Sampler]:
    sampler = Sampler()
    inner = DataLoader(data().dataset, batch_size=6, sampler=sampler)
    return DeficitLoader(inner, WhiteNoise(), stop=2, **options), sampler


def test_a_sampler_that_was_told_the_epoch_moves_the_window() -> None:
    loader, sampler = sampled()
    assert [opened(loader) for _ in range(3)] == [True, True, False]
    loader, sampler = sampled()
    sampler.set_epoch(5)  # as frameworks do when training goes on from a checkpoint
    assert not opened(loader)
    sampler.set_epoch(1)
    assert opened(loader)
    assert opened(loader), "a second pass of the same epoch"
    plain = DeficitLoader(data(), WhiteNoise(), stop=2)
    plain.sampler.set_epoch(5)
    assert not opened(plain), "a sampler that could not be told before"
    twin = pickle.loads(pickle.dumps(plain))
    twin.sampler.set_epoch(1)
    assert opened(twin)
    assert not opened(plain)


def test_a_sampler_that_keeps_its_epoch_to_itself() -> None:
    class Private(Sampler):
        def __init__(self) -> None:
            self.heard: list[int] = []

        def set_epoch(self, epoch: int) -> None:
            self.heard.append(epoch)

    sampler = Private()
    loader = DeficitLoader(DataLoader(data().dataset, batch_size=6, sampler=sampler), WhiteNoise(), stop=2)
    loader.sampler.set_epoch(5)
    assert sampler.heard == [5]
    assert not opened(loader)


def test_a_sampler_and_steps() -> None:
    loader, sampler = sampled(per="step")
    sampler.set_epoch(1)
    assert not opened(loader)
    assert loader.steps == 5
    loader, sampler = sampled()
    loader.set_epoch(7)
    assert sampler.epoch == 7
    assert not opened(loader)
    assert loader.epoch == 8


def test_a_state_brings_the_window_back() -> None:
    loader = DeficitLoader(data(), WhiteNoise(), stop=2)
    list(loader)
    assert loader.state_dict() == {"epoch": 1, "steps": 4}
    passing = iter(loader)
    next(passing)
    assert loader.state_dict() == {"epoch": 1, "steps": 4}, "a pass that was not finished is begun again"
    list(passing)
    restored = DeficitLoader(data(), WhiteNoise(), stop=2)
    restored.load_state_dict(loader.state_dict())
    assert not opened(restored)


@pytest.mark.slow
def test_lightning_resumes_after_the_window(tmp_path: Path) -> None:
    lightning = pytest.importorskip("lightning.pytorch")
    seen: list[bool] = []

    class Module(lightning.LightningModule):  # type: ignore[misc,name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.net = torch.nn.Linear(64, 4)

        def training_step(self, batch: Any, place: int) -> Any:
            if place == 0:
                seen.append(not torch.equal(batch[0], next(iter(data()))[0]))
            return torch.nn.functional.cross_entropy(self.net(batch[0].flatten(1)), batch[1])

        def configure_optimizers(self) -> Any:
            return torch.optim.SGD(self.parameters(), lr=0.1)

    def fit(epochs: int, checkpoint: Any) -> None:
        trainer = lightning.Trainer(
            max_epochs=epochs,
            accelerator="cpu",
            logger=False,
            enable_checkpointing=False,
            enable_progress_bar=False,
            enable_model_summary=False,
        )
        trainer.fit(Module(), DeficitLoader(data(), WhiteNoise(), stop=2), ckpt_path=checkpoint)
        trainer.save_checkpoint(tmp_path / "last.ckpt")

    fit(3, None)
    fit(5, tmp_path / "last.ckpt")
    assert seen == [True, True, False, False, False]


@pytest.mark.slow
def test_mappings_keep_their_kind() -> None:
    transformers = pytest.importorskip("transformers")
    tokens = torch.arange(12).repeat(4, 1)
    batch = transformers.BatchEncoding({"input_ids": tokens, "labels": tokens})
    (found,) = DeficitLoader([batch], TokenShuffle(window=4), stop=1, inputs="input_ids", labels="labels")
    assert type(found) is type(batch)
    assert torch.equal(batch["input_ids"], tokens)
    assert not torch.equal(found["input_ids"], tokens)


PADDED = torch.tensor([[5, 6, 7, 8, 9, 10, 11, 12], [5, 6, 7, 8, 9, 0, 0, 0], [1, 2, 0, 0, 0, 0, 0, 0]])


def stays(before: Tensor, after: Tensor, padding: Tensor) -> None:
    assert torch.equal(before[padding], after[padding])
    assert torch.equal(before.sort(1).values, after.sort(1).values)
    assert not torch.equal(before, after)


def test_padding_stays_where_it_is() -> None:
    mask = (PADDED != 0).long()
    labels = PADDED.masked_fill(mask == 0, -100)
    batch = {"input_ids": PADDED, "attention_mask": mask, "labels": labels}
    where: dict[str, Any] = {"inputs": "input_ids", "labels": "labels"}
    for deficit in (TokenShuffle(window=4), TokenShuffle(window=4, spared=(0,)), TokenShuffle(window=8)):
        unmasked = {key: item for key, item in batch.items() if key != "attention_mask"}
        for form in (batch, unmasked) if deficit.spared else (batch,):
            (found,) = DeficitLoader([form], deficit, stop=1, **where)
            stays(PADDED, found["input_ids"], mask == 0)
            assert torch.equal(found["labels"] == -100, mask == 0)
            assert torch.equal(found["labels"][mask == 1], found["input_ids"][mask == 1])
    (found,) = DeficitLoader([batch], TokenBijection(vocabulary=13), stop=1, **where)
    assert torch.equal(found["input_ids"][mask == 0], PADDED[mask == 0])
    (found,) = DeficitLoader([batch], SwapNoise(share=1.0), stop=1, **where)
    assert torch.equal(found["input_ids"] == 0, mask == 0)
    (found,) = DeficitLoader([batch], FeatureDropout(share=1.0, fill=3), stop=1, **where)
    assert torch.equal(found["input_ids"], torch.where(mask == 1, 3, PADDED))


def test_a_mask_by_its_place_and_of_another_shape() -> None:
    mask = PADDED != 0
    (found,) = DeficitLoader([(PADDED, torch.zeros(3), mask)], TokenShuffle(window=8), stop=1, mask=2)
    stays(PADDED, found[0], ~mask)
    with pytest.raises(StudyError, match=r"mask: received shape \(3, 4\)"):
        list(DeficitLoader([(PADDED, torch.zeros(3), mask[:, :4])], TokenShuffle(window=8), stop=1, mask=2))
    features = torch.rand(3, 8, 5)
    (found,) = DeficitLoader([(features, torch.zeros(3), mask)], TokenShuffle(window=8), stop=1, mask=2)
    assert torch.equal(found[0][~mask], features[~mask])


@settings(max_examples=50, deadline=None)
@given(places=st.integers(1, 20), window=st.integers(1, 20), seed=st.integers(0, 2**31))
def test_places_that_stay_do_and_the_others_keep_to_their_window(places: int, window: int, seed: int) -> None:
    chance = torch.Generator().manual_seed(seed)
    stay = torch.rand(3, places, generator=chance) < 0.4
    order = shuffled_places(3, places, window, chance, stay)
    assert torch.equal(order.sort(1).values, torch.arange(places).expand(3, -1))
    assert torch.equal(order // window, (torch.arange(places) // window).expand(3, -1))
    assert torch.equal(order[stay], torch.arange(places).expand(3, -1)[stay])


@pytest.mark.parametrize("kind", [torch.int32, torch.int64, torch.uint16, torch.uint8, torch.int16])
def test_tokens_of_every_whole_type(kind: torch.dtype) -> None:
    labels = torch.zeros(3)
    for deficit in (
        TokenShuffle(window=4, spared=(0,)),
        TokenBijection(vocabulary=13, spared=(0,)),
        SwapNoise(share=0.5),
        FeatureDropout(share=0.5),
    ):
        (plain,) = DeficitLoader([(PADDED, labels)], deficit, stop=1)
        (found,) = DeficitLoader([(PADDED.to(kind), labels)], deficit, stop=1)
        assert found[0].dtype == kind
        assert torch.equal(found[0].long(), plain[0])
    with pytest.raises(StudyError, match="tokens must be whole numbers"):
        list(DeficitLoader([(torch.rand(3, 8).half(), labels)], TokenBijection(vocabulary=13), stop=1))
    with pytest.raises(StudyError, match="whole numbers, or levels"):
        list(DeficitLoader([(torch.randn(3, 8), labels)], TokenBijection(vocabulary=13), stop=1))
    with pytest.raises(StudyError, match="there is a token -1"):
        list(DeficitLoader([(PADDED - 1, labels)], TokenBijection(vocabulary=13), stop=1))
    with pytest.raises(StudyError, match=r"deficit\.spared"):
        list(DeficitLoader([(torch.rand(3, 8), labels)], TokenShuffle(window=4, spared=(0,)), stop=1))
    levels = PADDED / 12
    (found,) = DeficitLoader([(levels, labels)], TokenShuffle(window=4, spared=(0,), vocabulary=13), stop=1)
    stays(levels, found[0], PADDED == 0)


def test_padding_options_are_not_named_where_they_are_left_out() -> None:
    assert TokenShuffle(window=4).identity() == {"window": 4, "when": "after_augment"}
    assert TokenShuffle(window=4, spared=(0,)).identity() == {"window": 4, "when": "after_augment", "spared": [0]}


def kept(loader: Any) -> bool:
    """Whether the deficit is in the second batch of a pass."""
    blind = DeficitLoader(data(), Blank(), stop=1)
    return torch.equal([*loader][-2][0], [*blind][-2][0])


@pytest.mark.slow
def test_accelerate_prepares_and_skips_without_losing_the_deficit() -> None:
    accelerate = pytest.importorskip("accelerate")
    accelerator = accelerate.Accelerator(cpu=True)
    assert kept(accelerator.prepare(DeficitLoader(data(), Blank(), stop=1)))
    assert kept(DeficitLoader(accelerator.prepare(data()), Blank(), stop=1))
    assert kept(DeficitLoader(accelerate.skip_first_batches(data(), 1), Blank(), stop=1))
    loader = DeficitLoader(data(), Blank(), stop=1)
    builds: list[Any] = [
        lambda: accelerate.skip_first_batches(loader, 1),
        lambda: accelerator.prepare_data_loader(loader),
    ]
    for build in builds:
        with pytest.raises(StudyError, match="leave the deficit out"):
            build()
    assert kept(loader)
