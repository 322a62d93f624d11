"""Labels that do not fit their task: one line that says what, where and what to do, and the store keeps all it has."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from command import JARGON, Answer, Command
from labelled_files import APART, COUNT, GOOD, STUDY, TOKENS, WORDS, Labels, chance, files, run, write


def with_one(value: Any, dtype: Any = None) -> Callable[[Labels], Labels]:
    """The labels with one other value, far from the first."""

    def change(labels: Labels) -> Labels:
        changed = labels.astype(dtype or labels.dtype)
        changed.reshape(-1)[-1] = value
        return changed

    return change


def bordered(labels: Labels) -> Labels:
    """Masks whose last column has the number 255."""
    return np.where(np.arange(6) == 5, 255, labels)


def refused(answer: Answer, *phrases: str) -> None:
    """One line on standard error, with those phrases, and status 2."""
    assert answer.status == 2, answer
    assert answer.out == ""
    lines = [line for line in answer.problem.splitlines() if line]
    assert sum(line.startswith("critlab: ") for line in lines) == 1, answer.problem
    assert len(lines) == 1, answer.problem
    assert not JARGON.search(answer.problem), answer.problem
    assert len(answer.problem) < 500
    for phrase in phrases:
        assert re.search(phrase, answer.problem), (phrase, answer.problem)


BAD: dict[str, tuple[str, Callable[[Labels], Labels], str, tuple[str, ...]]] = {
    "class numbers as text": ("classification", lambda y: y.astype(str), "", ("data.npz:y", "<U", "whole numbers")),
    "class numbers as floats": ("classification", lambda y: y.astype(float), "", ("data.npz:y", "float64", "whole")),
    "a class of -2": ("classification", with_one(-2), "", ("label -2", "index 23", "-1 for no loss")),
    "a class left out": ("classification", lambda y: y + (y == 2), "", ("class 2 of 4", "without gaps")),
    "a class of 2**40": ("classification", with_one(2**40), "", ("class 1099511627776", "2 of each class")),
    "one class alone": ("classification", lambda y: y * 0, "", ("every label is 0",)),
    "no class at all": ("classification", lambda y: y * 0 - 1, "", ("every label is -1",)),
    "three classes": ("binary", with_one(2), "", ("data.npz:y", "label 2", "below 2", 'set task = "classification"')),
    "floats for two classes": ("binary", lambda y: y / 2, "", ("data.npz:y", "float64", "whole numbers")),
    "a matrix for two classes": ("binary", lambda y: np.stack([y, 1 - y], 1), "", ("shape", r"\(N,\)")),
    "two classes, one alone": ("binary", lambda y: y * 0 + 1, "", ("class 0 of 2", "no example")),
    "one row of labels": ("multi_label", lambda y: y[:, 0], "", ("shape", r"\(N, labels\)", "several labels")),
    "a label of 2": ("multi_label", with_one(2), "", ("label 2", r"\(23, 2\)|index", "0 or 1", "-1")),
    "a label of a half": ("multi_label", with_one(0.5, float), "", ("label 0.5", "0 or 1")),
    "a label that is no number": ("multi_label", with_one(np.nan, float), "", ("label nan", "0 or 1")),
    "labels as text": ("multi_label", lambda y: y.astype(str), "", ("<U", "0 and 1")),
    "labels that never count": ("multi_label", lambda y: y * 0 - 1, "", ("every label is -1",)),
    "a target that is no number": ("regression", with_one(np.nan), "", ("target nan", "index", "finite")),
    "an infinite target": ("regression", with_one(-np.inf), "", ("target -inf", "finite")),
    "a target of 1e38": ("regression", with_one(1e38), "", ("target", "1e\\+30")),
    "targets as text": ("regression", lambda y: y.astype(str), "", ("<U", "numbers", "regression")),
    "complex targets": ("regression", lambda y: y + 1j, "", ("complex", "numbers", "regression")),
    "targets of three axes": ("regression", lambda y: y.reshape(-1, 1, 1), "", ("shape", r"\(N,\) or \(N, outputs\)")),
    "one target alone": ("regression", lambda y: y * 0 + 7, "", ("every target is 7",)),
    "an image for a mask": ("segmentation", lambda y: y[:, None], "", ("shape", r"\(N, height, width\)")),
    "a class for a mask": ("segmentation", lambda y: y[:, 0, 0], "", ("shape", r"\(N, height, width\)")),
    "masks of another size": ("segmentation", lambda y: y[:, :4], "", ("4 x 6 pixels", "as large as")),
    "float masks": ("segmentation", lambda y: y / 2, "", ("data.npz:y", "float64", "whole numbers", "segmentation")),
    "masks of no numbers": ("segmentation", with_one(np.nan, float), "", ("float64", "whole numbers")),
    "masks of yes and no": ("segmentation", lambda y: y > 1, "", ("bool", "whole numbers")),
    "a pixel of -2": ("segmentation", with_one(-2), "", ("label -2", "-1 for no loss")),
    "a negative ignored number": ("segmentation", lambda y: y, "ignored = -5", ("task.ignored", "-5", "-1")),
    "a pixel beyond the classes": ("segmentation", with_one(3), "classes = 3", ("label 3", "below 3")),
    "a pixel of 255": ("segmentation", with_one(255), "", ("255", "below 3", "ignored")),
    "a border that is not ignored": (
        "segmentation",
        lambda y: np.where(np.arange(6) == 5, 255, y),
        "",
        ("3 to 254", "255", "ignored = 255"),
    ),
    "a pixel of 2**40": ("segmentation", with_one(2**40), "", ("1099511627776", "below 32000", "ignored")),
    "pixels that never count": ("segmentation", lambda y: y * 0 + 9, "ignored = 9", ("every label is -1 or 9",)),
    "pixels of one class": ("segmentation", lambda y: y * 0, "", ("every pixel is 0",)),
}

PLANNED = ("three classes", "a label of 2", "an infinite target", "float masks")
"""Of these it is also tested that the plan refuses them, which reads the data as a run does."""


@pytest.mark.parametrize("case", BAD)
def test_labels_that_do_not_fit_the_task(case: str, critlab: Command, tmp_path: Path) -> None:
    task, change, options, phrases = BAD[case]
    write(task, change(GOOD[task]()), options)
    refused(run(critlab), *phrases)
    if case in PLANNED:
        refused(run(critlab, "plan"), *phrases)
    assert not (tmp_path / "store").exists()


TEST_PART: dict[str, tuple[str, Callable[[Labels], Labels], str, tuple[str, ...]]] = {
    "no test label counts": ("classification", lambda y: y * 0 - 1, "", ("test: no label counts",)),
    "no test pixel counts": ("segmentation", lambda y: y * 0 - 1, "", ("test: no label counts",)),
    "no test label of several counts": ("multi_label", lambda y: y * 0 - 1, "", ("test: no label counts",)),
    "one test class": ("binary", lambda y: y * 0 + 1, 'metric = "auroc"', ("task.metric: AUROC", "one class alone")),
    "no test label is 1": ("binary", lambda y: y * 0, 'metric = "f1"', ("task.metric: F1", "no test label is 1")),
    "equal test targets": ("regression", lambda y: y * 0, 'metric = "r2"', ("task.metric: R2", "targets that differ")),
    "a test class beyond": ("classification", with_one(3), "", ("arrays, test", "label 3", "below 3")),
    "a test pixel beyond": ("segmentation", with_one(7), "", ("arrays, test", "label 7", "below 3", "ignored")),
    "more test targets": ("regression", lambda y: np.stack([y, y], 1), "", ("train", "test", "agree")),
    "more test labels": ("multi_label", lambda y: np.concatenate([y, y], 1), "", ("train", "test", "agree")),
    "too few test labels": ("regression", lambda y: y[:-1], "", ("24 examples but 23 labels",)),
}


@pytest.mark.parametrize("case", TEST_PART)
def test_test_labels_that_do_not_fit(case: str, critlab: Command, tmp_path: Path) -> None:
    task, change, options, phrases = TEST_PART[case]
    write(task, GOOD[task](), options, APART, change(GOOD[task]()))
    refused(run(critlab), *phrases)
    assert not (tmp_path / "store").exists()


def words(**changes: Any) -> Labels:
    sequences = chance().integers(0, 4, (COUNT, 5))
    for place, value in changes.items():
        sequences[int(place[1:])] = value
    return sequences


BAD_WORDS: dict[str, tuple[Callable[[], Labels], str, int, tuple[str, ...]]] = {
    "a token beyond the vocabulary": (lambda: words(_3=9), "", 5, ("token 9", "row 3", "raise vocabulary")),
    "a negative token": (lambda: words(_3=-1), "", 5, ("token -1", "row 3", "from 0 to 4")),
    "float tokens": (lambda: words() / 2, "", 5, ("float64", "whole numbers")),
    "a token of 2**40": (lambda: words(_3=2**40), "", 5, ("token 1099511627776", "row 3")),
    "one token each": (lambda: words()[:, :1], "", 5, ("at least 2 places",)),
    "one token each and padding": (
        lambda: np.where(np.arange(5) == 0, words(), 4),
        "padding = 4",
        5,
        ("one token alone", "longer sequences"),
    ),
    "nothing but padding": (lambda: words(_3=4), "padding = 4", 5, ("row 3", "no token", "remove it")),
    "padding inside": (lambda: np.where(np.arange(5) == 1, 4, words()), "padding = 4", 5, ("padding, 4", "place 1")),
    "a smaller vocabulary of the model": (words, "", 3, ("model.*vocabulary", "3", "5")),
}


@pytest.mark.parametrize("case", BAD_WORDS)
def test_tokens_that_do_not_fit(case: str, critlab: Command, tmp_path: Path) -> None:
    make, padding, vocabulary, phrases = BAD_WORDS[case]
    np.savez("data.npz", x=make())
    told = STUDY.format(
        task='name = "language_modelling"',
        data=TOKENS.format(5, padding),
        model=WORDS.format(vocabulary, padding),
        deficit='name = "token_shuffle"\nwindow = 2',
    )
    Path("study.toml").write_text(told)
    refused(run(critlab), *phrases)
    if "padding" in case:
        refused(run(critlab, "plan"), *phrases)
    assert not (tmp_path / "store").exists()


DATASET = """
import numpy as np

LABELS = np.load("labels.npy", allow_pickle=True)


class Examples:
    def __len__(self):
        return len(LABELS)

    def __getitem__(self, place):
        picture = np.full((1, 6, 6), (place % 7) / 7, np.float32)
        picture[0, 0, 0] = place / 24
        return picture, LABELS[place]


def examples():
    return Examples()
"""
OTHER = 'name = "dataset"\nfunction = "given:examples"\nsplit = { test = 0.5 }'


def mixed(labels: Labels, last: Any) -> Labels:
    """Objects, the last of another kind."""
    found = np.empty(len(labels), dtype=object)
    for place, one in enumerate(labels):
        found[place] = one
    found[-1] = last
    return found


MASK = np.zeros((6, 6), np.uint8)
BAD_EXAMPLES: dict[str, tuple[str, Callable[[Labels], Labels], tuple[str, ...]]] = {
    "three classes": ("binary", with_one(2), ("label 2", "below 2")),
    "a class as text": ("classification", lambda y: mixed(y, "cat"), ("example 23", "label 'cat'", "whole number")),
    "a label of a half": ("multi_label", with_one(0.5, float), ("label 0.5", "0 or 1")),
    "a target that is no number": ("regression", with_one(np.nan), ("target nan", "finite")),
    "a target beyond float32": ("regression", with_one(1e39, float), ("target inf", "finite")),
    "a vector for a number": ("regression", lambda y: mixed(y, np.zeros(2)), ("example 23", r"\(2,\)", r"\(\)")),
    "a pixel of 2**32 + 1": ("segmentation", with_one(2**32 + 1, np.int64), ("example 23", "4294967297", "2147483647")),
    "one float mask": ("segmentation", lambda y: mixed(y, MASK + 0.5), ("example 23", "float64", "int32")),
    "one mask of another size": ("segmentation", lambda y: mixed(y, MASK[:4].astype(int)), ("example 23", r"\(4, 6\)")),
    "one wider mask": ("segmentation", lambda y: mixed(y.astype(np.uint8), MASK.astype(int) + 300), ("example 23",)),
}


@pytest.mark.parametrize("case", BAD_EXAMPLES)
def test_examples_of_a_data_set_that_do_not_fit(case: str, critlab: Command, tmp_path: Path) -> None:
    task, change, phrases = BAD_EXAMPLES[case]
    write(task, GOOD[task](), "", OTHER)
    Path("given.py").write_text(DATASET)
    np.save("labels.npy", change(GOOD[task]()), allow_pickle=True)
    refused(run(critlab), *phrases)
    assert not (tmp_path / "store").exists()


TABLE = 'name = "table"\npath = "rows.csv"\nlabel = {}\nsplit = {{ test = 0.5 }}'
BAD_ROWS: dict[str, tuple[str, str, tuple[str, ...]]] = {
    "three classes": ("binary", "blue", ("label 2", "below 2", 'task = "classification"')),
    "a target as text": ("regression", "high", ("row 24", "'y'", "'high'", "finite number")),
    "no target": ("regression", "", ("row 24", "'y'", "empty; remove the row")),
    "an infinite target": ("regression", "inf", ("row 24", "'y'", "'inf'", "finite number")),
    "a label of 2": ("multi_label", "2", ("label 2.0", "0 or 1")),
}


@pytest.mark.parametrize("case", BAD_ROWS)
def test_rows_of_a_table_that_do_not_fit(case: str, critlab: Command, tmp_path: Path) -> None:
    task, last, phrases = BAD_ROWS[case]
    names = (
        [str(one) for one in (np.arange(COUNT) % 2)]
        if task != "binary"
        else [*["red", "green"] * (COUNT // 2 - 1), last, last]
    )
    rows = [f"{place % 5},{place % 2},{name}" for place, name in enumerate([*names[:-1], last])]
    Path("rows.csv").write_text("\n".join(["a,b,y", *rows]))
    label = '["y", "b"]' if task == "multi_label" else '"y"'
    write(task, GOOD["binary"](), "", TABLE.format(label))
    refused(run(critlab), *phrases)
    assert not (tmp_path / "store").exists()


@pytest.mark.parametrize("task", GOOD)
def test_a_store_keeps_all_it_has_when_labels_no_longer_fit(task: str, critlab: Command, tmp_path: Path) -> None:
    write(task, GOOD[task]())
    assert run(critlab).status == 0
    before = files(tmp_path / "store")
    assert before
    write(task, GOOD[task]().astype(str))
    for command in ("run", "plan"):
        refused(run(critlab, command), "data.npz:y", "<U")
    assert files(tmp_path / "store") == before
    write(task, GOOD[task]())
    assert run(critlab).status == 0
    assert files(tmp_path / "store").keys() == before.keys()
