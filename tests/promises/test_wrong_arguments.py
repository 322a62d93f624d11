"""Every parameter of every public function refuses wrong values: one message that names it, before anything is done."""

from __future__ import annotations

import importlib
import inspect
import math
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
import torch

import critlab
from critlab._core.errors import CritlabError
from critlab.deficits import Blur, WhiteNoise
from critlab.hooks.deprivation import DataInfo
from critlab.hooks.own_loop.lasting_damage import LastingDamageOptions, shrink_and_perturb
from critlab.hooks.own_loop.options import ProbeOptions
from critlab.hooks.sensitivity.options import SensitivityOptions
from critlab.hooks.watch.options import WatchOptions
from studies import small
from synthetic import synthetic_results

CALLS: list[str] = []
"""The functions of the loop that were called."""


def make(seed: int) -> dict[str, float]:
    CALLS.append("make")
    return {"score": 0.0}


def advance(state: dict[str, float], epoch: int, deprive: Any = None) -> dict[str, float]:
    CALLS.append("advance")
    return {"train_loss": 0.0}


def evaluate(state: dict[str, float]) -> float:
    CALLS.append("evaluate")
    return 0.0


def copied(state: dict[str, float]) -> dict[str, float]:
    return dict(state)


def forks(**given: Any) -> critlab.Watch:
    return critlab.Watch(torch.nn.Linear(3, 2), forks=critlab.ForkPlan(**given))


def decorated(**given: Any) -> Any:
    return critlab.metric(**given)(evaluate)


def nothing() -> None:
    """A function of no arguments, which none of critlab's parameters takes."""


WRONG_RATES = (
    *(["a"] * 4, [None] * 4, [math.nan] * 4, [-1.0] * 4),
    *(lambda epoch, one=one: one for one in (None, "a", math.nan)),
)

KINDS: Mapping[str, tuple[Any, ...]] = {
    "path": (3, True, b"x", ["x"], "a\0b"),
    "store": (3, True, b"x", ["x"], "a\0b", "file", "file/inside", "/proc/none"),
    "folder": (3, True, b"x", ["x"], "a\0b", "file", "file/inside"),
    "function": (3, [advance], nothing),
    "whole": ("x", math.nan, True, 1.5, [1], -1),
    "any whole": ("x", math.nan, True, 1.5, [1]),
    "wholes": (1.5, "3", [1.5], [True], ["a"], [[1]], object()),
    "number": ("x", math.nan, True, [1]),
    "flag": ("no", 1, []),
    "text": (3, b"x", ["a"]),
    "version": (1.5, b"x", ["a"], True),
    "choice": ("nonsense", 3, ["a"], None),
    "mapping": (3, [1], "x", True),
    "kept": (3, [1], "x", (1,), True),
    "study": (3, "x", {}, Blur(factor=7)),
    "setup": (3, "x", {}, Blur(factor=7), None),
    "deficit": (3, Blur, [Blur(factor=7)], "blur"),
    "deficits": (3, "blur", [3], [Blur], None),
    "list of deficits": (3, "blur", [3], [Blur], None, Blur(factor=7), {"a": 1}),
    "options": (3, "x", [], {}),
    "part": (3, "x", "0/2", [1, 2]),
    "executor": (3, "nonsense", ["a"]),
    "rates": (3, "x", "abcd", True, {"a": 1}, [1, 2], torch.ones(4, 2), nothing, *WRONG_RATES),
    "cost": (3, "x", nothing, *(lambda epoch, on, one=one: one for one in (None, "a", [1], math.nan, -1.0, True))),
    "results": (3, "x", [], [3], None),
    "module": (3, "x", None, torch.nn.Linear),
    "key": (1.5, [], {}, ()),
    "normalised": (3, "x", [1], (1,)),
    "labels": (3, "x"),
    "dtype": (3, "x"),
    "places": (3, "x", (1,), {}),
    "formats": (3, "pdf", ["x"], [3], None),
    "goal": ("nonsense", 3, ["max"], {"a": "up"}),
    "metric": (3, "nonsense", []),
    "named metric": (3, [3], None),
    "checkpoint": (object(), nothing),
    "width": ([], {}, True, math.nan, "nonsense"),
    "list": (3, "x", [3]),
}
"""Wrong values of each kind of parameter; with ``!`` behind the kind, None is wrong too."""

LOOP: Mapping[str, Any] = {"make": make, "advance": advance, "evaluate": evaluate, "save": copied, "load": copied}
MEANS = {"workers": "whole", "device": "choice", "executor": "executor"}
KNOWN = {"examples": "whole", "classes": "whole", "normalised": "normalised", "all_labels": "labels", "key": "key"}
FUNCTIONS = {**dict.fromkeys(("make", "advance", "evaluate", "save", "load"), "function!"), "loop": "function"}
SWEEP = {"deficit": "deficit", "setup": "setup", "seeds": "wholes!", "name": "text", "total": "whole"}
NAMES = {"name": "text!", "model": "text!", "data": "text!", "version": "version"}
FACTS = {"better": "choice", "unit": "text!", "label": "text!", "factor": "number!", "least": "number"}

TABLE: Mapping[str, tuple[Callable[..., Any], Mapping[str, Any], Mapping[str, str]]] = {
    "run": (
        critlab.run,
        {"study": small(), "store": "s", "engine": "inline"},
        {"study": "study!", "store": "store!", "workers": "whole", "device": "choice", "precision": "choice"}
        | {"data": "path", "engine": "executor!", "replace": "flag", "remeasure": "flag", "part": "part"},
    ),
    "plan": (
        critlab.plan,
        {"study": small()},
        {"study": "study!", "store": "folder!", "workers": "whole", "measure": "flag", "data": "path", "part": "part"},
    ),
    "load_results": (critlab.load_results, {"study": small()}, {"study": "study!", "store": "store!"}),
    "merge_stores": (critlab.merge_stores, {"stores": ["a", "b"]}, {"stores": "list", "into": "path"}),
    "calibrate": (
        critlab.calibrate,
        {"study": small(), "studies": 4},
        {"study": "study", "studies": "whole", "seed": "whole", "progress": "function"},
    ),
    "report": (
        critlab.report,
        {"results": synthetic_results(), "path": "p.html"},
        {"results": "results", "path": "path!", "further": "list", "comparisons": "list", "live": "text!"},
    ),
    "save_figures": (
        critlab.save_figures,
        {"results": synthetic_results(), "folder": "f"},
        {"results": "results", "folder": "path!", "style": "options"},
    ),
    "read_study": (critlab.read_study, {"path": "x.toml"}, {"path": "path!"}),
    "removal_sweep": (
        critlab.removal_sweep,
        {"deficit": Blur(factor=7), "at": [0, 1], "setup": small(), "seeds": 2, "recovery": 2},
        {**SWEEP, "at": "wholes!", "recovery": "whole"},
    ),
    "window_sweep": (
        critlab.window_sweep,
        {"deficit": Blur(factor=7), "onsets": [0, 1], "length": 1, "setup": small(), "seeds": 2, "recovery": 2},
        {**SWEEP, "onsets": "wholes!", "length": "whole!", "recovery": "whole"},
    ),
    "onset_sweep": (
        critlab.onset_sweep,
        {"deficit": Blur(factor=7), "at": [0, 1], "total": 5, "setup": small(), "seeds": 2},
        {**SWEEP, "at": "wholes!"},
    ),
    "switch_off_sweep": (
        critlab.switch_off_sweep,
        {"deficit": Blur(factor=7), "at": [0, 1], "total": 5, "setup": small(), "seeds": 2},
        {**SWEEP, "at": "wholes!"},
    ),
    "probe": (
        critlab.probe,
        {**LOOP, "deficit": WhiteNoise(), "at": [0, 1], "recovery": 1, "seeds": 1, "version": "1", "store": "s"},
        {**FUNCTIONS, **MEANS, **KNOWN, **NAMES, "deficit": "deficit!", "at": "wholes", "recovery": "whole"}
        | {"seeds": "wholes!", "store": "store!", "options": "options", "onsets": "wholes", "length": "whole"}
        | {"total": "whole", "controls": "list of deficits", "delay": "flag", "restart": "flag", "metric": "metric"}
        | {"smallest_damage": "number", "final_epochs": "whole!", "closing_width": "number", "knowledge": "options"}
        | {"check": "flag", "replace": "flag", "threads": "whole", "part": "part"},
    ),
    "when": (
        critlab.when,
        {**LOOP, "switch": lambda state, on: None, "total": 4, "seeds": 3, "tolerance": 0.1, "version": "1"},
        {**FUNCTIONS, **MEANS, **NAMES, "switch": "function!", "total": "whole!", "seeds": "wholes!"}
        | {"tolerance": "number", "goal": "goal", "store": "store!", "options": "options", "direction": "choice"}
        | {"times": "wholes", "present": "whole", "most_times": "whole", "cost": "cost", "diverged": "number"}
        | {"fraction": "flag", "switch_name": "text!", "step": "text!", "check": "flag", "replace": "flag"}
        | {"threads": "whole", "metric": "named metric"},
    ),
    "sensitivity": (
        critlab.sensitivity,
        {name: one for name, one in LOOP.items() if name != "make"}
        | {"state": {"score": 0.0}, "deficits": [WhiteNoise()], "epoch": 0, "total": 4, "deprived": 1, "clean": 1},
        {name: kind for name, kind in FUNCTIONS.items() if name not in ("make", "save")}
        | {**MEANS, **KNOWN, "save": "function", "deficits": "deficits", "epoch": "whole", "total": "whole!"}
        | {"deprived": "whole!", "clean": "whole!", "options": "options", "smallest_damage": "number!"}
        | {"repeats": "whole!", "most_epochs": "whole", "knowledge": "options", "check": "flag", "forecasts": "flag"}
        | {"own_map": "options", "rates": "rates", "kept": "kept", "live": "flag", "metric": "metric"},
    ),
    "lasting_damage": (
        critlab.lasting_damage,
        {"before": {"score": 1.0}, "after": {"score": 1.5}, "advance": advance, "evaluate": evaluate, "load": copied}
        | {"epoch": 2, "stretch": 2, "recovery": 1, "repeats": 3},
        {name: kind for name, kind in FUNCTIONS.items() if name not in ("make", "save")}
        | {**MEANS, "before": "checkpoint", "after": "checkpoint", "epoch": "whole!", "stretch": "whole!"}
        | {"recovery": "whole!", "repeats": "whole!", "remedies": "mapping", "options": "options", "metric": "metric"}
        | {"smallest_damage": "number", "controls": "flag", "kept": "kept"},
    ),
    "Watch": (
        critlab.Watch,
        {"model": torch.nn.Linear(3, 2)},
        {"model": "module", "budget": "number!", "groups": "mapping", "epoch_steps": "whole", "optimizer": "labels"}
        | {"forks": "options", "on_closed": "function", "options": "options", "examples": "whole!"}
        | {"seed": "any whole!", "forward": "function", "likelihood": "metric", "autocast": "dtype"}
        | {"gradients": "flag", "path": "flag", "clip": "number"},
    ),
    "ForkPlan": (
        forks,
        {name: one for name, one in LOOP.items() if name != "make"} | {"deficits": [WhiteNoise()], "total": 100},
        {"deficits": "deficits", "evaluate": "function!", "total": "whole!", "advance": "function!"}
        | {"load": "function!", "save": "function", "deprived": "whole", "clean": "whole", "fork_budget": "number!"}
        | {"places": "places", "epoch_of": "function", "options": "options", "metric": "metric"},
    ),
    "DeficitLoader": (
        critlab.DeficitLoader,
        {"loader": [(torch.zeros(2, 1, 4, 4), torch.zeros(2))], "deficit": WhiteNoise(), "stop": 2},
        {**KNOWN, "deficit": "deficit!", "stop": "whole!", "start": "whole!", "per": "choice", "seed": "any whole!"}
        | {"inputs": "key", "labels": "key", "numbers": "key", "mask": "key", "knowledge": "options"}
        | {"refill": "flag"},
    ),
    "metric": (decorated, {"better": "higher"}, {**FACTS, "most": "number", "smallest_damage": "number!"}),
    "Metric": (
        critlab.Metric,
        {"name": "m"},
        {**FACTS, "name": "text!", "most": "number", "smallest_damage": "number!"},
    ),
    "PaperStyle": (critlab.PaperStyle, {}, {"width": "width", "font": "text!", "formats": "formats"}),
}
"""Of each public function: how it is called, arguments that are right, and the kinds of its parameters."""

OPTIONS: Mapping[str, tuple[type, ...]] = {
    "probe": (ProbeOptions, DataInfo),
    "when": (critlab.WhenOptions,),
    "sensitivity": (SensitivityOptions, DataInfo),
    "lasting_damage": (LastingDamageOptions,),
    "Watch": (WatchOptions,),
    "DeficitLoader": (DataInfo,),
}
"""The options that a function takes by name."""

AMONG_THE_NAMED = {"when": {"options"}, "DeficitLoader": {"refill"}}
"""What a function takes by name in addition to its options."""

LEFT_OUT: Mapping[str, set[str]] = {
    # what a state is only the user's functions know
    "sensitivity": {"state"},
    # anything that the model takes, and anything that records can go to
    "Watch": {"probe", "log"},
    # any iterable
    "DeficitLoader": {"loader"},
    "Metric": {"counted"},
}
"""Parameters that no value is wrong for before it is used."""

OTHERS = {
    # values that are read by the rules of a study file
    *("BackgroundDeficit", "Intervention", "Setup", "Study", "WindowOverride"),
    # what functions return
    *("Estimate", "Results"),
    # its fields are those of ``when``
    "WhenOptions",
    # measures of a model and its data
    *("fisher_trace", "relative_source_variance"),
}
"""Public names that this table has no row for."""

PUBLIC = re.compile(r"^from \S+ import (\w+) as \1$", re.MULTILINE)
FOLDERS = {"deficits", "hooks", "kernels", "linear", "measures", "models", "papers"}


def parameters(name: str) -> set[str]:
    """All that a function takes by name, its options included."""
    called: Any = {"ForkPlan": critlab.ForkPlan, "metric": critlab.metric}.get(name, TABLE[name][0])
    if name == "report":
        from critlab.report.page import report as called
    found = inspect.signature(called).parameters.values()
    given = {one.name for one in found if one.kind is not inspect.Parameter.VAR_KEYWORD}
    own = {one.name for kind in OPTIONS.get(name, ()) for one in fields(kind)}
    renamed = {"labels": "all_labels"} if DataInfo in OPTIONS.get(name, ()) else {}
    given |= AMONG_THE_NAMED.get(name, set())
    return given | {renamed.get(one, one) for one in own}


def cases() -> Iterator[Any]:
    for name, (_, _, kinds) in TABLE.items():
        for parameter, kind in kinds.items():
            yield pytest.param(name, parameter, kind, id=f"{name}-{parameter}")


def test_every_public_function_and_parameter_has_its_kind() -> None:
    text = (Path(critlab.__file__).parent / "__init__.pyi").read_text(encoding="utf-8")
    assert set(PUBLIC.findall(text)) - FOLDERS == set(TABLE) | OTHERS
    for name, (_, _, kinds) in TABLE.items():
        assert parameters(name) - LEFT_OUT.get(name, set()) == set(kinds), name


@pytest.mark.parametrize(("name", "parameter", "kind"), list(cases()))
def test_a_wrong_value_is_one_message_that_names_the_parameter(
    name: str, parameter: str, kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    call, right, _ = TABLE[name]
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").write_text("no folder", encoding="utf-8")
    for value in (*KINDS[kind.removesuffix("!")], *([None] if kind.endswith("!") else [])):
        CALLS.clear()
        with pytest.raises(CritlabError) as refused:
            call(**{**right, parameter: value})
        said = str(refused.value)
        # of a list of formats, one format is wrong
        assert re.search(rf"\b{parameter.removesuffix('s')}s?\b", said), (value, said)
        assert "\n" not in said, (value, said)
        assert not CALLS, (value, CALLS)
        assert [one.name for one in tmp_path.iterdir()] == ["file"], value


def test_an_unwritable_store_is_said_before_training(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(
        CritlabError, match=r"^/proc/none: the store cannot be written: .*; use a folder that you may write"
    ):
        critlab.run(small(), "/proc/none", engine="inline")


CALLBACKS: Mapping[str, dict[str, tuple[Any, ...]]] = {
    "lightning": {"inputs": KINDS["function"], "forks": KINDS["options"], "sidecar": KINDS["path"]},
    "transformers": {"resume": KINDS["path"], "forks": KINDS["options"], "sidecar": KINDS["path"]},
}


@pytest.mark.parametrize("framework", CALLBACKS)
def test_a_callback_refuses_when_it_is_made(framework: str) -> None:
    pytest.importorskip("lightning.pytorch" if framework == "lightning" else "transformers")
    room = importlib.import_module(f"critlab.hooks.{framework}")
    for parameter, values in CALLBACKS[framework].items():
        for value in values:
            with pytest.raises(CritlabError, match=rf"WatchCallback: {parameter}: "):
                room.WatchCallback(**{parameter: value})
    right: dict[str, Any] = {"switch": lambda training, on: None, "total": 3}
    maker = "make_module" if framework == "lightning" else "make_trainer"
    right |= {maker: lambda seed: None, **({} if framework == "lightning" else {"epoch_steps": 2})}
    kinds = {maker: "function", "switch": "function", "total": "whole", "epoch_steps": "whole", "trainer": "mapping"}
    for parameter in {*right, *(["trainer"] if framework == "lightning" else [])}:
        for value in KINDS[kinds[parameter]]:
            with pytest.raises(CritlabError, match=rf"when_loop: {parameter}: "):
                room.when_loop(**{**right, parameter: value})
    assert room.when_loop(**right)["total"] == 3


@pytest.mark.parametrize("parameter", ["model", "fresh"])
def test_shrink_and_perturb_takes_models(parameter: str) -> None:
    right: dict[str, Any] = {"model": torch.nn.Linear(3, 2), "fresh": torch.nn.Linear(3, 2)}
    with pytest.raises(CritlabError, match=f"shrink_and_perturb: {parameter}: received int; must be a torch.nn.Module"):
        shrink_and_perturb(**{**right, parameter: 3})


def test_a_cost_that_is_known_only_after_training_is_left(tmp_path: Path) -> None:
    seconds: dict[int, float] = {}

    def timed(state: dict[str, float], epoch: int) -> dict[str, float]:
        seconds[epoch] = 1.0
        return {"train_loss": 0.0}

    _, right, _ = TABLE["when"]
    more = {"advance": timed, "cost": lambda epoch, on: seconds[epoch], "store": tmp_path / "s"}
    assert critlab.when(**{**right, **more}).costs is not None


def test_what_is_right_stays_right() -> None:
    import numpy as np

    changed: dict[str, dict[str, Any]] = {
        "plan": {"workers": np.int64(2), "measure": np.False_, "store": Path("s")},
        "DeficitLoader": {"stop": np.int64(2), "refill": np.True_, "labels": None, "inputs": ("a", 0), "seed": -1},
        "Metric": {"smallest_damage": np.float32(0.5), "least": 0},
        "PaperStyle": {"width": np.float64(300.0), "formats": ["pdf"]},
        "ForkPlan": {"places": ("input_ids", None), "deficits": Blur(factor=2), "fork_budget": 1},
    }
    for name, changes in changed.items():
        call, right, _ = TABLE[name]
        call(**{**right, **changes})
