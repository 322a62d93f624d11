"""Results that nobody trained: accuracies and Fisher traces made from a known damage, for tests."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import wraps
from typing import Any, Literal, TypeVar

import numpy as np

from critlab.analysis.tables.results import Results
from critlab.analysis.tables.table import Outcome, Row, Status
from critlab.study import Run, Study

Damage = Callable[[int], float]
Made = TypeVar("Made", bound=Callable[..., Results])
LAYERS = {"conv1": 0.5, "conv2": 0.3, "head": 0.2}


def saturating(largest: float = 0.06, scale: float = 10.0) -> Damage:
    """Damage that grows with the epoch of removal and levels off, as in the first paper."""
    return lambda at: largest * (1 - math.exp(-at / scale))


def falling(largest: float = 0.06, scale: float = 8.0) -> Damage:
    """Damage that falls with the onset of a window."""
    return lambda at: largest * math.exp(-at / scale)


def synthetic_study(
    seeds: int | Sequence[int] = 5,
    at: Iterable[int | str] = (0, 5, 10, 20, 40),
    *,
    kind: Literal["removal", "window"] = "removal",
    recovery: int = 8,
    length: int = 4,
    controls: Mapping[str, Any] | None = None,
    optimizer: Mapping[str, Any] | None = None,
    statistics: Mapping[str, Any] | None = None,
    parts: Mapping[str, Any] | None = None,
) -> Study:
    """A study of blur on the sample; by default with a flip, a restarted schedule and a frozen network as controls."""
    where: dict[str, Any] = {"kind": kind, "recovery": recovery}
    where |= {"at": list(at)} if kind == "removal" else {"onsets": list(at), "length": length}
    default = {"deficits": [{"name": "vertical_flip"}], "clocks": ["since_removal"], "delay": True}
    raw = {
        "name": f"synthetic-{kind}",
        "seeds": seeds if isinstance(seeds, int) else list(seeds),
        "data": {"name": "sample", "train": 1000, "test": 1000},
        "model": {"name": "all_cnn", "width": 8},
        "optimizer": {"name": "sgd", "lr": 0.05, "lr_decay": 0.9, **(optimizer or {})},
        "deficit": {"name": "blur", "factor": 7},
        "sweep": where,
        "controls": default if controls is None else controls,
        "measures": {"fisher_trace": {"every": 2}},
        "statistics": statistics or {},
        **(parts or {}),
    }
    return Study.read(raw, "synthetic")


def once(make: Made) -> Made:
    """``make``, called once for equal plain arguments: results are never changed, and their verdict is dear."""
    made: dict[str, Any] = {}

    @wraps(make)
    def called(*arguments: Any, **options: Any) -> Any:
        key = repr((arguments, sorted(options.items())))
        if " at 0x" in key:  # a function is not known by its name
            return make(*arguments, **options)
        if key not in made:
            made[key] = make(*arguments, **options)
        return made[key]

    return called  # type: ignore[return-value]


@once
def synthetic_results(
    seeds: int | Sequence[int] = 5,
    at: Iterable[int | str] = (0, 5, 10, 20, 40),
    damage: Damage | None = None,
    noise: float = 0.005,
    *,
    negative: Damage = lambda at: 0.0,
    restarted: Damage | None = None,
    mended: Damage | None = None,
    delayed: Damage | None = None,
    gain: Damage = lambda epochs: 0.0,
    train_share: float = 0.0,
    accuracy: float = 0.85,
    status: Mapping[str, Status] | None = None,
    random_state: int = 0,
    **study: Any,
) -> Results:
    """Results of :func:`synthetic_study`, every number made up but consistent; equal arguments give one object.

    Args:
        seeds: how many, or which.
        at: removal epochs, or onsets with ``kind="window"``.
        damage: true final damage (a fraction) at each; by default one that levels off, or falls in a
            window sweep; ``"never"`` counts as twice the last epoch.
        noise: standard deviation over seeds of each run's final accuracy; another quarter is shared by the
            runs of a seed.
        negative: true damage of the negative controls.
        restarted: true damage under the other clocks; by default half of ``damage``.
        mended: true damage with the interventions of the controls; by default a third of ``damage``.
        delayed: true damage of the networks that are frozen; by default a quarter of ``damage``.
        gain: what clean runs gain from so many more epochs than the shortest one.
        train_share: the share of the damage that training accuracy suffers too.
        accuracy: of the clean runs at the end.
        status: of runs and seeds by their readable names; ``done`` where not said.
        random_state: of the noise.
        study: further arguments of :func:`synthetic_study`.
    """
    asked = synthetic_study(seeds, at, **study)
    harm = damage or (saturating() if asked.sweep.kind == "removal" else falling())
    truths = {"deficit": harm, "negative_control": negative}
    truths["clock_control"] = restarted or (lambda epoch: harm(epoch) / 2)
    truths["intervention_control"] = mended or (lambda epoch: harm(epoch) / 3)
    truths["delay_control"] = delayed or (lambda epoch: harm(epoch) / 4)
    shortest = min(run.total for run in asked.runs)
    common = {seed: np.random.default_rng([random_state, seed]).normal(0, noise / 4) for seed in asked.seeds}
    rows: list[Row] = []
    outcomes: list[Outcome] = []
    for index, run in enumerate(asked.runs):
        loss = truths[run.role](_epoch(run)) if run.role in truths else -gain(run.total - shortest)
        for seed in asked.seeds:
            random = np.random.default_rng([random_state, seed, index + 1])
            state = (status or {}).get(run.identifier(seed), "done")
            shift = common[seed] + random.normal(0, noise)
            final = {
                "test": accuracy - loss + shift,
                "train": min(accuracy + 0.08 - train_share * loss + shift, 1.0),
            }
            epochs = run.total if state == "done" else 0 if state == "missing" else run.total // 2
            rows += _rows(run, seed, final, epochs)
            note = {"diverged": "loss is not finite", "failed": "killed"}.get(state, "")
            outcomes.append(Outcome(run, seed, state, epochs, note, 1.5 * epochs))
    rows.sort(key=lambda row: (row.run, row.epoch, row.quantity, row.layer))
    provenance = {"critlab": "0.1.0", "torch": "2.9.0", "machine": "synthetic", "precision": "float32"}
    return Results(asked, tuple(rows), tuple(outcomes), provenance)


def _epoch(run: Run) -> int:
    return 2 * run.total if run.at == "never" else run.at


def _rows(run: Run, seed: int, final: Mapping[str, float], epochs: int) -> list[Row]:
    found = [
        _row(run, seed, epoch, "fisher_trace", layer, value, 0.08 * value)
        for epoch in range(0, epochs + 1, 2)
        for layer, value in _fisher(run, epoch).items()
    ]
    for epoch in range(1, epochs + 1):
        # the last epochs are level, so that the mean over them is the final accuracy itself
        progress = 1 - 0.6 * math.exp(-epoch / 3) if epoch <= run.total - 4 else 1.0
        deprived = 0.15 if epoch <= run.window.stop and run.window.start < epoch else 0.0
        for split, value in final.items():
            reached = value if progress == 1.0 and not deprived else max(value * progress - deprived, 0.1)
            found.append(_row(run, seed, epoch, f"{split}_accuracy", "", reached))
            found.append(_row(run, seed, epoch, f"{split}_loss", "", 2.3 * (1.02 - reached)))
    return found


def _fisher(run: Run, epoch: int) -> dict[str, float]:
    """A rise and fall, a second one after removal; the deficit moves the share to the head."""
    stop = run.window.stop
    rise = epoch / 4 * math.exp(1 - epoch / 4)
    again = (epoch - stop) / 3 * math.exp(1 - (epoch - stop) / 3) if epoch > stop > 0 else 0.0
    total = 100 * (0.1 + rise + 0.5 * again)
    moved = 0.15 * (1 - math.exp(-min(epoch, stop) / 5))
    shares = {"conv1": LAYERS["conv1"] - moved, "conv2": LAYERS["conv2"], "head": LAYERS["head"] + moved}
    return {"": total} | {layer: total * share for layer, share in shares.items()}


def _row(run: Run, seed: int, epoch: int, quantity: str, layer: str, value: float, stderr: float = 0.0) -> Row:
    return Row(
        run=run.identifier(seed),
        arm=run.arm,
        seed=seed,
        deficit=run.treatment_label,
        start=run.window.start,
        stop=run.window.stop,
        clock=run.clock,
        epoch=epoch,
        quantity=quantity,
        layer=layer,
        value=value,
        stderr=stderr,
    )


def with_whole_trace(results: Results) -> Results:
    """As a measure reads it: the whole beside the layers."""
    sums: dict[tuple[str, int], list[Row]] = {}
    for row in results.rows:
        if row.quantity == "fisher_trace":
            sums.setdefault((row.run, row.epoch), []).append(row)
    whole = [replace(rows[0], layer="", value=sum(row.value for row in rows)) for rows in sums.values()]
    rows = sorted([*results.rows, *whole], key=lambda row: (row.run, row.epoch, row.quantity, row.layer))
    return replace(results, rows=tuple(rows))
