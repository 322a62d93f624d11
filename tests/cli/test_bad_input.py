"""Bad input: one message that names the field, exit status 2, and nothing created."""

from __future__ import annotations

import copy
import json
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from command import JARGON, Answer, Command
from critlab._core.errors import StudyError
from critlab._core.problems import MOST_LINES, Location, Problems, nearest, refusal, shown
from critlab._core.spec import Spec
from critlab.study import Study, read_study
from studies import TOML, small, toml, written

COMMANDS = {
    "plan": ["--json"],
    "run": [],
    "status": ["--json"],
    "export": ["--out", "table.csv"],
    "report": ["--out", "page.html"],
}


class Missing:
    """In place of a value: the key is left out. Its name is the same in every process of a parallel run."""

    def __repr__(self) -> str:
        return "MISSING"


MISSING = Missing()


def changed(place: str, value: Any) -> dict[str, Any]:
    """The small study with another value at ``place``, or without that key."""
    document: dict[str, Any] = tomllib.loads(TOML)
    table = document
    *parents, last = place.split(".")
    for parent in parents:
        table = table.setdefault(parent, {})
    if value is MISSING:
        del table[last]
    else:
        table[last] = value
    return document


def refused(answer: Answer, field: str, *phrases: str) -> None:
    """Asserts that there is one message for a person, which names ``field`` and holds ``phrases``."""
    assert answer.status == 2, answer
    assert answer.out == ""
    assert len(re.findall(r"^critlab: ", answer.problem, re.M)) == 1
    assert answer.problem.startswith("critlab: ")
    assert answer.problem.endswith("\n")
    assert re.search(rf"(^  |: ){re.escape(field)}: ", answer.problem, re.M), answer.problem
    for phrase in phrases:
        assert phrase in answer.problem
    assert not JARGON.search(answer.problem), answer.problem


TEN: dict[str, tuple[Any, ...]] = {
    "unknown key": (("flip = true", "flpi = true"), "augment.flpi", "received True", "did you mean 'flip'", "shift"),
    "wrong type": (("batch = 40", 'batch = "40"'), "optimizer.batch", "received '40'", "must be an integer"),
    "negative epochs": (("recovery = 2", "recovery = -2"), "sweep.recovery", "received -2", "equal to 1"),
    "unknown deficit": (('"blur"', '"blurr"'), "deficit.name", "received 'blurr'", "did you mean 'blur'", "noise"),
    "decreasing removals": (("[0, 1, 3]", "[0, 3, 1]"), "sweep.at", "received 1 after 3", "must be increasing"),
    "empty seeds": (("seeds = 2", "seeds = []"), "seeds", "received 0 seeds", "must be from 1 to"),
    "batch above the data": (("batch = 40", "batch = 121"), "optimizer.batch", "received 121", "at most 120"),
    "seeds twice": (("[data]", "[seeds]\nfirst = 3\nmost = 5\n[data]"), "seeds", "received both a value and a table"),
    "broken TOML": (("seeds = 2", "seeds = = 2"), "study.toml", "not valid TOML", "line 3"),
    "unknown data set": (('"sample"', '"smaple"'), "data.name", "received 'smaple'", "did you mean 'sample'"),
}


@pytest.mark.slow
@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("case", TEN)
def test_a_malformed_file(critlab: Command, tmp_path: Path, case: str, command: str) -> None:
    replacement, field, *phrases = TEN[case]
    written(tmp_path, replacement)
    refused(critlab(command, "study.toml", "--store", "store", *COMMANDS[command]), field, *phrases)
    assert [path.name for path in tmp_path.iterdir()] == ["study.toml"]


@pytest.mark.parametrize("command", COMMANDS)
def test_a_missing_file(critlab: Command, tmp_path: Path, command: str) -> None:
    answer = critlab(command, "study.toml", "--store", "store", *COMMANDS[command])
    refused(answer, "study.toml", "file not found", "critlab list")
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
@pytest.mark.parametrize("command", ["run", "export"])
@pytest.mark.parametrize("case", ["unknown key", "unknown data set"])
def test_the_installed_command(tmp_path: Path, case: str, command: str) -> None:
    replacement, field, *phrases = TEN[case]
    written(tmp_path, replacement)
    asked = [sys.executable, "-m", "critlab.cli", command, "study.toml", "--store", "store", *COMMANDS[command]]
    ended = subprocess.run(asked, cwd=tmp_path, capture_output=True, text=True)
    refused(Answer(ended.returncode, ended.stdout, ended.stderr), field, *phrases)
    assert [path.name for path in tmp_path.iterdir()] == ["study.toml"]


SWEEPS = "(allowed: removal, window, onset, switch_off)"
EPOCH = 'an epoch from 0 to 1,000,000, or "never"'
WINDOW: dict[str, Any] = {"kind": "window", "onsets": [0, 2], "length": 1, "recovery": 2}
BLUR: dict[str, Any] = {"name": "blur", "factor": 4}
SMOOTHED, SHRUNK = "smoothed_cross_entropy", {"shrink": 0.5}

Wrong = tuple[str, Any, str, str]
"""Where, what is written there, the field that the message names ("" is the same), what the message says."""


def each(place: str, text: str, *values: Any) -> list[Wrong]:
    """The same message for several values; ``{}`` in it stands for the value."""
    return [(place, value, "", text.replace("{}", shown(value))) for value in values]


VALUES: list[Wrong] = [
    ("extra", 1, "", "unknown key, received 1"),
    ("sed", 3, "", "did you mean 'seeds'?"),
    ("data.trian", 3, "", "did you mean 'train'?"),
    ("model.hiden", [3], "", "did you mean 'hidden'?"),
    ("optimizer.momentun", 0.9, "", "did you mean 'momentum'?"),
    ("augment.shfit", 1, "", "did you mean 'shift'?"),
    ("deficit.fctor", 3, "", "did you mean 'factor'?"),
    ("sweep.recovry", 3, "", "did you mean 'recovery'?"),
    ("sweep.onsets", [1], "", "unknown key, received [1] (allowed: recovery, total, kind, at)"),
    ("sweep", {**WINDOW, "at": [1]}, "sweep.at", "(allowed: recovery, total, kind, onsets, length)"),
    ("controls", {"clock": []}, "controls.clock", "did you mean 'clocks'?"),
    ("controls", {"deficits": [BLUR, {**BLUR, "x": 1}]}, "controls.deficits.1.x", "(allowed: when, "),
    ("statistics", {"final_epoch": 2}, "statistics.final_epoch", "did you mean 'final_epochs'?"),
    ("measures.fisher_trce", {}, "", "unknown measure, received 'fisher_trce'; did you mean 'fisher_trace'?"),
    ("measures.fisher_trace.imgs", 3, "", "did you mean 'images'?"),
    ("a.b\nc", 1, "a", "unknown key"),
    ("strange\nkey", 1, r"'strange\nkey'", "unknown key"),
    *[(table, 3, "", "received 3; must be a table") for table in ("data", "model", "optimizer", "augment", "deficit")],
    *[(table, [], "", "received []; must be a table") for table in ("sweep", "controls", "statistics", "measures")],
    ("measures.fisher_trace", 5, "", "received 5; must be a table"),
    ("controls", {"deficits": ["blur"]}, "controls.deficits.0", "received 'blur'; must be a table"),
    ("controls", {"deficits": BLUR}, "controls.deficits", "must be a list"),
    *[(table, MISSING, "", "required, but missing") for table in ("data", "model", "optimizer", "deficit", "sweep")],
    *[(key, MISSING, "", "required, but missing") for key in ("name", "seeds", "data.name", "model.name")],
    ("optimizer.name", MISSING, "", "required, but missing (allowed: sgd, adam, "),
    ("optimizer.lr", MISSING, "", "required, but missing"),
    ("deficit.name", MISSING, "", "required, but missing (allowed: blur, "),
    ("deficit.factor", MISSING, "", "required, but missing"),
    ("sweep.kind", MISSING, "", f"required, but missing {SWEEPS}"),
    ("sweep.at", MISSING, "", "required, but missing"),
    ("controls", {"deficits": [BLUR, {}]}, "controls.deficits.1.name", "required, but missing (allowed: blur, "),
    *each("name", "must be 1 to 100 letters", "a/b", "", "x" * 101, "a\n", "../up", " a", "é"),
    ("name", 3, "", "received 3; must be a string"),
    ("name", date(2020, 1, 2), "", "received 2020-01-02; must be a string"),
    *each("seeds", "received {}; must be from 1 to 10,000", 0, -1, 10**12),
    *each("seeds", "the number of seeds or a list", True, "3", 2.0, {}),
    ("seeds", [0, 0], "", "received [0, 0]; must be without repeats"),
    ("seeds", [0, 1.5], "seeds.1", "received 1.5; must be an integer"),
    ("seeds", [True], "seeds.0", "received True; must be an integer"),
    ("seeds", [-1], "seeds.0", "received -1; must be greater than or equal to 0"),
    ("seeds", [2**63], "seeds.0", "must be less than"),
    *[("seeds", {"first": n, "most": 5}, "seeds.first", f"received {n}; must be at least 3") for n in (-1, 0, 1, 2)],
    ("seeds", {"first": 6, "most": 5}, "seeds.most", "received 5; must be at least first, which is 6"),
    ("seeds", {"first": 3, "most": 10_001}, "seeds.most", "received 10001; must be at most 10,000"),
    ("seeds", {"first": 3}, "seeds.most", "required, but missing"),
    ("seeds", {"first": 3.5, "most": 5}, "seeds.first", "received 3.5; must be an integer"),
    ("seeds", {"first": True, "most": 5}, "seeds.first", "received True; must be an integer"),
    ("seeds", {"first": 3, "most": 5, "moost": 6}, "seeds.moost", "did you mean 'most'?"),
    *each("data.train", "must be greater than or equal to 1", 0, -5),
    ("data.train", 10_001, "", "received 10,001; must be at most 10,000"),
    ("data.test", 4_001, "", "received 4,001; must be at most 4,000"),
    ("data.test", 0, "", "must be greater than or equal to 1"),
    ("data.epoch", 121, "", "received 121; must be at most train, which is 120"),
    ("data.epoch", 0, "", "must be greater than or equal to 1"),
    ("data.pad", -1, "", "must be greater than or equal to 0"),
    ("data.name", 3, "", "received 3; must be a string"),
    ("model", {"name": "all_cnn", "width": 0}, "model.width", "received 0; must be greater than or equal to 1"),
    ("model", {"name": "all_cnn", "width": 2.5}, "model.width", "received 2.5; must be an integer"),
    ("model", {"name": "all_cnn", "batch_norm": 1}, "model.batch_norm", "received 1; must be true or false"),
    ("model.name", "mpl", "", "unknown model, received 'mpl'; did you mean 'mlp'?"),
    ("model.name", 3, "", "received 3; must be a string"),
    ("model.hidden", 4, "", "received 4; must be a list"),
    ("model.hidden", [3, 0], "model.hidden.1", "received 0; must be greater than or equal to 1"),
    ("model", {"name": "x:y", "when": date(2020, 1, 2)}, "model.when", "must be a JSON value"),
    *each("optimizer.lr", "must be greater than 0", 0, -1, -0.5),
    *each("optimizer.lr", "must be a finite number", float("nan"), float("inf"), "0.05", True, []),
    ("optimizer.lr", 10**400, "", "received an integer of 1329 bits; must be a finite number"),
    ("optimizer.lr_decay", 0, "", "must be greater than 0"),
    ("optimizer.lr_decay", 1.5, "", "received 1.5; must be less than or equal to 1"),
    ("optimizer.momentum", 1.0, "", "received 1.0; must be less than 1"),
    ("optimizer.momentum", -0.1, "", "must be greater than or equal to 0"),
    ("optimizer.lr", 1e300, "", "received 1e+300; must be less than or equal to 1"),
    ("controls", {"at": []}, "controls.at", "must be a list of at least 1"),
    ("controls", {"clocks": [[]]}, "controls.clocks.0", "received [] (allowed: absolute, since_removal, "),
    ("deficit.name", [1], "", "received [1]; must be a string"),
    ("optimizer.weight_decay", -1, "", "must be greater than or equal to 0"),
    ("optimizer.weight_decay", float("inf"), "", "must be a finite number"),
    ("optimizer.batch", 0, "", "must be greater than or equal to 1"),
    ("optimizer.batch", MISSING, "", "received 128, the default; must be at most 120"),
    ("optimizer.batch", True, "", "received True; must be an integer"),
    ("optimizer.name", "sdg", "", "received 'sdg'; did you mean 'sgd'? (allowed: sgd, adam, "),
    ("optimizer.name", "adam", "optimizer.momentum", "adam has no momentum, omit it"),
    ("optimizer.clock", "abs", "", "did you mean 'absolute'? (allowed: absolute, "),
    ("augment.flip", 1, "", "received 1; must be true or false"),
    ("augment.shift", -1, "", "must be greater than or equal to 0"),
    ("augment.shift", 28, "", "received 28; must be below the side of the image, 28"),
    ("deficit.factor", 1, "", "received 1; must be greater than or equal to 2"),
    ("deficit.factor", 29, "", "received 29; must be from 2 to the image's smaller side, 28"),
    *each("deficit.factor", "received {}; must be an integer", 4.5, "4"),
    ("deficit.factor", True, "", "received True; must be an integer"),
    ("deficit.when", "after", "", "did you mean 'after_augment'? (allowed: after_augment, before_augment)"),
    ("deficit.name", "os:path", "", "must be a subclass of critlab.deficits.Deficit"),
    ("deficit.name", "no_such_module:Blur", "", "'no_such_module:Blur' cannot be imported"),
    ("controls", {"deficits": [BLUR, {**BLUR, "factor": 29}]}, "controls.deficits.1.factor", "must be from 2 to"),
    ("controls", {"deficits": [{"name": "blurr"}]}, "controls.deficits.0.name", "did you mean 'blur'?"),
    ("controls", {"clocks": ["absolut"]}, "controls.clocks.0", "did you mean 'absolute'?"),
    ("controls", {"clocks": ["absolute"] * 2}, "controls.clocks", "must be without repeats"),
    ("controls", {"clocks": "absolute"}, "controls.clocks", "received 'absolute'; must be a list"),
    ("controls", {"at": [2]}, "controls.at", "received 2; must be one of the sweep's: 0, 1, 3"),
    ("controls", {"at": [0, 0]}, "controls.at", "received 0 after 0; must be increasing"),
    ("controls", {"at": [1.0]}, "controls.at.0", f"received 1.0 (allowed: {EPOCH})"),
    ("controls", {"equal_total": 1}, "controls.equal_total", "must be true or false"),
    ("sweep.kind", "removl", "", f"received 'removl'; did you mean 'removal'? {SWEEPS}"),
    *each("sweep.kind", SWEEPS, 3, True, [], {}),
    ("sweep.kind", "window", "sweep.onsets", "required, but missing"),
    *each("sweep.recovery", "must be greater than or equal to 1", 0, -3),
    *each("sweep.recovery", "must be an integer", 1.5, "4", True),
    ("sweep.recovery", 10**30, "", "must be less than or equal to 1000000"),
    ("sweep.recovery", MISSING, "", "received neither of recovery and total; give exactly one"),
    ("sweep.total", 9, "sweep.recovery", "received both of recovery and total; give exactly one"),
    ("sweep", {"kind": "removal", "at": [0, 3], "total": 3}, "sweep.total", "received 3; must be above 3"),
    ("sweep.at", [], "", "received []; must be a list of at least 1"),
    ("sweep.at", [0, 1, 1], "", "received 1 after 1; must be increasing"),
    ("sweep.at", ["never", 1], "", 'received "never" before the end; "never" must be the last value'),
    ("sweep.at", [0, "newer"], "sweep.at.1", f"received 'newer'; did you mean \"never\"? (allowed: {EPOCH})"),
    ("sweep.at", [0, -1], "sweep.at.1", f"received -1 (allowed: {EPOCH})"),
    ("sweep.at", [0, 1.5], "sweep.at.1", f"received 1.5 (allowed: {EPOCH})"),
    ("sweep.at", [0, [1]], "sweep.at.1", f"received [1] (allowed: {EPOCH})"),
    ("sweep.at", [0, {}], "sweep.at.1", f"received {{}} (allowed: {EPOCH})"),
    ("sweep.at", [0, 10**30], "sweep.at.1", f"received {10**30} (allowed: {EPOCH})"),
    ("sweep.at", [True], "sweep.at.0", f"received True (allowed: {EPOCH})"),
    *each("sweep.at", "received {}; must be a list", 5, "never"),
    ("sweep.at", {"first": [0, 2, "never"], "most": 5}, "sweep.at.first", 'received "never"; must be left out'),
    ("sweep.at", {"first": [0, 2, 4], "most": 2}, "sweep.at.most", "received 2; must be at least 3, the number of"),
    ("sweep.at", {"first": [0, 4, 4], "most": 5}, "sweep.at.first", "received 4 after 4; must be increasing"),
    ("sweep.at", {"first": [0], "most": 5}, "sweep.at.first", "must be a list of at least 2"),
    ("sweep.at", {"first": [0, 1.5], "most": 5}, "sweep.at.first.1", "received 1.5; must be an integer"),
    ("sweep.at", {"first": [0, 4]}, "sweep.at.most", "required, but missing"),
    ("sweep.at", {"first": [0, 4], "moost": 5}, "sweep.at.moost", "did you mean 'most'?"),
    ("sweep", {**WINDOW, "onsets": {"first": [2, 2], "most": 5}}, "sweep.onsets.first", "received 2 after 2"),
    ("statistics", {"closing_width": 2}, "statistics.closing_width", "but the sweep adds no points"),
    ("statistics", {"closing_width": 0}, "statistics.closing_width", "must be greater than 0"),
    ("sweep", {**WINDOW, "onsets": []}, "sweep.onsets", "must be a list of at least 1"),
    ("sweep", {**WINDOW, "onsets": [2, 2]}, "sweep.onsets", "received 2 after 2; must be increasing"),
    ("sweep", {**WINDOW, "onsets": [-1]}, "sweep.onsets.0", "must be greater than or equal to 0"),
    ("sweep", {**WINDOW, "onsets": ["never"]}, "sweep.onsets.0", "received 'never'; must be an integer"),
    ("sweep", {**WINDOW, "length": 0}, "sweep.length", "must be greater than or equal to 1"),
    ("sweep", {**WINDOW, "total": 9}, "sweep.recovery", "received both"),
    ("measures.fisher_trace.every", 0, "", "must be greater than or equal to 1"),
    ("measures.fisher_trace.images", 0, "", "must be greater than or equal to 1"),
    ("measures.fisher_trace.inputs", "x", "", "received 'x' (allowed: clean, as_trained)"),
    ("statistics", {"final_epochs": 0}, "statistics.final_epochs", "must be greater than or equal to 1"),
    ("statistics", {"smallest_damage": 1}, "statistics.smallest_damage", "must be less than 1"),
    ("deficit", MISSING, "", "required, but missing; give [deficit], [switch] or both"),
    ("deficit.classes", [], "", "must be a list of at least 1"),
    ("deficit.classes", [1, 0], "", "received [1, 0]; must be increasing"),
    ("deficit.classes", [3, 10], "", "received 10; must be from 0 to 9"),
    ("deficit.classes", [-1], "deficit.classes.0", "must be greater than or equal to 0"),
    *each("deficit.batches", "must be greater than 0", 0, -0.5),
    ("deficit.batches", 1.5, "", "must be less than or equal to 1"),
    ("controls", {"deficits": [{"name": "noise", "classes": [99]}]}, "controls.deficits.0.classes", "received 99"),
    (
        "switch",
        {},
        "",
        "received a section that changes nothing; give at least one of weight_decay, lr_factor, augment, ",
    ),
    *each("switch", "received {}; must be a table", 3, [], "weight_decay"),
    ("switch", {"weight_decy": 0}, "switch.weight_decy", "did you mean 'weight_decay'?"),
    ("switch", {"weight_decay": -1}, "switch.weight_decay", "must be greater than or equal to 0"),
    ("switch", {"weight_decay": 0.001}, "switch.weight_decay", "received 0.001, the same value as without the switch"),
    ("switch", {"lr_factor": 1}, "switch.lr_factor", "received 1.0, the same value as without the switch"),
    ("switch", {"lr_factor": -0.5}, "switch.lr_factor", "must be greater than or equal to 0"),
    ("switch", {"lr_factor": float("inf")}, "switch.lr_factor", "must be a finite number"),
    ("switch", {"augment": {"flip": True, "shift": 2}}, "switch.augment", "the same value as without the switch"),
    (
        "switch",
        {"augment": {"shift": 28}},
        "switch.augment.shift",
        "received 28; must be below the side of the image, 28",
    ),
    ("switch", {"augment": {"shfit": 1}}, "switch.augment.shfit", "did you mean 'shift'?"),
    ("switch", {"augment": False}, "switch.augment", "received False; must be a table"),
    ("switch", {"objective": "cross_entropy"}, "switch.objective", "the same value as without the switch"),
    ("switch", {"objective": "cross entropy"}, "switch.objective", "did you mean 'cross_entropy'?"),
    ("switch", {"objective": 3}, "switch.objective", "received 3; must be a table"),
    ("switch", {"objective": {"smoothing": 0.1}}, "switch.objective.name", "required, but missing (allowed: cross_"),
    ("switch", {"select": {"name": "noise"}}, "switch.select.name", "received 'noise', which does not withhold images"),
    ("switch", {"select": {"name": "data_subst"}}, "switch.select.name", "did you mean 'data_subset'?"),
    ("switch", {"select": {}}, "switch.select.name", "required, but missing (allowed: blur, "),
    ("objective", "cross_entrpy", "", "unknown objective, received 'cross_entrpy'; did you mean 'cross_entropy'?"),
    ("objective", {"name": SMOOTHED, "smoothing": 1}, "objective.smoothing", "received 1; must be less than 1"),
    ("objective", {"name": SMOOTHED, "smothing": 0.1}, "objective.smothing", "did you mean 'smoothing'?"),
    ("objective", {}, "objective.name", "required, but missing (allowed: cross_entropy, "),
    ("objective", "os:path", "", "which is not an objective; must be a subclass of critlab.objectives.Objective"),
    *each("objective", "received {}; must be a table", 3, True, []),
    ("intervention", {}, "", "received options that change nothing; give shrink, perturb, "),
    ("intervention", {"shrink": 1, "perturb": 0}, "intervention", "received options that change nothing"),
    ("intervention", {"shrink": 1.5}, "intervention.shrink", "must be less than or equal to 1"),
    ("intervention", {"perturb": -1}, "intervention.perturb", "must be greater than or equal to 0"),
    ("intervention", {"reset_layers": "output"}, "intervention.reset_layers", "received 'output'; must be a list"),
    ("intervention", {"reset_layers": [""]}, "intervention.reset_layers.0", "received ''"),
    ("intervention", {"optimizer": "drop"}, "intervention.optimizer", "did you mean 'dropped'? (allowed: kept, dr"),
    ("intervention", {"shrnk": 0.5}, "intervention.shrnk", "did you mean 'shrink'?"),
    ("controls", {"interventions": [{}]}, "controls.interventions.0", "received {}, the same as the study itself has"),
    ("controls", {"interventions": [SHRUNK, SHRUNK]}, "controls.interventions.1", "as an earlier control has"),
    ("controls", {"interventions": [3]}, "controls.interventions.0", "received 3; must be a table"),
    ("controls", {"interventions": SHRUNK}, "controls.interventions", "must be a list"),
    ("evaluation", {"batch_norm": "recompute"}, "evaluation.batch_norm", "did you mean 'recomputed'?"),
    ("evaluation", {"batchnorm": "running"}, "evaluation.batchnorm", "did you mean 'batch_norm'?"),
    *each("evaluation", "received {}; must be a table", 3, "recomputed"),
]


@pytest.mark.slow
@pytest.mark.parametrize(("place", "value", "field", "text"), VALUES, ids=lambda v: shown(v)[:40])
def test_a_wrong_value(critlab: Command, tmp_path: Path, place: str, value: Any, field: str, text: str) -> None:
    document = changed(place, value)
    (tmp_path / "study.toml").write_text("\n".join(f"{json.dumps(key)} = {toml(v)}" for key, v in document.items()))
    refused(critlab("plan", "study.toml", "--store", "store"), field or place, text)
    assert not (tmp_path / "store").exists()


def test_the_small_study_itself_is_accepted(critlab: Command, tmp_path: Path) -> None:
    (tmp_path / "study.toml").write_text("\n".join(f"{k} = {toml(v)}" for k, v in tomllib.loads(TOML).items()))
    answer = critlab("plan", "study.toml", "--store", "store", "--json")
    assert (answer.status, json.loads(answer.out)["runs"]) == (0, 6)
    assert not (tmp_path / "store").exists()


CONTENTS = {
    "empty": (b"", "name", "required, but missing"),
    "comment": (b"# nothing", "sweep", "required, but missing"),
    "binary": (bytes(range(256)), "study.toml", "not UTF-8 text"),
    "UTF-16": (TOML.encode("utf-16"), "study.toml", "not UTF-8 text"),
    "nested lists": (b"a = " + b"[" * 5000 + b"]" * 5000, "study.toml", "nested too deeply"),
    "nested tables": (f"{TOML}\n[{'.'.join('a' * 3000)}]\nb = 1".encode(), "a", "unknown key"),
    "nested option": (
        TOML.replace('"mlp"\nhidden', f'"my:model"\n{".".join("a" * 3000)}').encode(),
        "study.toml",
        "nested too deeply",
    ),
    "5,000 digits": (TOML.replace("0.05", "9" * 5000).encode(), "study.toml", "not valid TOML"),
    "hexadecimal": (TOML.replace("seeds = 2", f"seeds = 0x{'f' * 6000}").encode(), "seeds", "24000 bits"),
    "long key": (f"{'k' * 100_000} = 1\n{TOML}".encode(), shown("k" * 100_000), "unknown key"),
    "long value": (TOML.replace('"small"', f'"{"v" * 100_000}"').encode(), "name", "..."),
    "key twice": (TOML.encode() + TOML.encode(), "study.toml", "not valid TOML"),
    "YAML": (b"name: small\nseeds: 2\n", "study.toml", "not valid TOML"),
    "escapes": (TOML.replace('"small"', r'"\u001b[31mred"').encode(), "name", r"\x1b[31mred"),
}


@pytest.mark.slow
@pytest.mark.parametrize("case", CONTENTS)
def test_a_file_that_is_no_study(critlab: Command, tmp_path: Path, case: str) -> None:
    content, field, text = CONTENTS[case]
    (tmp_path / "study.toml").write_bytes(content)
    answer = critlab("run", "study.toml", "--store", "store")
    if case == "5,000 digits":
        answer = Answer(answer.status, answer.out, answer.err.replace("Exceeds the limit", ""))
    refused(answer, field, text)
    assert len(answer.err) < 2000
    assert [path.name for path in tmp_path.iterdir()] == ["study.toml"]


def test_more_than_the_memory_holds(critlab: Command, tmp_path: Path) -> None:
    written(tmp_path, ("train = 120", "train = 120\npad = 1_000_000"))
    answer = critlab("run", "study.toml", "--store", "store")
    assert (answer.status, answer.out) == (2, "")
    assert answer.problem.startswith("critlab: out of memory: Unable to allocate ")
    assert [path.name for path in tmp_path.iterdir()] == ["study.toml"]


def test_a_folder_is_no_study(critlab: Command, tmp_path: Path) -> None:
    (tmp_path / "study.toml").mkdir()
    refused(critlab("run", "study.toml", "--store", "store"), "study.toml", "Is a directory")
    assert [path.name for path in tmp_path.iterdir()] == ["study.toml"]


def test_a_byte_order_mark_is_no_mistake(tmp_path: Path) -> None:
    path = tmp_path / "study.toml"
    path.write_text(TOML, encoding="utf-8-sig")
    assert read_study(path).name == "small"


def test_many_problems_are_listed_up_to_a_few(tmp_path: Path) -> None:
    with pytest.raises(StudyError) as caught:
        Study.read({f"key{number}": 1 for number in range(1000)}, "study.toml")
    lines = str(caught.value).splitlines()
    assert lines[0] == "study.toml: 1006 problems"
    assert lines[-1] == f"  and {1006 - MOST_LINES} more"
    assert len(lines) == MOST_LINES + 2


MINE = """
from critlab._core.errors import StudyError
def fails(): raise ValueError("oops\\nat length")
def leaves(): raise SystemExit(0)
def number(): return 3
def needs(argument): return argument
def own_error(): raise StudyError("a message of its own")
text = "no study"
"""


def own_modules(folder: Path) -> None:
    (folder / "bad_input_mine.py").write_text(MINE)
    (folder / "bad_input_syntax.py").write_text("def study(:")
    (folder / "bad_input_leaves.py").write_text("import sys; sys.exit(0)")
    (folder / "bad_input_lacks.py").write_text("import no_such_module")
    (folder / "bad_input_breaks.py").write_text("raise RuntimeError('not\\ntoday')")
    (folder / "bad_input_lazy.py").write_text("def __getattr__(name): raise RuntimeError('not now')")


@pytest.mark.parametrize(
    ("name", "field", "text"),
    [
        ("bad_input_mine:fails", "ValueError", "'bad_input_mine:fails' failed"),
        ("bad_input_mine:leaves", "SystemExit", "'bad_input_mine:leaves' failed"),
        ("bad_input_mine:number", "critlab", "'bad_input_mine:number' gave int; must be a function"),
        ("bad_input_mine:needs", "TypeError", "missing 1 required positional argument"),
        ("bad_input_mine:text", "critlab", "gave str; must be a function"),
        ("bad_input_mine:own_error", "critlab", "a message of its own"),
        ("bad_input_mine:numbr", "'bad_input_mine:numbr'", "did you mean 'number'?"),
        ("bad_input_syntax:study", "SyntaxError", "cannot be imported"),
        ("bad_input_leaves:study", "SystemExit", "cannot be imported"),
        ("bad_input_lacks:study", "ModuleNotFoundError", "no_such_module"),
        ("no_such_module:study", "cannot be imported", "must be in the working folder or installed"),
        ("..relative:study", "critlab", "must be"),
        ("demoo", "demoo", "is neither a file nor a figure with studies; did you mean 'demo'?"),
        ("x" * 5000, "x" * 5000, "too long"),
    ],
    ids=lambda text: text[:30],
)
def test_a_name_that_gives_no_study(critlab: Command, tmp_path: Path, name: str, field: str, text: str) -> None:
    own_modules(tmp_path)
    answer = critlab("run", name, "--store", "store")
    assert (answer.status, answer.out) == (2, "")
    assert answer.problem.startswith("critlab: ")
    assert answer.problem.count("\n") == 1
    assert field in answer.err
    assert text in answer.err
    assert not (tmp_path / "store").exists()


COMPONENTS = {"deficit": '"blur"\nfactor = 7', "model": '"mlp"\nhidden = [16]', "data": '"sample"'}
CANNOT_BE_HAD = {
    "no_such_module:thing": "'no_such_module:thing' cannot be imported: No module named 'no_such_module'; the",
    "bad_input_mine:numbr": "'bad_input_mine:numbr': 'bad_input_mine' has no 'numbr'; did you mean 'number'?",
    "bad_input_mine:number.six": "'bad_input_mine' has no 'six'",
    "bad_input_syntax:thing": "'bad_input_syntax:thing' cannot be imported: SyntaxError: ",
    "bad_input_leaves:thing": "'bad_input_leaves:thing' cannot be imported: SystemExit: 0 (",
    "bad_input_lacks:thing": "'bad_input_lacks:thing' cannot be imported: ModuleNotFoundError: No module named ",
    "bad_input_breaks:thing": "'bad_input_breaks:thing' cannot be imported: RuntimeError: not today (",
    "bad_input_lazy:thing": "'bad_input_lazy:thing' cannot be loaded: RuntimeError: not now (",
    ".relative:thing": "received '.relative:thing'; must be \"package.module:name\" with the full name of the module",
}
IS_SOMETHING_ELSE = [
    ("deficit", "bad_input_mine:number", "deficit.name: received 'bad_input_mine:number', which is not a deficit"),
    ("deficit", "bad_input_mine:text", "deficit.name: received 'bad_input_mine:text', which is not a deficit"),
    (
        "model",
        "bad_input_mine:needs",
        "model.name: 'bad_input_mine:needs' must take (example_shape, classes, **options)",
    ),
    ("model", "bad_input_mine:text", "model.name: 'bad_input_mine:text' is str; must be a function"),
    (
        "data",
        "bad_input_mine:number",
        "bad_input_mine:number: received something of type int; it must return ((images, labels),",
    ),
    ("data", "bad_input_mine:fails", "data.name: 'bad_input_mine:fails' failed: ValueError: oops"),
    ("data", "bad_input_mine:text", "data.name: 'bad_input_mine:text' is of type str; must be a function"),
]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("component", "path", "text"),
    [*[(c, path, text) for c in COMPONENTS for path, text in CANNOT_BE_HAD.items()], *IS_SOMETHING_ELSE],
)
def test_own_code_that_is_no_component(critlab: Command, tmp_path: Path, component: str, path: str, text: str) -> None:
    own_modules(tmp_path)
    written(tmp_path, (COMPONENTS[component], f'"{path}"'))
    answer = critlab("run", "study.toml", "--store", "store")
    assert (answer.status, answer.out) == (2, "")
    assert answer.problem.startswith("critlab: ")
    assert text in answer.err
    assert "Traceback" not in answer.err
    assert not (tmp_path / "store").exists()


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (
            ["run", "--data", "file"],
            "--data: received file, but file is a file; must be a folder or a path at which a folder can be created",
        ),
        (["export", "--out", "folder"], "--out: received folder, which is a folder; must be a file"),
        (
            ["export", "--out", "file/x.csv"],
            "--out: received file/x.csv, but file is not a folder; must be in a folder",
        ),
        (["report", "--out", "folder"], "--out: received folder, which is a folder; must be a file"),
        (["report", "--figures", "file/x"], "--figures: received file/x, but file is a file; must be a folder"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_a_place_that_cannot_be_written(critlab: Command, tmp_path: Path, arguments: list[str], text: str) -> None:
    written(tmp_path)
    (tmp_path / "file").write_text("a file")
    (tmp_path / "folder").mkdir()
    command, *options = arguments
    answer = critlab(command, "study.toml", "--store", "store", *options)
    assert (answer.status, answer.out) == (2, "")
    assert answer.err.startswith(f"critlab: {text}")
    assert answer.problem.count("\n") == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "folder", "study.toml"]


def test_a_demo_that_could_not_write_its_page_does_not_begin(critlab: Command, tmp_path: Path) -> None:
    answer = critlab("demo", "--store", "store", "--out", str(tmp_path))
    assert (answer.status, answer.out) == (2, "")
    assert answer.problem.startswith("critlab: --out: received ")
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["--scale", "small"], "--scale: received 'small', but 'study.toml' is not a figure"),
        (["--device", "cuda"], "--device: received cuda"),
        (["--device", "gpu"], "--device"),
        (["--precision", "float16"], "--precision"),
        (["--engine", "cloud"], "--engine"),
        (["--workers", "0"], "--workers"),
        (["--workers", "many"], "--workers"),
        (["--sore", "store"], "--sore"),
        (["second.toml"], "second.toml"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_a_wrong_option(critlab: Command, tmp_path: Path, arguments: list[str], text: str) -> None:
    written(tmp_path)
    answer = critlab("run", "study.toml", "--store", "store", *arguments)
    if "cuda" in arguments and answer.status == 0:
        pytest.skip("there is a GPU")
    assert (answer.status, answer.out) == (2, "")
    assert text in answer.err
    assert "Traceback" not in answer.err
    assert not (tmp_path / "store").exists()


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("store", ["file", "file/store"])
def test_a_store_that_cannot_be(critlab: Command, tmp_path: Path, command: str, store: str) -> None:
    written(tmp_path)
    (tmp_path / "file").write_text("a file")
    answer = critlab(command, "study.toml", "--store", store, *COMMANDS[command])
    assert (answer.status, answer.out) == (2, "")
    assert "file" in answer.err
    assert "Traceback" not in answer.err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "study.toml"]


@pytest.mark.parametrize("command", ["export", "report"])
def test_a_study_that_was_never_run(critlab: Command, tmp_path: Path, command: str) -> None:
    written(tmp_path)
    answer = critlab(command, "study.toml", "--store", "store", *COMMANDS[command])
    refused(answer, "small", "no results in the store", "critlab run")
    assert [path.name for path in tmp_path.iterdir()] == ["study.toml"]


VALID = tomllib.loads(TOML) | {
    "controls": {
        "deficits": [{"name": "vertical_flip", "classes": [1, 2], "batches": 0.5}, BLUR],
        "clocks": ["since_removal", "constant"],
        "interventions": [{"shrink": 0.5, "reset_layers": ["output"]}],
        "at": [0, 3],
    },
    "objective": {"name": SMOOTHED, "smoothing": 0.2},
    "switch": {"weight_decay": 0.0, "augment": {"flip": False}, "objective": "cross_entropy"},
    "intervention": {"perturb": 0.1, "optimizer": "dropped"},
    "evaluation": {"batch_norm": "recomputed"},
    "statistics": {"final_epochs": 2, "smallest_damage": 0.02},
}
REQUIRED = {
    *("name", "seeds", "data", "data.name", "model", "model.name", "optimizer", "optimizer.name", "optimizer.lr"),
    *("deficit", "deficit.name", "deficit.factor", "sweep", "sweep.kind", "sweep.at", "sweep.onsets", "sweep.length"),
    *("sweep.recovery", "sweep.total"),
    # a table in the place of seeds or points adds them while the study runs
    *(f"{table}.{key}" for table in ("seeds", "sweep.at", "sweep.onsets") for key in ("first", "most")),
    "optimizer.batch",  # its default is above the 120 images
    *(f"controls.deficits.{place}.{key}" for place in range(3) for key in ("name", "factor")),
    *("objective", "objective.name", "switch.objective.name", "switch.select.name"),
}
NUMBERS = st.none() | st.booleans() | st.integers() | st.floats() | st.sampled_from([10**400, 2**64, -(10**1000)])
WORDS = st.text(max_size=8) | st.sampled_from(
    ["never", "window", "removal", "adam", "noise", "all_cnn", "cifar10", "a:b", "os:path", "critlab.study:Study"]
)
PLAIN = NUMBERS | WORDS | st.dates() | st.times()
JUNK = st.recursive(
    PLAIN, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=3), max_leaves=6
)


def places(value: Any, above: Location = ()) -> Iterator[Location]:
    """The location of every value inside ``value``."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        yield (*above, key)
        yield from places(inner, (*above, key))


@st.composite
def mutated(draw: st.DrawFn) -> dict[str, Any]:
    """A valid study with one to three of its values dropped, replaced by junk, or joined by an unknown key."""
    document: dict[str, Any] = copy.deepcopy(VALID)
    for _ in range(draw(st.integers(1, 3))):
        *above, last = draw(st.sampled_from(sorted(places(document), key=repr) or [("name",)]))
        table: Any = document
        for key in above:
            table = table[key]
        match draw(st.sampled_from(["drop", "replace", "add"])):
            case "drop" if last in table or isinstance(last, int):
                del table[last]
            case "add" if isinstance(table, dict):
                table[draw(WORDS)] = draw(JUNK)
            case _ if isinstance(table, dict) or last in range(len(table)):
                table[last] = draw(JUNK)
    return document


def written_as(location: Location) -> str:
    return refusal("", [(location, "")]).removeprefix(": ").removesuffix(": ")


def reading(document: Any) -> str | Study:
    """What comes of reading ``document``: the message, or the study."""
    try:
        return Study.read(document, "study.toml")
    except StudyError as error:
        return str(error)


@pytest.mark.slow
@settings(max_examples=500)
@given(mutated())
@example({})
@example({**VALID, "seeds": float("nan")})
@example({**VALID, "sweep": {**VALID["sweep"], "kind": []}})
@example({**VALID, "sweep": {**VALID["sweep"], "at": {"": None}}})
@example({**VALID, "seeds": {}})
def test_any_mutation_is_accepted_or_explained(document: dict[str, Any]) -> None:
    told = reading(document)
    if isinstance(told, Study):
        assert told.runs
        return
    lines = told.removeprefix("study.toml: ").split("\n  ")
    fields = {written_as(place) for place in places(document)} | REQUIRED
    assert "\n" not in "".join(lines)
    for line in lines[1:] if re.fullmatch(r"\d+ problems", lines[0]) else lines:
        assert any(line.startswith(f"{field}: ") for field in fields), line
    assert len(told) < 20_000


@pytest.mark.slow
@settings(max_examples=100)
@given(JUNK)
def test_a_study_that_is_anything(value: Any) -> None:
    with pytest.raises(StudyError):
        Study.read(value, "study.toml")


@settings(max_examples=200)
@given(st.text() | st.binary().map(lambda content: content.decode("latin-1")))
def test_a_file_of_anything(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    path = tmp_path_factory.getbasetemp() / "anything.toml"
    path.write_bytes(text.encode("utf-8", "surrogatepass"))
    with pytest.raises(StudyError, match=r"anything\.toml: "):
        read_study(path)


def test_specifications_explain_their_nested_ones() -> None:
    class Inner(Spec):
        size: int

    class Outer(Spec):
        inner: list[Inner]

    with pytest.raises(StudyError) as caught:
        Outer.read({"inner": [{"size": 1}, {"sise": "2"}]}, "here")
    assert str(caught.value) == (
        "here: 2 problems\n"
        "  inner.1.size: required, but missing\n"
        "  inner.1.sise: unknown key, received '2'; did you mean 'size'? (allowed: size)"
    )


def test_nearest_names() -> None:
    assert nearest("blurr", ["blur", "noise"]) == "; did you mean 'blur'? (allowed: blur, noise)"
    assert nearest("zzz", ["blur"]) == " (allowed: blur)"
    assert nearest("zzz", []) == " (allowed: none)"


def test_problems_say_what_is_wrong_in_one_text() -> None:
    assert str(Problems([(("a",), "one"), ((), "two")])) == "one; two"


def test_a_batch_of_one_is_refused_where_batch_norm_cannot_take_it() -> None:
    one = {"name": "sgd", "lr": 0.1, "batch": 1}
    with pytest.raises(StudyError, match=r"optimizer\.batch: received 1; must be at least 2"):
        small(optimizer=one)
    assert small(optimizer=one, model={"name": "mlp", "hidden": [4], "batch_norm": False}).optimizer.batch == 1


def test_a_control_must_be_another_deficit() -> None:
    with pytest.raises(StudyError, match=r"controls.deficits.*the study's own deficit"):
        small(controls={"deficits": [{"name": "blur", "factor": 7}]})
    with pytest.raises(StudyError, match=r"controls.deficits.*an earlier control"):
        small(controls={"deficits": [{"name": "noise"}, {"name": "noise"}]})


FOUND_WITH_THE_DATA = {
    "a batch of one image": (("batch = 40", "batch = 1"), "optimizer.batch", "received 1; must be at least 2"),
    "a batch above the data": (("batch = 40", "batch = 31"), "optimizer.batch", "received 31; must be at most 30"),
    "a deficit": (("factor = 7", "factor = 29"), "deficit.factor", "must be from 2 to the image's smaller side, 28"),
    "a control": (
        ("delay = false", 'delay = false\ndeficits = [{ name = "blur", factor = 29 }]'),
        "controls.deficits.0.factor",
        "must be from 2 to the image's smaller side, 28",
    ),
    "the study's own clock": (("clocks = []", 'clocks = ["absolute"]'), "controls.clocks", "the study's own clock"),
    "augmentation": (("shift = 2", "shift = 28"), "augment.shift", "must be below the side of the image, 28"),
    "a layer": (("[sweep]", '[intervention]\nreset_layers = ["no"]\n[sweep]'), "intervention.reset_layers", "names no"),
    "a text file": (('"x.npy"', '"text.npy"'), "text.npy", "is not a .npy file; must be written by numpy.save"),
    "objects": (('"x.npy"', '"objects.npy"'), "objects.npy", "holds Python objects"),
    "one key": (("test = 0.25", 'test = 0.25, by = "keys.npy"'), "x.npy", "has one value alone, '0'"),
    "a range": (('labels = "y.npy"', 'labels = "y.npy"\nrange = [1, 0]'), "data.range", "two increasing numbers"),
    "no range": (('labels = "y.npy"', 'labels = "y.npy"\nrange = "8bits"'), "data.range", "two increasing numbers"),
}  # fmt: skip


@pytest.mark.parametrize("case", FOUND_WITH_THE_DATA)
def test_what_only_the_data_show_names_file_and_field(critlab: Command, tmp_path: Path, case: str) -> None:
    """The same message as where the data are known before they are read."""
    images = np.arange(40, dtype=np.uint8)[:, None, None] + np.zeros((40, 28, 28), np.uint8)
    arrays: dict[str, Any] = {"x": images, "y": np.arange(40) % 10, "keys": np.full(40, "0")}
    for name, array in arrays.items():
        np.save(tmp_path / f"{name}.npy", array)
    np.save(tmp_path / "objects.npy", np.array([{}] * 40, dtype=object), allow_pickle=True)
    (tmp_path / "text.npy").write_text("1, 2, 3\n")
    replacement, field, phrase = FOUND_WITH_THE_DATA[case]
    own = 'name = "arrays"\ninputs = "x.npy"\nlabels = "y.npy"\nlayout = "grey"\nsplit = { test = 0.25 }'
    small_batch = () if "batch" in replacement[0] else (("batch = 40", "batch = 10"),)
    written(tmp_path, ('name = "sample"\ntrain = 120\ntest = 60', own), replacement, *small_batch)
    answer = critlab("run", "study.toml", "--store", "store", "--data", ".")
    if field.endswith(".npy"):
        assert answer.problem.startswith(f"critlab: {field}: "), answer
        assert "allow_pickle" not in answer.err
    else:
        assert answer.problem.startswith(f"critlab: study.toml: {field}: "), answer
    assert phrase in answer.problem
    assert (answer.status, answer.out, answer.problem.count("\n")) == (2, "", 1)
    assert not (tmp_path / "store").exists()


ABSENT = {
    "model.name": ('"mlp"\nhidden = [16]', '"no_such_module:it"'),
    "data.name": ('"sample"\ntrain = 120\ntest = 60', '"no_such_module:it"'),
    "optimizer.name": ('"sgd"\nlr = 0.05\nlr_decay = 0.9\nmomentum = 0.9', '"no_such_module:it"\nlr = 0.05'),
    "augment.transform": ("flip = true", 'transform = "no_such_module:it"'),
    "task.metric": ("[sweep]", '[task]\nname = "classification"\nmetric = "no_such_module:it"\n[sweep]'),
    "switch.call": ('[deficit]\nname = "blur"\nfactor = 7', '[switch]\ncall = "no_such_module:it"'),
}


@pytest.mark.parametrize("field", ABSENT)
def test_a_module_that_is_not_there_is_named_with_file_and_field(critlab: Command, tmp_path: Path, field: str) -> None:
    written(tmp_path, ABSENT[field])
    told = f"{field}: 'no_such_module:it' cannot be imported: No module named 'no_such_module'"
    answer = critlab("run", "study.toml", "--store", "store")
    assert answer.status == 2
    assert answer.problem.startswith(f"critlab: study.toml: {told}")
    planned = critlab("plan", "study.toml", "--store", "store")
    assert told in planned.out + planned.err


@pytest.mark.parametrize(
    ("kind", "status", "told"),
    [
        ("nothing", 2, "critlab: study.toml: model.name: 'faulty_nets:build' returned NoneType; must return a torch"),
        ("raises", 0, "note: model.name: 'faulty_nets:build' failed: IndexError: "),
        ("sound", 0, "disk: about "),
    ],
)
def test_a_plan_says_that_a_model_cannot_be_built(
    critlab: Command, tmp_path: Path, kind: str, status: int, told: str
) -> None:
    written(tmp_path, ('"mlp"\nhidden = [16]', f'"faulty_nets:build"\nkind = "{kind}"'))
    answer = critlab("plan", "study.toml", "--store", "store")
    assert answer.status == status, answer
    assert told in answer.out + answer.err


@pytest.mark.parametrize("name", ["table.xlsx", "table.txt"])
def test_a_table_of_an_unknown_kind_is_refused(critlab: Command, tmp_path: Path, name: str) -> None:
    written(tmp_path)
    answer = critlab("export", "study.toml", "--store", "store", "--out", name)
    refused(answer, "--out", f"received {name}; must end in .csv, .json or .parquet")
    assert [path.name for path in tmp_path.iterdir()] == ["study.toml"]
