"""The names of a study's parts as a reader sees them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from critlab.analysis.curve import Curve
from critlab.analysis.curve_points import CurvePoint
from critlab.analysis.statistics import MINIMUM_SEEDS
from critlab.deficits import Deficit
from critlab.learning_tasks import LearningTask
from critlab.learning_tasks.metric import Metric
from critlab.objectives import Objective
from critlab.report.text.metric_words import MetricWords
from critlab.study import AugmentSpec, Intervention, Run, Study, WindowOverride
from critlab.study.schedules import schedule
from critlab.study.switches import Switch, switch_key


def deficit_words(deficit: Deficit) -> str:
    """A deficit's name and options in plain words, such as ``blur (factor 4)``."""
    options = {k: v for k, v in deficit.special().items() if k != "when"}
    shown = ", ".join(f"{key} {value}".replace("_", " ") for key, value in options.items())
    return spaced(deficit.name) + (f" ({shown})" if shown else "")


def switch_words(switch: WindowOverride) -> str:
    """What is switched, in plain words, such as ``weight decay 0, no augmentation``."""
    return ", ".join(_switched(switch_key(one), one) for one in switch)


def _switched(key: str, switch: Switch) -> str:
    value = switch.value
    if key == "weight_decay":
        return f"weight decay {value:g}"
    if key == "lr_factor":
        return f"learning rate times {value:g}"
    if isinstance(value, AugmentSpec):
        flips = ["flips"] if value.flip else []
        shifts = [f"shifts up to {value.shift}"] if value.shift else []
        kinds = [*flips, *shifts, *([value.transform] if value.transform else [])]
        return f"augmentation by {' and '.join(kinds)}" if kinds else "no augmentation"
    if isinstance(value, Objective):
        return objective_words(value)
    if isinstance(value, Deficit):
        return deficit_words(value)
    return f"{spaced(key)} {_plain_words(switch.plain())}"


def _plain_words(value: object) -> str:
    """A JSON value in words, such as ``name adam, lr 0.001``."""
    if isinstance(value, Mapping):
        return ", ".join(f"{spaced(str(key))} {_plain_words(item)}" for key, item in value.items())
    if isinstance(value, list):
        return " and ".join(map(_plain_words, value))
    return f"{value:g}" if isinstance(value, float) else str(value)


def task_words(task: LearningTask) -> str:
    """A task's name and options in plain words, such as ``regression (learned variance True)``."""
    options = {key: value for key, value in task.special().items() if key != "metric"}
    shown = ", ".join(f"{key} {value}".replace("_", " ") for key, value in options.items())
    return spaced(task.name) + (f" ({shown})" if shown else "")


def metric_words(metric: Metric) -> str:
    """A metric with its unit and its direction, such as ``mean absolute error (mm), lower is better``."""
    unit = f" ({metric.unit})" if metric.unit else ""
    return f"{metric.title}{unit}, {metric.better} is better"


def objective_words(objective: Objective) -> str:
    """An objective's name and options in plain words."""
    shown = ", ".join(f"{key} {value}".replace("_", " ") for key, value in objective.special().items())
    return spaced(objective.name) + (f" ({shown})" if shown else "")


def window_words(study: Study) -> str:
    """What is on in a study's window, in plain words."""
    parts = [deficit_words(study.deficit)] if study.deficit else []
    return " with ".join([*parts, *([switch_words(study.switch)] if study.switch else [])])


def tested_words(study: Study) -> str:
    """When a study's networks are tested, in plain words."""
    final = study.statistics.final_epochs
    last = "in the last epoch" if final == 1 else f"in the last {final} epochs"
    every = study.evaluation.every
    return f"every {every} epochs and {last} of each run" if every > 1 else "after every epoch"


def background_words(study: Study) -> str:
    """The deficits of the background and when they are on, in plain words; empty where there are none."""
    return "; ".join(
        f"{deficit_words(one.deficit)} from epoch {one.start}" + ("" if one.stop == "never" else f" until {one.stop}")
        for one in study.background
    )


def intervention_words(intervention: Intervention) -> str:
    """An intervention in plain words, such as ``shrink 0.4, perturb 0.1``."""
    told = {k: " and ".join(v) if isinstance(v, list) else v for k, v in intervention.special().items()}
    return ", ".join(f"{key} {value}".replace("_", " ") for key, value in told.items()) or "no intervention"


def capital(text: str) -> str:
    """``text`` with a capital first letter."""
    return text[:1].upper() + text[1:]


def spaced(name: str) -> str:
    """An identifier as words."""
    return name.replace("_", " ")


def question(study: Study) -> str:
    """What the study asks, as one sentence."""
    deficit = window_words(study)
    data, model = study.data.name, study.model.name
    standing = f", with {background_words(study)} in every run" if study.background else ""
    return f"{study.sweep.question(deficit, model, data)}{standing}?"


def title(study: Study) -> str:
    """What the study is about, as a title, such as ``Blur (factor 4) in all_cnn on cifar10``."""
    words = window_words(study)
    return f"{words[:1].upper()}{words[1:]} in {study.model.name} on {study.data.name}"


def place_title(study: Study) -> str:
    """What the horizontal axis of the study's curve is."""
    return study.sweep.words.axis


UNSWEPT = ("clean", "control")
"""How :func:`run_label` calls a run without the swept deficit: without any, or with the background alone."""


def run_label(run: Run) -> str:
    """A run of the main arm by its place on the curve; a clean one is in :data:`UNSWEPT`."""
    if not run.clean:
        return str(run.at)
    return "control" if run.background else "clean"


def arm_label(study: Study, curve: Curve, role: str, words: Mapping[str, str]) -> str:
    """A curve's name in a legend; ``words`` are those of :func:`arms_in_words`."""
    if role == "clock_control":
        return f"{spaced(study.treatment_label)}, learning rate {schedule(curve.clock).label}"
    if role == "intervention_control":
        made = next(run.intervention for run in study.runs if run.arm == curve.arm)
        return f"{spaced(study.treatment_label)}, {intervention_words(made) if made else 'no intervention'}"
    name = words.get(curve.arm, spaced(curve.arm))
    return f"{name} (negative control)" if role == "negative_control" else name


def plain_arm(arm: str) -> str:
    """An arm's name as words, without its study; options keep the names that a study file gives them."""
    name, bracket, options = arm.partition("(")
    return f"{spaced(name)}{bracket}{options}"


def arm_words(study: Study, arm: str) -> str:
    """An arm's name, with the options of its deficit in words where these distinguish it from the other arms."""
    return arms_in_words(study).get(arm, spaced(arm))


def arms_in_words(study: Study) -> dict[str, str]:
    """The name of every arm with a deficit, as :func:`arm_words` gives it."""
    deficits = {run.arm: run.deficit for run in study.runs if run.deficit}
    words = {deficit: deficit_words(deficit) for deficit in set(deficits.values())}
    counts = Counter(words.values())
    found: dict[str, str] = {}
    for arm, deficit in deficits.items():
        told = arm.startswith(f"{deficit.name}(") and counts[words[deficit]] == 1
        found[arm] = words[deficit] + spaced(arm.partition(")")[2]) if told else spaced(arm)
    return found


def score_text(point: CurvePoint, metric: Metric) -> str:
    """The score of a point with its interval, cut where the metric has no values."""
    words = MetricWords(metric)
    return f"{words.level(point.score.value)} {words.possible(point.score_low, point.score_high)}"


def damage_limits(point: CurvePoint) -> tuple[float | None, float | None]:
    """The interval of a point's damage; None with fewer than three seeds, of which no named damage has one either.

    A network compared with itself has the damage 0, with as few seeds as there are.
    """
    same = all(seed.damage == 0 for seed in point.seeds)
    return (point.low, point.high) if same or point.n >= MINIMUM_SEEDS else (None, None)


def damage_text(point: CurvePoint, metric: Metric) -> str:
    """The damage of a point with its interval, such as ``3.7 points [2.5, 4.8]``."""
    words = MetricWords(metric)
    return f"{words.size(point.damage.value)} {words.interval(*damage_limits(point))}"


def point_facts(point: CurvePoint, metric: Metric) -> dict[str, str | int]:
    """What a tooltip says of a point."""
    words = MetricWords(metric)
    return {
        "at": str(point.at),
        f"{metric.name}_text": score_text(point, metric),
        "damage_text": f"{words.amount(point.damage.value)} {words.interval(*damage_limits(point))}",
        "n": point.n,
    }
