"""What was done, in the exact words of a methods section, from the study alone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from critlab.analysis.judgement.verdict import Verdict
from critlab.analysis.statistics import MINIMUM_SEEDS
from critlab.analysis.tables.results import Results
from critlab.analysis.test_images import images_recorded
from critlab.engine.planning.retention import known_outputs
from critlab.learning_tasks import CLASSIFICATION
from critlab.objectives import plain_objective
from critlab.report.text.figures.optimisation import optimizer_words, schedule_words
from critlab.report.text.judgement.damages import damage_name
from critlab.report.text.metric_words import MetricWords
from critlab.report.text.names import (
    arm_words,
    background_words,
    intervention_words,
    objective_words,
    spaced,
    task_words,
    tested_words,
    window_words,
)
from critlab.report.text.notes import SEEDS_ALONE
from critlab.report.text.numbers import count, listing, significant
from critlab.study import Study
from critlab.study.schedules import schedule

CONTROLS: Mapping[str, str] = {
    "control": "clean runs without the deficit",
    "newborn_control": "clean runs as long as the recovery alone",
    "delay_control": "runs that were frozen for the duration of the deficit and then trained on the same schedule",
    "restarted_control": "clean runs whose schedule restarts at the same epoch",
    "same_clock_control": "clean runs with the same schedule",
    "intervened_control": "clean runs with the same intervention at the same epoch",
    "equal_total_control": "clean runs of equal length",
    "undisturbed_control": "runs without the background",
}
"""Controls that have no deficit of their own, in words."""


def methods_text(results: Results, version: str) -> str:
    """The methods of a study as one paragraph.

    Args:
        results: of the study.
        version: of critlab.
    """
    study = results.study
    sentences = [*_training(study), *_design(study), *_seeds(study), *_statistics(results)]
    return " ".join([*sentences, f"The study was planned, run and judged with critlab {version}."])


def _training(study: Study) -> Iterator[str]:
    sizes, shape = study.data.sizes(), study.data.shape()
    data = spaced(study.data.name)
    if sizes is not None:
        classes = f", {sizes.classes} classes" if study.task.names_classes else ""
        data += f" ({sizes.train:,} training and {sizes.test:,} test examples{classes})"
    model = f"{spaced(study.model.name)}{_options(study.model.special(), 'name')}"
    parameters = None
    if shape is not None and sizes is not None:
        parameters = study.model.parameters(shape, known_outputs(study, sizes.classes))
    if parameters is not None:
        model += f" with {parameters:,} parameters"
    yield f"The network {model} was trained on {data}{_task(study)}."
    optimizer = study.optimizer
    if not optimizer.schedule_known:
        yield "The training loop, with its optimiser and its schedule, was the user's own."
        return
    yield f"It was optimised with {optimizer_words(optimizer)}; learning rate {schedule_words(optimizer)}."
    if plain_objective(study.objective) != {"name": study.task.objective}:
        yield f"The objective was {objective_words(study.objective)}."
    augment = study.augment
    if augment is not None and not augment.changes_nothing:
        kinds = [*(["horizontal flips"] if augment.flip else [])]
        kinds += [f"shifts of up to {count(augment.shift, 'pixel')}"] if augment.shift else []
        kinds += [f"the transform {augment.transform}"] if augment.transform else []
        kinds += ["dropout of single sources"] if augment.source_dropout else []
        yield f"Training images were augmented by {listing(kinds)}."


def _task(study: Study) -> str:
    """What was learned, where it is not the class of each example."""
    return "" if study.task == CLASSIFICATION else f" for {task_words(study.task)}"


def _options(options: Mapping[str, Any], *left_out: str) -> str:
    """Options in brackets after a space; empty where there are none."""
    known = {key: value for key, value in options.items() if key not in left_out and value is not None}
    said = [f"{spaced(key)} {_value(value)}" for key, value in known.items()]
    return f" ({', '.join(said)})" if said else ""


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list | tuple):
        return "-".join(map(str, value))
    return f"{value:g}" if isinstance(value, float) else spaced(str(value))


def _design(study: Study) -> Iterator[str]:
    sweep = study.sweep
    at = listing([str(one) for one in sweep.points])
    swept = [run for run in study.runs if run.role == "deficit"]
    recoveries = sorted({run.recovery for run in swept if run.at != "never"})
    after = ""
    if recoveries:
        after = f", and training went on without it for {_range(recoveries)} epochs"
    yield f"{_capital(window_words(study))} was applied in a sweep over the {sweep.words.point} ({at}){after}."
    if study.background:
        yield f"All runs had the background {background_words(study)}."
    if study.intervention:
        yield f"When the deficit ended, the network was changed: {intervention_words(study.intervention)}."
    controls = [CONTROLS[role] for role in CONTROLS if any(run.role == role for run in study.runs)]
    arms = dict.fromkeys(run.arm for run in study.runs if run.role == "negative_control")
    controls += [f"the negative control {arm_words(study, arm)}" for arm in arms]
    clocks = dict.fromkeys(run.clock for run in study.runs if run.role == "clock_control")
    controls += [f"the deficit with {schedule(clock).phrase}" for clock in clocks]
    if controls:
        yield f"Controls were {listing(controls)}."


def _range(numbers: Sequence[int]) -> str:
    return f"{numbers[0]}" if len(numbers) == 1 else f"{numbers[0]} to {numbers[-1]}"


def _seeds(study: Study) -> Iterator[str]:
    plan = study.sequential
    if plan is not None:
        yield (
            f"Seeds were added from {plan.counts[0]} up to {plan.counts[-1]} until the answer was decided, with the "
            "level adjusted for all looks."
        )
    yield (
        f"Every condition was run with {count(len(study.seeds), 'seed')}. Runs of one seed had the same initial "
        "weights and the same order of data, so differences are paired by seed."
    )
    final = study.statistics.final_epochs
    over = f"the mean of the last {final} tests" if final > 1 else "that of the last test"
    often = f" Networks were tested {tested_words(study)}." if study.evaluation.every > 1 else ""
    yield f"Final {study.metric.title} is {over}.{often}"


def _statistics(results: Results) -> Iterator[str]:
    study = results.study
    if study.sweep.asks_when:
        yield "The smoothed curve over switch times, its best time and its plateau have simultaneous intervals."
        return
    verdict = results.verdict()
    words = MetricWords(verdict.metric)
    names = [damage_name(one) for one in _first_of_each(verdict)]
    if names:
        yield f"The named damages {listing(names)} are differences of final {words.scores}, paired by seed."
    level = f"{significant(100 * verdict.level, 2)} %"
    smallest = words.amount(verdict.smallest_damage)
    yield (
        "Each lasting and each critical damage was tested one-sided against the smallest damage of interest, "
        f"{smallest}, at a level of {level}, with variances moderated over the damages (Smyth "
        "2004) and p values adjusted over all damages of its kind (max-t, step-down). The 95 % t intervals of one kind "
        "hold simultaneously; those of the points of a curve hold for each point alone."
    )
    if verdict.confounds:
        yield (
            "Other explanations of the damage are quoted with the interval of the named damage that they are, or else "
            "with an interval that allows for the choice of the points, each explanation alone."
        )
    if verdict.metric.counted:
        yield _IMAGES[images_recorded(results)].format(scores=words.scores)
    else:
        yield f"{SEEDS_ALONE}."
    if len(study.seeds) < MINIMUM_SEEDS:
        yield f"Answers need at least {count(MINIMUM_SEEDS, 'seed')}."


_IMAGES = {
    "all": "Intervals of final {scores}, of their differences and of shares of damage contain the choice of test "
    "images; all others hold the differences between seeds alone.",
    "some": "Intervals of final {scores}, of their differences and of shares of damage contain the choice of test "
    "images only where it is known which of them were classified correctly, which it is not for all runs.",
    "none": "Intervals do not contain the choice of test images.",
}
"""What the intervals hold, by how many runs say which test images were classified correctly."""


def _first_of_each(verdict: Verdict) -> list[Any]:
    """The first damage of each name, in order."""
    return list({one.name: one for one in reversed(verdict.damages)}.values())[::-1]


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
