"""Does the demo give the same answer with other seeds?

    python evidence/demo_stability.py STORE [--sets 5]

Runs both parts of the demo with disjoint sets of five seeds: 0 to 4, 5 to 9, .... One row for each part and set goes to
``results/evidence/demo_stability.csv``. It can be stopped and started again.
"""

from __future__ import annotations

import argparse
import csv
from pathlib import Path

import critlab
from critlab.engine.records.provenance import provenance
from critlab.papers.ours.demo import FIGURE

OUT = Path(__file__).parent.parent / "results" / "evidence" / "demo_stability.csv"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("store")
    parser.add_argument("--sets", type=int, default=5)
    arguments = parser.parse_args()
    table = []
    for number in range(arguments.sets):
        for part, study in FIGURE.parts("demo").items():
            seeds = tuple(range(5 * number, 5 * number + 5))
            asked = study.model_copy(update={"seeds": seeds, "name": f"{study.name} {seeds[0]} to {seeds[-1]}"})
            verdict = critlab.run(asked, arguments.store).verdict()
            strongest = max(verdict.critical_evidence, key=lambda one: one.estimate, default=None)
            row = {"part": part, "seeds": f"{seeds[0]} to {seeds[-1]}", "answer": verdict.answer}
            if strongest is not None:
                row |= {"damage": strongest.name, "at": str(strongest.at)}
                row |= {"estimate": f"{strongest.estimate:.4f}", "low": f"{strongest.low:.4f}"}
            table.append(row)
            print(*row.values(), sep="\t", flush=True)
            with OUT.open("w", newline="") as file:
                file.write("# " + "; ".join(f"{key} {value}" for key, value in provenance().items()) + "\n")
                columns = ["part", "seeds", "answer", "damage", "at", "estimate", "low"]
                writer = csv.DictWriter(file, columns, restval="", lineterminator="\n")
                writer.writeheader()
                writer.writerows(table)


if __name__ == "__main__":
    main()
