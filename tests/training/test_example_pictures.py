"""Examples of a page are what the network sees, and a store remembers them and the commands that worked on it."""

from __future__ import annotations

import base64
import io
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from critlab._core.png import png
from critlab.analysis.tables.reading import read_results
from critlab.data import load
from critlab.deficits import BatchContext
from critlab.deficits.images.blur import Blur
from critlab.engine.context import RunOptions
from critlab.engine.maintenance.verify import verify
from critlab.engine.records.command_record import command_line, commit
from critlab.engine.records.examples_record import add_examples, packed_labels, read_examples, unpacked_labels
from critlab.engine.run import run_study
from critlab.store import Store
from critlab.store.inspection import places
from critlab.study.runs.example_recipes import example_recipes
from critlab.study.study import Study
from critlab.training.inputs.example_pictures import LEVELS, example_pictures
from studies import small


def shown(study: Study) -> tuple[dict[str, Any], Any]:
    images = load(study.data)
    asked = example_recipes(study)
    assert asked is not None
    return example_pictures(asked, images), images


def pixels(text: str) -> Any:
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(text))))


def test_a_picture_is_the_image_before_and_after_the_deficit() -> None:
    found, images = shown(small())
    assert [len(found[name]) for name in ("clean", "deprived", "labels", "withheld")] == [8] * 4
    assert found["labels"] == found["deprived_labels"] == list(range(8))
    place = int(np.flatnonzero(images.train_labels == 3)[0])
    whole = torch.from_numpy(images.train_images[place].astype(np.float32) / 255)[None]
    draws = BatchContext(0, 0, 0, torch.zeros(1, dtype=torch.int64), 120, 10)
    blurred, _ = Blur(factor=7).apply(whole, torch.zeros(1, dtype=torch.int64), draws)
    for truth, name in ((whole, "clean"), (blurred, "deprived")):
        drawn = pixels(found[name][3]).astype(np.float64)
        assert np.abs(drawn - 255 * truth[0, 0].numpy()).max() <= LEVELS / 2 + 3.5, name
    assert sum(map(len, (*found["clean"], *found["deprived"]))) < 12_000


def test_labels_withheld_images_sources_and_tokens_are_told() -> None:
    labels, _ = shown(small(deficit={"name": "label_permutation"}))
    assert labels["labels"] == list(range(8)) != labels["deprived_labels"]
    some, _ = shown(small(deficit={"name": "data_subset", "fraction": 0.1}))
    assert 0 < sum(some["withheld"]) <= 8
    two, _ = shown(
        small(
            data={"name": "two_view", "of": "sample", "train": 120, "test": 60},
            augment=None,
            deficit={"name": "blur", "factor": 7, "source": "B"},
        )
    )
    clean, deprived = pixels(two["clean"][0]), pixels(two["deprived"][0])
    assert clean.shape[1] == 2 * 28 + 2
    assert (clean[:, :28] == deprived[:, :28]).all(), "source A is as it was"
    assert (clean[:, 30:] != deprived[:, 30:]).any()
    tokens, _ = shown(
        small(
            data={"name": "token_sequences", "train": 120, "test": 60},
            model={"name": "token_transformer", "vocabulary": 16, "padding": 15},
            augment=None,
            deficit={"name": "token_shuffle", "window": 4},
        )
    )
    assert tokens["form"] == "tokens"
    assert sorted(tokens["clean"][0]) == sorted(tokens["deprived"][0]) != tokens["clean"][0]


def test_png_holds_every_level_in_grey_and_colour() -> None:
    grey = np.arange(256, dtype=np.uint8).reshape(16, 16)
    for planes in (grey, np.stack([grey, grey.T, 255 - grey], axis=-1)):
        content = png(planes.tobytes(), 16, 16, planes.size // 256)
        assert (np.asarray(Image.open(io.BytesIO(content))) == planes).all()
    with pytest.raises(ValueError, match="received 4 bytes"):
        png(b"1234", 3, 1, 1)


def test_test_labels_read_back_and_others_are_left_out() -> None:
    labels = np.random.default_rng(0).integers(0, 1000, 5000)
    assert unpacked_labels(packed_labels(labels)) == tuple(labels)
    for other in (labels.reshape(-1, 2), labels - 1, labels.astype(float), labels + 2**16, labels[:0]):
        assert packed_labels(other) is None
    with pytest.raises(ValueError, match="half of one"):
        unpacked_labels(base64.b64encode(zlib.compress(b"123")).decode())


def test_a_store_remembers_examples_and_commands_beside_its_results(tmp_path: Path) -> None:
    study, store = small(seeds=1, sweep={"kind": "removal", "at": [0, 1], "recovery": 1}), Store(tmp_path)
    options = RunOptions(executor="inline", device="cpu")
    assert run_study(study, store, options).status == 0
    results = read_results(study, store)
    assert results.examples is not None
    assert results.examples.test_labels == tuple(load(study.data).test_labels)
    (command,) = results.commands
    assert command.trained == 3
    assert command.memory["command"] > 1e7
    assert command.made_by["torch"] == torch.__version__
    assert run_study(study, store, options).trained == 0
    assert len(read_results(study, store).commands) == 1, "a command that finds nothing to do leaves no trace"
    assert not verify(store).wrong
    assert not verify(store).orphans
    place = next(one for one in places(store) if one.kind == "commands")
    place.path.write_text(place.path.read_text().replace("critlab", "crittlab", 1))
    assert verify(store).wrong
    assert read_results(study, store).to_csv() == results.to_csv()


def test_a_deficit_that_breaks_is_said_and_nothing_else_breaks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(*_: Any) -> None:
        raise ZeroDivisionError("no such image")

    monkeypatch.setattr("critlab.training.network_training.example_pictures", broken)
    study = small()
    add_examples(Store(tmp_path), study, load(study.data))
    assert "examples for the page were not recorded: ZeroDivisionError: no such image" in capsys.readouterr().err
    assert read_examples(Store(tmp_path), study, "") is None


def test_what_was_typed_and_its_commit_are_named(tmp_path: Path) -> None:
    assert command_line(["/usr/bin/critlab", "run", "a b.toml"]) == "critlab run 'a b.toml'"
    assert command_line(["-m", "x"]) == "-m x"
    assert command_line(["/x/ipykernel_launcher.py", "-f", "k.json"]) == command_line([""]) == "a notebook or a prompt"
    assert commit(tmp_path) == ""
