"""Results whose verdicts hold every kind of finding in each of its states, made without any training."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any
from zlib import crc32

import numpy as np

from critlab.analysis.tables.results import Results
from critlab.analysis.tables.table import Outcome, Row, Status
from critlab.engine.records.makers import Maker
from critlab.learning_tasks.metric import ACCURACY
from critlab.measures.correct_images import CorrectImages
from critlab.study import Run, Study
from synthetic import saturating, synthetic_results, synthetic_study

CLOCKS = ["since_removal", "constant", "cosine_restart"]
ALL = {"clocks": ["since_removal"], "delay": True}
"""The controls that an answer needs."""
EVERY_CONTROL: dict[str, Any] = {
    "deficits": [{"name": "vertical_flip"}],
    "clocks": ["since_removal", "constant"],
    "delay": True,
    "equal_total": True,
    "interventions": [{"optimizer": "dropped"}],
}
"""One control of each kind."""
FLIP_AT = {"deficits": [{"name": "vertical_flip"}], **ALL}


def reshaped(results: Results, accuracy: Callable[[Row], float]) -> Results:
    """The results with other test accuracies."""
    rows = (replace(row, value=accuracy(row)) if row.quantity == "test_accuracy" else row for row in results.rows)
    return replace(results, rows=tuple(rows))


def never(at: int) -> float:
    """No damage."""
    return 0.0


def always(damage: float) -> Callable[[int], float]:
    """The same damage at every point."""
    return lambda at: damage


_MADE: list[tuple[str, Results]] = []


def cases() -> Iterator[tuple[str, Results]]:
    """Each case by its name; made once in a process, when it is first asked for."""
    place = 0
    while True:
        if place == len(_MADE):
            made = next(_LEFT, None)
            if made is None:
                return
            _MADE.append(made)
        yield _MADE[place]
        place += 1


def _every() -> Iterator[tuple[str, Results]]:
    yield from _answers()
    yield from _confounds()
    yield from _lengths()
    yield from _windows()
    yield from _others()
    yield from _sources()


def _answers() -> Iterator[tuple[str, Results]]:
    flat: dict[str, Any] = {"damage": never, "noise": 0.001}
    every: dict[str, Status] = {run.identifier(seed): "missing" for run in synthetic_study().runs for seed in range(5)}
    yield "present", synthetic_results()
    yield "absent", synthetic_results(**flat)
    yield "damage only", synthetic_results(restarted=never, delayed=saturating())
    yield "undecided", synthetic_results(damage=never, noise=0.02)
    yield "no critical control", synthetic_results(controls={})
    yield "no delay control", synthetic_results(controls={"clocks": ["since_removal"]}, restarted=never)
    yield "longer training helps", synthetic_results(**flat, gain=lambda epochs: 0.002 * epochs)
    failing = reshaped(
        synthetic_results(9, damage=never, noise=0.0005),
        lambda row: row.value - 0.021 * (row.deficit == "blur" and row.seed == 2),
    )
    yield "worst seed", failing
    yield "one seed", synthetic_results(1, noise=1e-5)
    yield "two seeds", synthetic_results(2, noise=1e-5)
    yield "three seeds", synthetic_results(3, noise=0.02)
    yield "benefit", synthetic_results(damage=always(-0.03))
    yield "diverged", synthetic_results(**flat, status={"blur-0-40-of-48-seed3": "diverged"})
    trouble: dict[str, Status] = {"blur-0-40-of-48-seed1": "diverged", "blur-0-5-of-13-seed0": "failed"}
    yield "trouble", synthetic_results(status=trouble)
    yield "nothing done", synthetic_results(status=every)
    yield "no rows", Results(synthetic_results().study, (), ())
    yield "no points", synthetic_results(at=(0,))
    few: dict[str, Status] = {f"blur-0-40-of-48-seed{seed}": "failed" for seed in range(3)}
    yield "some points with few seeds", synthetic_results(**flat, status=few)
    yield "few test images", few_images(10)
    yield "frozen runs failed", synthetic_results(restarted=never, status=of_role("delay_control", "failed"))
    yield "equal damages", reshaped(synthetic_results(3), lambda row: 0.9 - 0.05 * (row.deficit == "blur"))
    yield "never removed", synthetic_results(at=(0, 5, 10, "never"))
    yield "rising damage", synthetic_results(5, range(0, 41, 5), lambda at: 0.002 * at, 0.001, controls={})


def _confounds() -> Iterator[tuple[str, Results]]:
    yield "no shares", synthetic_results(restarted=saturating())
    yield (
        "large shares",
        synthetic_results(train_share=0.9, negative=saturating(), restarted=never, delayed=saturating()),
    )
    yield (
        "shares not known",
        synthetic_results(3, damage=always(0.03), negative=always(0.015), train_share=0.5, noise=0.012),
    )
    yield "unknown clock", synthetic_results(controls={})
    yield "constant rate", synthetic_results(controls={}, optimizer={"lr_decay": 1.0})
    yield "controls elsewhere", synthetic_results(damage=lambda at: 0.05 * (at == 40), controls={**FLIP_AT, "at": [5]})
    yield "equal total", synthetic_results(controls={**ALL, "equal_total": True})
    yield "own restart", synthetic_results(optimizer={"clock": "since_removal"}, controls={})
    yield "no share of the clocks", synthetic_results(controls={"clocks": CLOCKS}, restarted=saturating())
    yield "large share of the clocks", synthetic_results(controls={"clocks": CLOCKS}, restarted=never)
    yield (
        "clock better still",
        reshaped_by_role(
            synthetic_results(controls={"clocks": ["since_removal"]}, restarted=never, noise=0.002),
            "restarted_control",
            0.03,
        ),
    )
    blind = synthetic_results(controls={})
    yield "no training accuracy", replace(blind, rows=tuple(r for r in blind.rows if r.quantity != "train_accuracy"))


def reshaped_by_role(results: Results, role: str, gain: float) -> Results:
    """The results with the test accuracy of the runs of one role changed."""
    names = {run.identifier(seed) for run in results.study.runs if run.role == role for seed in results.study.seeds}
    return reshaped(results, lambda row: row.value + gain * (row.run in names))


def trained_epochs(row: Row) -> int:
    """Epochs in which the network was not frozen."""
    return row.epoch - (row.stop - row.start if row.deficit == "frozen" and row.epoch >= row.stop else 0)


def _lengths() -> Iterator[tuple[str, Results]]:
    def rising(row: Row) -> float:
        return 0.3 + 0.02 * trained_epochs(row) + 0.0005 * row.seed

    def helped_by_length(row: Row) -> float:
        lost = 0.025 * (row.stop - row.start) if row.deficit == "blur" else 0.0
        return 0.3 + 0.03 * trained_epochs(row) - lost + 0.001 * row.seed

    yield "not converged", reshaped(synthetic_results(4), rising)
    parts = {"sweep": {"kind": "removal", "at": [0, 5, 10], "total": 20}}
    yield "not converged, one length", reshaped(synthetic_results(4, parts=parts), rising)
    equal = synthetic_results(4, (0, 4, 8), controls={**ALL, "equal_total": True})
    yield "equal length decides", reshaped(equal, helped_by_length)
    alone = synthetic_results(4, (0, 4, 8), controls={"equal_total": True})
    yield "equal length alone", reshaped(alone, helped_by_length)
    flat: dict[str, Any] = {"damage": never, "noise": 0.001}
    yield "absent against both", synthetic_results(**flat, controls={**ALL, "equal_total": True})
    yield "clear alone", clear_alone()
    yield "equal length clear alone", equal_alone()
    gone: dict[str, Status] = {
        run.identifier(seed): "missing"
        for run in synthetic_study(controls={"equal_total": True}).runs
        if run.role == "equal_total_control"
        for seed in range(5)
    }
    yield "equal length missing", synthetic_results(controls={"equal_total": True}, status=gone)
    yield "at chance", reshaped(synthetic_results(3), lambda row: 0.1)
    noisy = (0.08, 0.17, 0.1, 0.16)
    yield "not surely above chance", reshaped(synthetic_results(4), lambda row: noisy[row.seed])
    yield "one label", replace(reshaped(synthetic_results(3), lambda row: 0.9), chance=1.0)
    yield "barely above chance", reshaped(synthetic_results(3), lambda row: 0.105 + 0.0001 * row.seed)
    constant = reshaped(synthetic_results(3), lambda row: 0.1)
    yield "constant score", replace(constant, study=constant.study.model_copy(update={"data": Unsized()}))


def clear_alone() -> Results:
    """Lasting damage that is not shown any more once damages at equal length are judged with it."""

    def last(at: int) -> float:
        return 0.0128 * (at == 40)

    controls = {**ALL, "equal_total": True}
    return synthetic_results(
        damage=last, noise=0.0012, restarted=never, delayed=last, controls=controls, random_state=8
    )


def equal_alone() -> Results:
    """Damage at equal length that is not shown any more once lasting damages are judged with it."""
    controls = {**ALL, "equal_total": True}
    flat = synthetic_results(4, damage=never, noise=0.0015, random_state=7, controls=controls)
    longest = {f"control-of-48-seed{seed}" for seed in range(4)}
    return reshaped(flat, lambda row: row.value + 0.0135 * (row.run in longest))


def of_role(role: str, status: Status, seeds: int = 5, **study: Any) -> dict[str, Status]:
    """The status of every run of one role."""
    asked = synthetic_study(seeds, **study)
    return {run.identifier(seed): status for run in asked.runs if run.role == role for seed in range(seeds)}


def few_images(
    seeds: int,
    images: int = 400,
    lost: float = 0.03,
    gained: float = 0.0,
    state: int = 2,
    controls: Mapping[str, Any] = ALL,
) -> Results:
    """A deficit that costs ``lost`` of the test images and gains ``gained``, the same ones in every seed.

    So the seeds agree, and the error of the damage is that of the choice of test images.
    """
    plain = synthetic_results(seeds, (0, 40), controls=controls, statistics={"final_epochs": 1})
    hurt, easy = np.random.default_rng(state).random((2, images))
    bits, scores = {}, {}
    for outcome in plain.outcomes:
        right = easy < 0.85
        if outcome.run.role in ("deficit", "clock_control"):
            right = np.where(right, hurt >= lost / 0.85, hurt < gained / 0.15)
        own = np.random.default_rng([state, crc32(outcome.name.encode())])
        right = right ^ (own.random(images) < 0.004)
        bits[outcome.name, outcome.run.total] = CorrectImages.of(right)
        scores[outcome.name, outcome.run.total] = float(right.mean())
    return replace(reshaped(plain, lambda row: scores.get((row.run, row.epoch), row.value)), correct=bits)


def by_errors(results: Results) -> Results:
    """The same runs by their share of wrong answers, of which less is better."""
    rows = tuple(
        replace(row, value=1 - row.value) if row.quantity.endswith("_accuracy") else row for row in results.rows
    )
    found = replace(results, rows=rows, chance=0.9)
    vars(found)["metric"] = replace(ACCURACY, better="lower")
    return found


class Unsized:
    """Data of which nothing is known before it is read."""

    name = "mine"
    epoch = None

    def sizes(self) -> None:
        """Not known."""
        return


def _windows() -> Iterator[tuple[str, Results]]:
    onsets = (0, 4, 8, 16)
    yield "window early", synthetic_results(kind="window", at=onsets)
    yield "window flat", synthetic_results(kind="window", at=onsets, damage=always(0.05), noise=0.002)
    yield "window uncertain", synthetic_results(3, kind="window", at=onsets, damage=always(0.05), noise=0.02)
    yield (
        "window at a constant rate",
        synthetic_results(kind="window", at=(0, 4, 8), optimizer={"clock": "constant"}, controls={}),
    )


def _others() -> Iterator[tuple[str, Results]]:
    controls = {"interventions": [{"shrink": 0.4, "perturb": 0.1}, {"optimizer": "dropped"}], "at": [20, 40]}
    yield "interventions", synthetic_results(controls=controls, mended=always(0.02))
    yield (
        "own intervention",
        synthetic_results(parts={"intervention": {"shrink": 0.4}}, controls={"interventions": [{}]}),
    )
    switch = {"weight_decay": 0.5, "augment": {"flip": True}, "lr_factor": 2.0}
    yield "switch", synthetic_results(parts={"deficit": None, "switch": switch}, controls={})
    when = {"kind": "onset", "at": [10, 20], "total": 40}
    yield "when to switch", synthetic_results(parts={"sweep": when}, controls={})
    yield "two machines", on_two_machines(synthetic_results(3, controls={}))


def on_two_machines(results: Results) -> Results:
    """The results with the runs of seed 0 under blur made elsewhere."""
    here, there = (Maker(torch, "Some Processor", "Linux x86_64", "cpu") for torch in ("2.9.0", "2.8.0"))
    made = {
        run.identifier(seed): Counter({there if run.deficit and seed == 0 else here: run.total})
        for run in results.study.runs
        for seed in results.study.seeds
    }
    return replace(results, makers=made)


def two_sources(**changes: Any) -> Study:
    """A study of two views, with blur of both, one after the other."""
    raw: dict[str, Any] = {
        "name": "two-sources",
        "seeds": 3,
        "precision": "float32",
        "data": {"name": "two_view", "of": "sample", "train": 60, "test": 40},
        "model": {"name": "split_resnet18", "width": 1},
        "optimizer": {"name": "sgd", "lr": 0.05, "lr_decay": 0.9, "batch": 30},
        "deficit": {"name": "blur", "factor": 7, "source": "B"},
        "sweep": {"kind": "removal", "at": [0, 2, 4], "recovery": 4},
        "statistics": {"final_epochs": 1},
        "measures": {"fisher_trace": {"every": 1, "images": 20}, "relative_source_variance": {"every": 1}},
    }
    return Study.read({**raw, **changes}, "two-sources")


def of_two_sources(
    study: Study, gains: Callable[[Run, int, int], tuple[float, float]], traces: Callable[[int, int], dict[str, float]]
) -> Results:
    """Accuracy falls by 0.1 with the background and by 0.2 with the deficit.

    Args:
        study: of two sources.
        gains: what run, seed and epoch add to the shares of the units that answer to A and to B alone.
        traces: of the Fisher information by layer, at a seed and epoch.
    """
    rows, outcomes = [], []
    for run in study.runs:
        lost = 0.1 * bool(run.background) + 0.2 * (run.deficit is not None)
        for seed in study.seeds:
            outcomes.append(Outcome(run, seed, "done", run.total))
            window = run.window
            place = (run.identifier(seed), run.arm, seed, run.treatment_label, window.start, window.stop, run.clock)
            for epoch in range(run.total + 1):
                more = gains(run, seed, epoch)
                rows.append(Row(*place, epoch, "test_accuracy", "", 0.9 - lost + 0.01 * seed, 0.0))
                rows += [
                    Row(*place, epoch, "relative_source_variance_share", source, 0.3 + gain, 0.0)
                    for source, gain in zip("AB", more, strict=True)
                ]
                rows += [
                    Row(*place, epoch, "fisher_trace", layer, value, 0.01)
                    for layer, value in traces(seed, epoch).items()
                ]
    return Results(study, tuple(rows), tuple(outcomes))


def _sources() -> Iterator[tuple[str, Results]]:
    def grown(seed: int, epoch: int) -> dict[str, float]:
        return {"pathway_a.stem": 1.1**epoch, "pathway_b": 1.1**epoch if seed else 1.0}

    def none(run: Run, seed: int, epoch: int) -> tuple[float, float]:
        return 0.0, 0.0

    def lost_b(run: Run, seed: int, epoch: int) -> tuple[float, float]:
        moved = 0.02 * min(epoch, run.window.stop) * (run.deficit is not None)
        return moved + 0.001 * seed * (run.deficit is not None), -moved

    def lost_a(run: Run, seed: int, epoch: int) -> tuple[float, float]:
        return lost_b(run, seed, epoch)[::-1]

    yield "no source ignored", of_two_sources(two_sources(), none, grown)
    yield "source B ignored", of_two_sources(two_sources(), lost_b, grown)
    yield "one seed of two sources", of_two_sources(two_sources(seeds=1), lost_b, grown)
    standing = [{"deficit": {"name": "blur", "factor": 7, "source": "A"}, "start": 1, "stop": 3}]
    yield "background", of_two_sources(two_sources(background=standing), lost_a, grown)


def numbers(results: Results) -> dict[str, Any]:
    """Everything of a verdict that is not words, as plain JSON values."""
    verdict = results.verdict()
    closing = verdict.closing
    return {
        "answer": verdict.answer,
        "closing": None
        if closing is None
        else {key: getattr(closing, key) for key in ("epoch", "low", "high", "open_ended")},
        "damages": [
            [one.name, one.at, one.n, one.estimate, one.low, one.high, one.adjusted_p] for one in verdict.damages
        ],
        "evidence": [[one.name, one.at] for one in verdict.evidence],
        "missing": [[one.name, one.key, one.epochs] for one in verdict.missing],
        "reasons": list(verdict.reasons),
        "seeds_needed": verdict.seeds_needed,
        "epochs_left": verdict.epochs_left,
        "smallest_damage": verdict.smallest_damage,
        "detectable": [verdict.detectable_last, verdict.detectable_everywhere],
        "confounds": {
            one.name: None if one.share is None else [one.share.estimate, one.share.low, one.share.high]
            for one in verdict.confounds
        },
        "guards": [type(guard).__name__ for guard in verdict.guards],
        "notes": [type(note).__name__ for note in verdict.notes],
        "curve": [
            [point.at, point.n, point.accuracy.value, point.damage.value, point.low] for point in results.curve()
        ],
    }


def rounded(value: Any) -> Any:
    """The same with nine significant digits, so that another libm gives the same."""
    if isinstance(value, dict):
        return {key: rounded(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [rounded(inner) for inner in value]
    if isinstance(value, float | np.floating):
        number = float(value)
        if not math.isfinite(number):
            return str(number)
        return float(f"{number:.9g}") if abs(number) > 1e-12 else 0.0
    return value


_LEFT = _every()
