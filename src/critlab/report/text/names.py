"""The names of a study's parts as a reader sees them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from critlab.analysis.curve import Curve, CurvePoint
from critlab.deficits import Deficit
from critlab.objectives import Objective
from critlab.report.text.numbers import interval, percent, points
from critlab.study import Intervention, Run, Study, WindowOverride
from critlab.study.schedules import schedule


def deficit_words(deficit: Deficit) -> str:
    """A deficit's name and options in plain words, such as ``blur (factor 4)``."""
    options = {k: v for k, v in deficit.special().items() if k != "when"}
    shown = ", ".join(f"{key} {value}".replace("_", " ") for key, value in options.items())
    return spaced(deficit.name) + (f" ({shown})" if shown else "")


def switch_words(switch: WindowOverride) -> str:
    """What is switched, in plain words, such as ``weight decay 0, no augmentation``."""
    told: list[str] = []
    if switch.weight_decay is not None:
        told.append(f"weight decay {switch.weight_decay:g}")
    if switch.lr_factor is not None:
        told.append(f"learning rate times {switch.lr_factor:g}")
    if switch.augment is not None:
        flips = ["flips"] if switch.augment.flip else []
        shifts = [f"shifts up to {switch.augment.shift}"] if switch.augment.shift else []
        told.append(f"augmentation by {' and '.join([*flips, *shifts])}" if flips or shifts else "no augmentation")
    if switch.objective is not None:
        told.append(objective_words(switch.objective))
    if switch.select is not None:
        told.append(deficit_words(switch.select))
    return ", ".join(told)


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


def spaced(name: str) -> str:
    """An identifier as words."""
    return name.replace("_", " ")


def question(study: Study) -> str:
    """What the study asks, as one sentence."""
    deficit = window_words(study)
    data, model = study.data.name, study.model.name
    standing = f", with {background_words(study)} in every run" if study.background else ""
    return f"{study.sweep.question(deficit, model, data)}{standing}?"


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


def point_facts(point: CurvePoint) -> dict[str, str | int]:
    """What a tooltip says of a point."""
    return {
        "at": str(point.at),
        "accuracy_text": f"{percent(point.accuracy.value)} {interval(point.accuracy_low, point.accuracy_high)}",
        "damage_text": f"{points(point.damage.value)} {interval(point.low, point.high)}",
        "n": point.n,
    }
