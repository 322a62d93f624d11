"""Studies made in Python: numbers of numpy and its kin, mistakes in words, and submodules of one import."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from typing import Any, cast

import numpy as np
import pytest
import torch
from pydantic import ConfigDict

import critlab
from critlab._core.errors import InvalidValue, StudyError
from critlab._core.spec import Spec
from critlab.deficits import Blur
from critlab.study import Study, removal, windows

PARTS: dict[str, Any] = {
    "data": {"name": "sample"},
    "model": {"name": "mlp", "hidden": [8, 4]},
    "optimizer": {"name": "sgd", "lr": 0.05},
}
BASE = critlab.Setup(**PARTS)
PLAIN: dict[str, Any] = {"at": [0, 8, 16], "recovery": 4, "seeds": 3, "base": BASE}


@pytest.mark.parametrize(
    "changed",
    [
        {"at": np.arange(0, 24, 8)},
        {"at": [np.int8(0), np.uint64(8), torch.tensor(16)]},
        {"at": torch.arange(0, 24, 8)},
        {"at": (epoch for epoch in (0, 8, 16))},
        {"recovery": np.int64(4)},
        {"seeds": np.int64(3)},
        {"seeds": np.array(3)},
        {"seeds": np.arange(3)},
        {"base": critlab.Setup(**{**PARTS, "model": {"name": "mlp", "hidden": np.array([8, 4])}})},
        {"base": critlab.Setup(**{**PARTS, "optimizer": {"name": "sgd", "lr": np.float64(0.05)}})},
    ],
)
def test_numbers_are_what_they_are(changed: dict[str, Any]) -> None:
    factor: Any = np.int16(7)
    study = removal(Blur(factor=factor), **{**PLAIN, **changed})
    plain = removal(Blur(factor=7), **PLAIN)
    assert study == plain
    assert study.model_dump_json() == plain.model_dump_json()


def test_every_kind_of_number() -> None:
    class Own(Spec):
        whole: int = 0
        number: float = 0.0
        yes: bool = False
        several: tuple[int, ...] = ()
        model_config = ConfigDict(arbitrary_types_allowed=True)
        array: np.ndarray | None = None

    read = Own(whole=np.int32(3), number=np.float32(0.5), yes=np.bool_(True), several=(np.int64(1),))  # type: ignore
    assert [type(value) for value in (read.whole, read.number, read.yes, read.several[0])] == [int, float, bool, int]
    assert isinstance(Own(array=np.ones(2)).array, np.ndarray), "a field that asks for an array gets it"
    for wrong in (np.float64(3.0), np.bool_(True), np.array([1, 2]), "3"):
        with pytest.raises(InvalidValue, match="must be an integer"):
            Own(whole=wrong)  # type: ignore[arg-type]
    swept = windows(Blur(factor=7), onsets=np.arange(2), length=np.int64(1), base=BASE, seeds=1, total=np.uint8(9))
    assert swept.sweep.points == (0, 1)


MISTAKES: dict[str, tuple[Callable[[], Any], str]] = {
    "unknown key": (
        lambda: critlab.Setup(**{**PARTS, "data": {"name": "sample", "tran": 3}}),
        r"^Setup: data\.tran: unknown key, received 3; did you mean 'train'\? \(allowed: .*\)$",
    ),
    "missing": (lambda: Study(**PARTS), r"^Study: 3 problems\n  name: required, but missing\n"),
    "out of range": (lambda: Blur(factor=1), r"^Blur: factor: received 1; must be greater than or equal to 2$"),
    "by place": (lambda: cast(Any, Blur)(7), r"^Blur: received 7 by place; give fields by name: .*factor="),
    "epochs that are none": (
        lambda: removal(Blur(factor=7), **{**PLAIN, "at": 5}),
        r"sweep\.at: received 5; must be a list",
    ),
    "a word": (
        lambda: removal(Blur(factor=7), **{**PLAIN, "at": "never"}),
        r"sweep\.at: received 'never'; must be a list",
    ),
    "half a seed": (
        lambda: removal(Blur(factor=7), **{**PLAIN, "seeds": 2.5}),
        r"seeds: received 2\.5; must be the number of seeds",
    ),
    "no base": (
        lambda: removal(Blur(factor=7), **{**PLAIN, "base": {}}),
        r"setup: received \{\}; must be a critlab\.Setup",
    ),
    "a class": (lambda: removal(Blur, **PLAIN), r"deficit: received the class Blur; must be a deficit: Blur\(\.\.\.\)"),  # type: ignore[arg-type]
    "a word for a deficit": (lambda: removal("blur", **PLAIN), r"deficit: received 'blur'"),  # type: ignore[arg-type]
    "itself inside": (lambda: critlab.Setup(**{**PARTS, "model": _in_itself()}), r"^Setup: "),
}


def _in_itself() -> list[Any]:
    value: list[Any] = []
    value.append(value)
    return value


@pytest.mark.parametrize("mistake", MISTAKES)
def test_mistakes_are_said_in_words(mistake: str) -> None:
    call, words = MISTAKES[mistake]
    with pytest.raises(StudyError, match=words) as caught:
        call()
    assert "pydantic" not in f"{caught.value}"


def test_a_mistake_is_a_value_error_too() -> None:
    with pytest.raises(ValueError, match="must be greater"):
        Blur(factor=1)
    with pytest.raises(ValueError, match="unknown key"):
        removal(Blur(factor=7), **PLAIN, bas=3)


@pytest.mark.slow
def test_one_import_reaches_every_module() -> None:
    paths = [
        "hooks.own_loop.packing",
        "hooks.own_loop.lasting_damage.shrink_and_perturb",
        "_core.registry.Registry",
        "analysis.information.filters.first_layer_filters",
        "errors.StudyError",
        "engine.run",
        "training.loop",
        "store.delivery",
    ]
    code = "import critlab\n" + "\n".join(f"critlab.{path}" for path in paths)
    code += "\nassert not hasattr(critlab.hooks, 'nothing') and not hasattr(critlab, 'nothing')"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
