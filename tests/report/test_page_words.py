"""What a page says and how it scales: no internal names, numbers without exponents, panels that can be compared."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

from critlab.analysis.statistics import summarise
from critlab.analysis.statistics.ratio import Share
from critlab.report.charts import charts
from critlab.report.charts.damages import KEY
from critlab.report.charts.sweep import _domain
from critlab.report.sections.study import study_section
from critlab.report.text.glossary import glossary
from critlab.report.text.judgement.confounds import confound_names, share_label
from critlab.report.text.names import plain_arm
from synthetic import synthetic_results, synthetic_study, with_whole_trace


def test_the_glossary_names_the_points_of_the_sweep() -> None:
    removal, window = synthetic_results(), synthetic_results(kind="window", at=(0, 4, 8), recovery=12)
    assert [term for term, _ in glossary(removal)][:2] == ["Removal epoch", "Damage"]
    assert [term for term, _ in glossary(window)][:2] == ["Onset", "Damage"]
    assert "Fisher information" in [term for term, _ in glossary(with_whole_trace(removal))]


def test_names_of_arms_are_words_and_options_stay() -> None:
    assert plain_arm("label_shuffle") == "label shuffle"
    assert plain_arm("blur(when=after_augment)") == "blur(when=after_augment)"
    assert "vertical_flip" not in str(study_section(synthetic_results(), "study-1")["verdict"])


def test_several_explanations_of_one_name_say_where() -> None:
    verdict = synthetic_results().verdict()
    one = next(one for one in verdict.confounds if one.at)
    twice = replace(verdict, confounds=(replace(one, at=(5,)), replace(one, at=(10,))))
    assert [name.rpartition(", ")[2] for name in confound_names(twice)] == ["removal epoch 5", "removal epoch 10"]


def test_nothing_has_a_share_of_a_gain() -> None:
    one = next(one for one in synthetic_results().verdict().confounds if one.at)
    share = Share(0.5, 0.2, 0.8, 3)
    assert share_label(replace(one, share=share, damage=summarise([-0.2, -0.1, -0.3]))) == "no damage"
    assert share_label(replace(one, share=share, damage=summarise([0.2, 0.1, 0.3]))).startswith("50 %")


def test_a_damage_is_drawn_once() -> None:
    for results in (synthetic_results(), synthetic_results(kind="window", at=(0, 4, 8), recovery=12)):
        chart = next(one for one in charts(results) if one.key == KEY)
        rows = chart.panels[0].spec["data"]["values"]
        labels = [re.sub(r"[,\n].*", "", row["label"]) for row in rows if row["part"] == "explanation"]
        assert not set(labels) & {row[0] for row in chart.rows}


def test_axes_have_no_exponents_and_panels_of_runs_one_range() -> None:
    drawn = charts(with_whole_trace(synthetic_results(at=(0, 5, 10, 20))))
    formats = [one["format"] for chart in drawn for panel in chart.panels for one in _found(panel.spec, "format")]
    assert [one for one in formats if "g" in one] == [".2~g"], "only the learning rate"
    for chart in drawn:
        if chart.key.endswith("_by_layer") or chart.key == "layer_shares":
            ranges = {str(scale["domain"]) for panel in chart.panels for scale in _epochs(panel.spec)}
            assert len(ranges) == 1, chart.key


def test_equal_numbers_have_an_axis() -> None:
    low, high = _domain([{"value": 0.1 + 0.2}, {"value": 0.3}], ("value",))
    assert high - low > 1e-4


def test_a_curve_that_has_no_point_yet_is_left_out() -> None:
    study = synthetic_study()
    for kept in ("deficit", "negative_control"):
        waiting = [run for run in study.runs if run.role not in (kept, "control")]
        status: dict[str, Any] = {run.identifier(seed): "missing" for run in waiting for seed in study.seeds}
        drawn = {chart.key: chart for chart in charts(synthetic_results(status=status))}
        arms = {row["arm"] for row in drawn["removal_curve"].panels[0].spec["data"]["values"] if "arm" in row}
        assert len(arms - {"blur"}) == (kept == "negative_control"), arms


def _found(value: Any, key: str) -> list[dict[str, Any]]:
    """Every mapping inside ``value`` that has ``key``."""
    if isinstance(value, dict):
        return [*([value] if key in value else []), *(one for inner in value.values() for one in _found(inner, key))]
    return [one for inner in value for one in _found(inner, key)] if isinstance(value, list) else []


def _epochs(spec: Any) -> list[dict[str, Any]]:
    found = [one["x"] for one in _found(spec, "x") if isinstance(one["x"], dict)]
    return [x["scale"] for x in found if "scale" in x]
