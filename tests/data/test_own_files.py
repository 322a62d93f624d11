"""Arrays, spectrograms, tokens and tables of a user: what is read of them, and one line for each thing wrong."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from critlab._core.errors import DataError, StudyError
from critlab.data import load
from critlab.data.class_counts import class_counts
from critlab.data.image_set import ImageSet
from critlab.data.own.split import Split, held_out
from critlab.data.spec import DataSpec

LABELS = np.arange(20) % 2
SPLIT = {"test": 0.3}


def read(folder: Path, **options: Any) -> ImageSet:
    return load(DataSpec.read(options, "data"), folder)


@pytest.fixture
def files(tmp_path: Path) -> Path:
    rng = np.random.default_rng(0)
    pixels = rng.random((20, 6, 6, 3)).astype(np.float32)
    tokens = rng.integers(1, 8, (20, 7))
    np.savez(
        tmp_path / "a.npz",
        pixels=pixels,
        bytes=(pixels * 255).astype(np.uint8),
        deep=(pixels * 65535).astype(np.uint16),
        signed=pixels * 6 - 3,
        grey=pixels[..., 0],
        decibel=pixels[..., 0] * -80,
        holes=np.where(pixels > 0.9, np.nan, pixels),
        tokens=tokens.astype(np.uint16),
        large=tokens.astype(np.int64) * 100,
        lengths=np.r_[[3] * 10, [7] * 10],
        who=np.repeat(np.arange(10), 2),
        y=LABELS,
        real=LABELS / 2,
    )
    np.save(tmp_path / "x.npy", pixels)
    return tmp_path


def arrays(folder: Path, inputs: str, **options: Any) -> ImageSet:
    return read(folder, name="arrays", inputs=inputs, labels="a.npz:y", split=SPLIT, **options)


def test_channels_that_are_last_are_moved_first(files: Path) -> None:
    found = arrays(files, "a.npz:pixels")
    with np.load(files / "a.npz") as stored:
        expected = np.moveaxis(stored["pixels"], -1, 1)
    both = np.concatenate([found.train_images, found.test_images])
    assert sorted(both.reshape(20, -1).tolist()) == sorted(expected.reshape(20, -1).tolist())
    assert arrays(files, "x.npy").fingerprint == found.fingerprint, "the content names the data, not the file"


def test_a_range_maps_values_to_the_unit_interval(files: Path) -> None:
    whole = arrays(files, "a.npz:deep", range="16bit")
    np.testing.assert_allclose(whole.train_images, arrays(files, "a.npz:pixels").train_images, atol=2e-5)
    mapped = arrays(files, "a.npz:signed", range=[-3, 3])
    np.testing.assert_allclose(mapped.train_images, whole.train_images, atol=2e-5)


def test_standardised_values_are_normalised_per_channel_and_keep_their_range(files: Path) -> None:
    found = arrays(files, "a.npz:signed", range="standardised")
    assert found.form.values == "free"
    assert found.train_images.min() < -2
    np.testing.assert_allclose(found.mean, found.train_images.mean((0, 2, 3)), atol=1e-5)
    vectors = np.random.default_rng(0).normal(5, 3, (20, 4))
    np.save(files / "v.npy", vectors)
    plain = arrays(files, "v.npy", range="standardised")
    assert (float(plain.mean), float(plain.std)) == (0, 1), "vectors are used as they are"


def test_spectrograms_have_one_channel_and_rows_of_frequencies(files: Path) -> None:
    shared: dict[str, Any] = {"inputs": "a.npz:decibel", "labels": "a.npz:y", "split": SPLIT, "range": [-80, 0]}
    found = read(files, name="spectrograms", layout="frequency_time", **shared)
    turned = read(files, name="spectrograms", layout="time_frequency", **shared)
    assert found.train_images.shape == (14, 1, 6, 6)
    np.testing.assert_array_equal(found.train_images.transpose(0, 1, 3, 2), turned.train_images)


def tokens(folder: Path, inputs: str = "a.npz:tokens", **options: Any) -> ImageSet:
    return read(folder, name="tokens", inputs=inputs, labels="a.npz:y", split=SPLIT, **{"vocabulary": 8, **options})


def test_what_is_behind_the_length_is_padding(files: Path) -> None:
    found = tokens(files, padding=0, lengths="a.npz:lengths")
    both = np.concatenate([found.train_images, found.test_images])
    assert sorted((both != 0).sum(1).tolist()) == [3] * 10 + [7] * 10
    assert (found.form.vocabulary, found.form.padding) == (8, 0)
    # the same sequences without lengths, whose padding stands at the end
    np.save(files / "filled.npy", _filled(files))
    assert tokens(files, "filled.npy", padding=0).fingerprint == found.fingerprint


def _filled(files: Path) -> Any:
    with np.load(files / "a.npz") as stored:
        return np.where(np.arange(7) < stored["lengths"][:, None], stored["tokens"], 0).astype(np.int8)


def test_ragged_lists_are_filled(tmp_path: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    import pyarrow

    rows = [[1, 2, 3], [4, 5], [1], [2, 2, 2, 2]] * 3
    parquet.write_table(pyarrow.table({"tok": rows, "y": [0, 1, 0, 1] * 3}), tmp_path / "r.parquet")
    shared: dict[str, Any] = {"inputs": "r.parquet:tok", "labels": "r.parquet:y", "split": SPLIT}
    found = read(tmp_path, name="tokens", vocabulary=7, padding=6, **shared)
    both = np.concatenate([found.train_images, found.test_images])
    assert sorted([[one for one in row if one != 6] for row in both.tolist()]) == sorted(rows)
    cut = read(tmp_path, name="tokens", vocabulary=7, padding=6, places=2, truncate=True, **shared)
    assert cut.train_images.shape[1] == 2
    with pytest.raises(DataError, match="ragged: sequences have from 1 to 4 tokens; set padding"):
        read(tmp_path, name="tokens", vocabulary=7, **shared)
    with pytest.raises(DataError, match="row 0 has 3 tokens; must be at most places, 2"):
        read(tmp_path, name="tokens", vocabulary=7, padding=6, places=2, **shared)
    with pytest.raises(DataError, match="ragged: row 1 has 2 values where row 0 has 3"):
        read(tmp_path, name="arrays", **shared)


HOSTILE: list[tuple[dict[str, Any], str]] = [
    ({"name": "arrays", "inputs": "a.npz:deep"}, "uint16 from .*, whose range is not clear; set range ="),
    ({"name": "arrays", "inputs": "a.npz:signed"}, "float32 from .*, whose range is not clear"),
    ({"name": "arrays", "inputs": "a.npz:signed", "range": "unit"}, "values are from -.*, but range is 0 to 1"),
    ({"name": "arrays", "inputs": "a.npz:grey"}, r"shape \(6, 6\) can be read in several ways; set layout = \"grey\""),
    ({"name": "arrays", "inputs": "a.npz:holes"}, r"nan at index \(\d+, \d, \d, \d\); fill it"),
    ({"name": "arrays", "inputs": "a.npz:pixel"}, r"a.npz has no array 'pixel'; .* did you mean 'pixels'"),
    ({"name": "arrays", "inputs": "a.npz"}, "names a file of several arrays; write a.npz:NAME"),
    ({"name": "arrays", "inputs": "b.npz:x"}, "b.npz in .* not found"),
    ({"name": "arrays", "inputs": "a.npz:pixels", "labels": "a.npz:real"}, "labels are float64; must be whole numbers"),
    ({"name": "spectrograms", "inputs": "a.npz:decibel", "layout": "frequency_time"}, "range is not clear"),
    (
        {"name": "tokens", "inputs": "a.npz:tokens", "vocabulary": 7},
        "token 7 at row .*must be from 0 to 6; raise vocab",
    ),
    ({"name": "tokens", "inputs": "a.npz:large", "vocabulary": 9}, "token .*00 at row 0, place 0; must be from 0 to 8"),
    ({"name": "tokens", "inputs": "a.npz:pixels", "vocabulary": 9}, "float32 of 4 axes; must be whole numbers"),
    (
        {"name": "tokens", "inputs": "a.npz:tokens", "vocabulary": 9, "padding": 5},
        "has the padding, 5, at place .* among its tokens, where no model and no deficit would see it",
    ),
]


@pytest.mark.parametrize(("options", "line"), HOSTILE)
def test_what_is_wrong_is_said_in_one_line(files: Path, options: dict[str, Any], line: str) -> None:
    with pytest.raises(DataError, match=line) as found:
        read(files, **{"labels": "a.npz:y", "split": SPLIT, **options})
    assert "\n" not in str(found.value)


OPTIONS: list[tuple[dict[str, Any], str]] = [
    ({"name": "arrays", "inputs": "a", "labels": "b"}, "test_inputs: required, but missing; or set split"),
    ({"name": "tokens", "inputs": "a", "labels": "b", "vocabulary": 4, "padding": 4, "split": SPLIT}, "padding: rec"),
    ({"name": "tokens", "inputs": "a", "labels": "b", "vocabulary": 4, "lengths": "c", "split": SPLIT}, "padding: req"),
    ({"name": "table", "path": "a.csv", "label": "y"}, "test_path: required, but missing; or set split"),
    ({"name": "arrays", "inputs": "a", "labels": "b", "split": {"test": 1.5}}, "split.test: received 1.5"),
]


@pytest.mark.parametrize(("options", "line"), OPTIONS)
def test_options_that_do_not_fit_are_refused_before_reading(options: dict[str, Any], line: str) -> None:
    with pytest.raises(StudyError, match=line):
        DataSpec.read(options, "data")


def table(folder: Path, text: str, **options: Any) -> ImageSet:
    (folder / "t.csv").write_text(text)
    return read(folder, **{"name": "table", "path": "t.csv", "label": "y", "split": {"test": 0.5}, **options})


ROWS = "age,kind,who,y\n" + "".join(
    f"{20 + n * n},{'abc'[n % 3]},w{n // 2},{('no', 'yes')[n % 2]}\n" for n in range(24)
)


def test_columns_are_standardised_with_the_training_part(tmp_path: Path) -> None:
    found = table(tmp_path, ROWS, split={"test": 0.25, "by": "who"})
    assert (found.train_images.shape, found.test_images.shape) == ((18, 4), (6, 4))
    age = found.train_images[:, 0].astype(np.float64)
    np.testing.assert_allclose([age.mean(), age.std()], [0, 1], atol=1e-6)
    assert set(np.unique(found.train_images[:, 1:])) == {0, 1}
    assert (found.train_images[:, 1:].sum(1) == 1).all()
    tested = found.test_images[:, 0].astype(np.float64)
    assert abs(tested.mean()) > 1e-3, "the test part has other statistics"


def test_a_table_says_how_it_is_read(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text(ROWS)
    spec = DataSpec.read({"name": "table", "path": "t.csv", "label": "y", "ignore": ["who"], "split": SPLIT}, "data")
    assert spec.options is not None
    assert spec.options.reading_remarks(tmp_path) == ["numeric columns: age", "categorical columns: kind"]
    counts = class_counts(spec, tmp_path)
    assert counts is not None
    assert counts.counts == {"no": 8, "yes": 8}


TABLES: list[tuple[str, dict[str, Any], str]] = [
    (
        "age,y\n1,a\nNaN,b\n3,a\n4,b\n",
        {},
        r"row 2, column 'age': NaN or empty; fill it, remove the row, or set missing",
    ),
    ("age,y\n1,a\n2,b\n3,a\n4\n", {}, "row 4 has 1 cells; must have 2"),
    ("age,y\n1,a\n2,\n3,a\n4,b\n", {}, "row 2, column 'y': empty"),
    ("age,y\n1,a\n2,b\nx,a\n4,b\n", {"numeric": ["age"]}, "row 3, column 'age': received 'x'; must be a finite number"),
    ("age,y\n5,a\n5,b\n5,a\n5,b\n", {}, "column 'age' has one value in the training part; add it to ignore"),
    ("age,b,y\n1,2,a\n2,3,b\n3,3,a\n4,5,b\n", {"numeric": ["age"]}, "'b' is neither numeric nor categorical"),
    ("age,y\n1,a\n2,b\n3,a\n4,b\n", {"label": "z"}, "has no column 'z'"),
    ("age,age,y\n1,1,a\n2,2,b\n", {}, "'age' is there twice"),
    ("", {}, "has no row"),
    ("kind,y\nu,a\nv,b\nw,a\nx,b\n", {}, 'the training part has no category .*set unseen = "none"'),
    ("age,y\n1,a\n2,a\n3,a\n4,b\n", {}, "class b has one example alone"),
]


@pytest.mark.parametrize(("text", "options", "line"), TABLES)
def test_a_bad_table_is_refused_in_one_line(tmp_path: Path, text: str, options: dict[str, Any], line: str) -> None:
    with pytest.raises(DataError, match=line) as found:
        table(tmp_path, text, **options)
    assert "\n" not in str(found.value)


def test_missing_numbers_become_the_mean_where_that_is_wanted(tmp_path: Path) -> None:
    rows = ROWS.replace("20,a,w0", ",a,w0").replace("24,c,w1", "nan,c,w1")
    found = table(tmp_path, rows, ignore=["who"], missing="mean")
    both = np.concatenate([found.train_images, found.test_images])
    assert (both[:, 0] == 0).sum() == 2


@given(
    labels=st.lists(st.integers(0, 2), min_size=4, max_size=40).filter(
        lambda labels: all(labels.count(one) > 1 for one in labels)
    ),
    share=st.floats(0.05, 0.95),
)
@settings(max_examples=60)
def test_a_split_takes_its_share_of_each_class(labels: list[int], share: float) -> None:
    names = [f"n{place}" for place in range(len(labels))]
    found = held_out(labels, names, Split(test=share), None, "here")
    for label in set(labels):
        members = [place for place, one in enumerate(labels) if one == label]
        taken = int(found[members].sum())
        assert 1 <= taken < len(members)
        assert abs(taken - share * len(members)) <= 1
    # it is a function of the names, not of the order of the examples
    turned = held_out(labels[::-1], names[::-1], Split(test=share), None, "here")
    assert turned[::-1].tolist() == found.tolist()


@given(keys=st.lists(st.integers(0, 6), min_size=2, max_size=40).filter(lambda keys: len(set(keys)) > 1))
@settings(max_examples=60)
def test_no_key_is_in_both_parts(keys: list[int]) -> None:
    found = held_out([0] * len(keys), [], Split(test=0.3, by="who"), keys, "here")
    train = {key for key, test in zip(keys, found, strict=True) if not test}
    tests = {key for key, test in zip(keys, found, strict=True) if test}
    assert train
    assert tests
    assert not train & tests
