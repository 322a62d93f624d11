"""Write what the bench's records give: the map of forecasts, the table of its page, and the picture.

    python evidence/closing_bench/publish.py map       # src/critlab/hooks/sensitivity/forecast_map.json
    python evidence/closing_bench/publish.py table     # docs/findings/bench_closing.md, between its marks
    python evidence/closing_bench/publish.py damages   # the same page: named damages of the trainings not held out
    python evidence/closing_bench/publish.py worth     # src/critlab/hooks/watch/records/signal_worth.json
    python evidence/closing_bench/publish.py picture   # docs/findings/bench_closing.svg, .png and .csv

The map is learned on the trainings that are not held out. The others are only seen by the scores in the table, and in
the picture, which is drawn after everything is fixed.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np

from critlab.bench.forecasting import measured_forks
from critlab.bench.judging import judged
from critlab.bench.rules import RULES
from critlab.bench.scoring import scores
from critlab.bench.table import bench_table, chosen_rules
from critlab.bench.trainings import NULL, BenchTraining, Floats, trainings
from critlab.hooks.sensitivity.fitting import fit_map
from critlab.hooks.sensitivity.forecast import SHIPPED
from critlab.hooks.watch.records.worth import SHIPPED as WORTH
from critlab.report.chart import Chart
from critlab.report.charts.encoding import JSON, quantity
from critlab.report.charts.kit import at_line, chart, coloured, layer, layered
from critlab.report.figures import DOTS_PER_INCH, paper_spec
from critlab.report.text.numbers import signed
from critlab.report.text.timing.bench import bench_markdown, sentence
from critlab.report.vega import drawing

DOCS = Path(__file__).resolve().parents[2] / "docs"
PAGE = DOCS / "findings/bench_closing.md"
PICTURED = "forecast_long"
INCHES = 6.75
NAMES = {"blur": "blur or shuffled letters", "shuffle": "blur or shuffled letters", "random_labels": "random labels"}


NAMED: dict[str, Callable[[BenchTraining, str], Floats]] = {
    "lasting, on the training's schedule": lambda one, deficit: one.lasting(deficit),
    "beyond delay, on the training's schedule": lambda one, deficit: one.lasting(deficit) - one.delay(),
    "lasting, at matched rates": lambda one, deficit: one.at_matched_rate(deficit),
    "harm": lambda one, deficit: one.harm(deficit),
}
"""The damages of the page's second table."""


def write_map() -> None:
    made = fit_map(measured_forks([one for one in trainings() if not one.held_out]))
    SHIPPED.write_text(json.dumps(made.document(), indent=1, sort_keys=True) + "\n", encoding="utf-8")
    print(made)


def write_table() -> None:
    table = bench_table(chosen_rules(None), progress=print)
    rows = [(one["title"], one["scores"]) for one in table.document()["rules"]]
    _put("table", f"{sentence(table.facts)}\n\n{bench_markdown(rows)}")


SIGNALS = {
    "step": ("clock", -1),
    "lr": ("rate", 1),
    "loss": ("train_loss", 1),
    "trace": ("fisher", 1),
    "gradient_norm": ("gradient_norm", 1),
}
"""The signals of the watch that rules of the bench look at, and the sign with which a rule's number follows them: the
share of the training that is left falls with the steps."""


def write_worth() -> None:
    """What each signal of the watch is worth: its rule's rank correlation with the damage that remains."""
    signals = {}
    for name, (rule, sign) in SIGNALS.items():
        found = scores(judged(RULES[rule].answer, trainings(), rule)).pooled
        low, high = sorted((sign * found.low, sign * found.high))
        signals[name] = {"value": round(sign * found.value, 3), "low": round(low, 3), "high": round(high, 3)}
    WORTH.write_text(json.dumps({"format": 1, "signals": signals}, indent=1) + "\n", encoding="utf-8")
    print(signals)


def write_damages() -> None:
    """Named damages at the first, the fourth and the last onset: means over trainings, with errors over these."""
    over = [one for one in trainings() if not one.held_out]
    lines = [
        "| deficit | trainings | damage | first onset | fourth | last | timing: first − last |",
        "|---|---|---|---|---|---|---|",
    ]
    for deficit in dict.fromkeys(name for one in over for name in one.deficits if name != NULL):
        having = [one for one in over if deficit in one.deficits]
        for title, of in NAMED.items():
            means = np.array([of(one, deficit).mean(1) for one in having])[:, [0, 3, -1]]
            cells = [_points(column) for column in (*means.T, means[:, 0] - means[:, -1])]
            lines.append(f"| `{deficit}` | {len(having)} | {title} | {' | '.join(cells)} |")
    _put("damages", "\n".join(lines) + "\n")


def _points(values: Floats) -> str:
    """Mean and standard error in points."""
    return signed(f"{100 * values.mean():.1f} ± {100 * values.std(ddof=1) / len(values) ** 0.5:.1f}")


def _put(mark: str, text: str) -> None:
    """Replace what stands between two marks of the page."""
    start, end = f"<!-- {mark}: start -->\n", f"<!-- {mark}: end -->\n"
    before, found, rest = PAGE.read_text(encoding="utf-8").partition(start)
    assert found, f"{PAGE} has no {start}"
    PAGE.write_text(f"{before}{start}{text}{end}{rest.partition(end)[2]}", encoding="utf-8")


def picture() -> Chart:
    """Lasting damage against the fork's reading and against the forecast, on trainings that were held out."""
    over = [one for one in trainings() if one.held_out]
    forks, forecasts = (judged(RULES[name].answer, over, name) for name in ("fork_4_3", PICTURED))
    rows: list[JSON] = [
        {
            "training": forks.rows[place].training,
            "deficit": NAMES.get(forks.rows[place].deficit, forks.rows[place].deficit),
            "reading": round(100 * float(forks.sensitivity[place]), 2),
            "forecast": round(100 * float(forecasts.sensitivity[place]), 2),
            "damage": round(100 * float(forks.damage[place]), 2),
        }
        for place in np.flatnonzero(~forks.null)
    ]
    names = ["blur or shuffled letters", "noise", "random labels"]
    damage = quantity("damage", "lasting damage, points")
    panels = []
    for field, title in (("reading", "fork's reading"), ("forecast", "forecast")):
        x = quantity(field, f"{title}, points")
        points = layer(
            {"type": "point", "filled": True, "size": 14, "opacity": 0.5},
            {"x": x, "y": damage, "color": coloured("deficit", None, names)},
        )
        panels.append((title, layered(rows, points, at_line("y", damage, 2.0))))
    return chart(
        "bench_closing",
        "Damage to come, against what forks show",
        "Each point is a window at one onset of a held-out training.",
        "Lasting damage rises with the fork's reading and follows the forecast",
        panels,
        rows,
    )


def write_picture() -> None:
    drawn, library = picture(), drawing()
    spec = paper_spec(drawn, INCHES)
    (DOCS / "findings/bench_closing.svg").write_text(library.vegalite_to_svg(spec), encoding="utf-8")
    (DOCS / "findings/bench_closing.png").write_bytes(library.vegalite_to_png(spec, scale=1, ppi=DOTS_PER_INCH))


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("what", choices=["map", "table", "damages", "worth", "picture"])
    commands = {"map": write_map, "table": write_table, "damages": write_damages, "worth": write_worth}
    commands["picture"] = write_picture
    commands[parser.parse_args().what]()


if __name__ == "__main__":
    main()
