"""Charts of a study that is judged in another metric than accuracy."""

from __future__ import annotations

from pathlib import Path

import critlab
from critlab.report.charts.sliders.player import player_charts
from task_studies import files, study


def test_the_playground_of_the_removal_curve_is_in_the_unit_of_the_metric(tmp_path: Path) -> None:
    sweep = {"kind": "removal", "at": [0, 1, 2, 3], "recovery": 1}
    asked = study("regression", files(tmp_path, "regression"), {"sweep": sweep})
    results = critlab.run(asked, store=tmp_path / "store", engine="inline", data=tmp_path)
    (drawn,) = player_charts(results)
    assert [panel.title for panel in drawn.panels] == ["Damage", "Test mean absolute error"]
    assert "mean test mean absolute error of that run" in drawn.caption
    axes = str([panel.spec["layer"] for panel in drawn.panels])
    assert "Damage (mean absolute error)" in axes
    assert "percentage" not in axes
    ends = [row for row in drawn.panels[1].spec["data"]["values"] if row["part"] == "end"]
    assert len(ends) == 3
    assert all(float(row["text"]) > 0 for row in ends), "in the unit of the metric, which is none here"
