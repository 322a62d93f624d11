"""How often the standard designs are judged right and wrong, and the picture of docs/statistics.md.

    python evidence/calibration.py [--studies 1000] [--seed 0] [--workers 2] [--out results/evidence]
    python evidence/calibration.py --picture docs

The first writes ``calibration.json`` (what ``critlab calibrate --json`` prints, with more simulated studies) and
``calibration.txt`` (what ``critlab calibrate`` prints); each design is simulated in a process of its own. The second
writes ``statistics.svg`` and ``statistics.png``: two simulated studies of five seeds, judged as real ones.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from critlab.analysis.calibration.calibrate import calibrate
from critlab.analysis.calibration.design import design_of
from critlab.analysis.calibration.judging import Law, judge, simulate
from critlab.analysis.calibration.noise import NORMAL
from critlab.analysis.calibration.results import Calibration
from critlab.analysis.calibration.truths import Truth
from critlab.papers.ours.standard_designs import COUNTS, standard_designs
from critlab.report.charts.kit import chart, with_intervals
from critlab.report.figures import DOTS_PER_INCH, paper_spec
from critlab.report.text.calibration import calibration_text
from critlab.report.vega import drawing
from critlab.store.delivery import deliver

TRUTHS = {
    "The delay explains all damage": Truth("delay explains all", delay=0.06),
    "The deficit does harm as well": Truth("planted", harm=0.04, shape="smooth", delay=0.03),
}
SHOWN = {"lasting_damage": "lasting damage", "delay": "delay", "beyond_delay": "beyond delay", "harm": "harm"}
INCHES = 6.75

DEVIATION = 0.003
"""Of a run over seeds, in the picture: 0.3 points of accuracy."""


def of_design(place: int, studies: int, seed: int) -> Calibration:
    return calibrate([standard_designs()[place]], COUNTS, studies, seed)


def together(found: list[Calibration]) -> Calibration:
    return replace(
        found[0],
        designs=tuple(name for one in found for name in one.designs),
        metrics={name: metric for one in found for name, metric in one.metrics.items()},
        nulls=tuple(row for one in found for row in one.nulls),
        power=tuple(row for one in found for row in one.power),
        coverage=tuple(row for one in found for row in one.coverage),
        failing=tuple(row for one in found for row in one.failing),
    )


def damages(title: str, truth: Truth) -> Iterator[dict[str, Any]]:
    """The named damages of one simulated study of five seeds, controls at every point."""
    study = standard_designs()[0]
    controls = study.controls.model_copy(update={"at": study.sweep.treated})
    design = design_of(study.model_copy(update={"controls": controls}))
    simulated = simulate(design, Law(truth, NORMAL, DEVIATION), 1, 5, np.random.default_rng(7))
    decision = judge(simulated)
    for index, contrast in enumerate(design.contrasts):
        if contrast.name in SHOWN:
            limits = {part: 100 * float(getattr(decision, part)[0, index]) for part in ("estimate", "low", "high")}
            yield {"panel": title, "epoch": contrast.at, "damage": SHOWN[contrast.name], **limits}
    print(f"{title}: {decision.answer[0]}")


def picture(folder: Path) -> None:
    rows = [row for title, truth in TRUTHS.items() for row in damages(title, truth)]
    panels = [
        (
            title,
            with_intervals(
                [row for row in rows if row["panel"] == title],
                "epoch",
                "Deficit removed after epoch",
                "estimate",
                "Damage (points)",
                "damage",
                "Damage",
                same_axis=rows,
            ),
        )
        for title in TRUTHS
    ]
    drawn = chart("statistics", "Named damages of two simulated studies", "", "", panels, rows)
    spec = paper_spec(drawn, INCHES)
    deliver(folder / "statistics.svg", drawing().vegalite_to_svg(spec).encode())
    deliver(folder / "statistics.png", drawing().vegalite_to_png(spec, scale=1, ppi=DOTS_PER_INCH))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--studies", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--out", type=Path, default=Path("results/evidence"))
    parser.add_argument("--picture", type=Path, help="draw the picture into this folder instead")
    asked = parser.parse_args()
    if asked.picture:
        picture(asked.picture)
        return
    job = partial(of_design, studies=asked.studies, seed=asked.seed)
    with ProcessPoolExecutor(asked.workers) as pool:
        found = together(list(pool.map(job, range(len(standard_designs())))))
    asked.out.mkdir(parents=True, exist_ok=True)
    (asked.out / "calibration.json").write_text(json.dumps(found.document()) + "\n")
    (asked.out / "calibration.txt").write_text(calibration_text(found))
    print(calibration_text(found))


if __name__ == "__main__":
    main()
