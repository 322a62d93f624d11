"""What was run, on what: names and texts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from critlab._core.terminal.duration import duration
from critlab.analysis.judgement.mixture import mixture
from critlab.analysis.tables.results import Results
from critlab.analysis.test_images import images_recorded
from critlab.engine.records.command_record import Command
from critlab.engine.records.makers import Maker
from critlab.learning_tasks import CLASSIFICATION
from critlab.objectives import plain_objective
from critlab.report.text.figures.optimisation import optimizer_words, schedule_words
from critlab.report.text.names import (
    background_words,
    capital,
    intervention_words,
    metric_words,
    objective_words,
    spaced,
    task_words,
    tested_words,
    window_words,
)
from critlab.report.text.notes import SEEDS_ALONE
from critlab.report.text.numbers import significant, size

_IMAGES_LACKING = {
    "some": "intervals contain their choice only as far as the store has which of them were classified correctly; it "
    "lacks this for some runs",
    "none": "intervals do not contain their choice: the store lacks which of them were classified correctly",
}


def provenance_pairs(results: Results) -> Iterator[tuple[str, str]]:
    """Data, model and machines of a study, as names and texts."""
    study = results.study
    sizes = study.data.sizes()
    yield (
        "Data",
        study.data.name + (f", {sizes.train:,} to train and {sizes.test:,} to test" if sizes else ""),
    )
    if study.task != CLASSIFICATION:
        yield "Task", task_words(study.task)
        yield "Metric", metric_words(study.metric)
    yield "Model", study.model.name
    if study.optimizer.schedule_known:
        yield "Optimiser", optimizer_words(study.optimizer)
        yield "Learning rate", schedule_words(study.optimizer)
    yield "In the window", window_words(study)
    if study.background:
        yield "In the background of every run but the undisturbed", background_words(study)
    if study.intervention:
        yield "When it has closed", intervention_words(study.intervention)
    if plain_objective(study.objective) != {"name": study.task.objective}:
        yield "Objective", objective_words(study.objective)
    tests = [tested_words(study)] if study.evaluation.every > 1 else []
    if study.evaluation.batch_norm == "recomputed":
        tests.append("with BatchNorm statistics recomputed from the epoch's batches")
    if study.evaluation.ema is not None:
        tests.append(f"of an average of the weights, with decay {significant(study.evaluation.ema, 6)} in a step")
    if tests:
        yield "Tests", "; ".join(tests)
    if not study.metric.counted:
        yield "Test examples", SEEDS_ALONE
    elif (recorded := images_recorded(results)) != "all":
        yield "Test images", _IMAGES_LACKING[recorded]
    yield "Seeds", ", ".join(map(str, study.seeds))
    yield from _commands(results.commands)
    known, found = dict(results.provenance), mixture(results)
    if found is not None:
        # of these the store's record names only the last
        for field in (*Maker._fields, "cores"):
            known.pop(field, None)
        for words, count in found.kinds.items():
            yield "Made on", f"{words} ({count:,} records; what runs share counts in each)"
    yield from ((capital(name), text) for name, text in flat(known, ""))


def _commands(commands: Sequence[Command]) -> Iterator[tuple[str, str]]:
    """When, by what command, for how long and with how much memory a study was trained."""
    if not commands:
        yield "Date", "not recorded: the commands of this version record it, with wall time, commit and memory"
        return
    first, last = commands[0].began, commands[-1].began
    yield "Date", first.replace("T", " ").replace("Z", " UTC") + ("" if first == last else f" to {last[:10]}")
    lines = Counter(one.line for one in commands)
    yield "Command", "; ".join(line + (f" ({times} times)" if times > 1 else "") for line, times in lines.items())
    commits = dict.fromkeys(one.commit for one in commands if one.commit)
    if commits:
        changed = "; +: with changes" if any("+" in one for one in commits) else ""
        yield "Commit of the folder", ", ".join(commits) + changed
    yield "Wall time", duration(sum(one.seconds for one in commands))
    for name in dict.fromkeys(name for one in commands for name in one.memory):
        yield f"Peak memory, {name}", size(max(one.memory.get(name, 0) for one in commands))


def flat(value: Any, name: str) -> Iterator[tuple[str, str]]:
    """Nested JSON values as names and texts."""
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from flat(inner, f"{name} {spaced(str(key))}".strip())
    elif isinstance(value, list | tuple):
        yield name, ", ".join(map(str, value)) or "none"
    elif isinstance(value, bool):
        yield name, "yes" if value else "no"
    elif "seconds" in name and isinstance(value, int | float):
        yield name.replace("seconds", "time"), duration(value)
    else:
        yield name, "–" if value is None else significant(value, 6) if isinstance(value, float) else str(value)
