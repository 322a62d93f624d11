"""How names and numbers of a study are put before a reader."""

from __future__ import annotations

from critlab.analysis.curve import Curve, CurvePoint
from critlab.deficits import Deficit
from critlab.study import Run, Study

MINUS = "\N{MINUS SIGN}"


def percent(fraction: float | None) -> str:
    """A fraction as a percentage with one decimal, or a dash."""
    return "–" if fraction is None else f"{fraction * 100:.1f} %".replace("-", MINUS)


def points(fraction: float | None) -> str:
    """A difference of fractions in percentage points with one decimal, or a dash."""
    return "–" if fraction is None else f"{fraction * 100:.1f}".replace("-", MINUS)


def interval(low: float | None, high: float | None, unit: str = "") -> str:
    """Two fractions as an interval in hundredths, or a word where one seed has none."""
    if low is None or high is None:
        return "none"
    return f"{points(low)} to {points(high)}{unit}"


def deficit_words(deficit: Deficit) -> str:
    """A deficit's name and options in plain words, such as ``blur (factor 4)``."""
    options = {k: v for k, v in deficit.special().items() if k != "when"}
    shown = ", ".join(f"{key} {value}".replace("_", " ") for key, value in options.items())
    return spaced(deficit.name) + (f" ({shown})" if shown else "")


def spaced(name: str) -> str:
    """An identifier as words."""
    return name.replace("_", " ")


def question(study: Study) -> str:
    """What the study asks, as one sentence."""
    deficit = deficit_words(study.deficit)
    data, model = study.data.name, study.model.name
    if study.sweep.kind == "removal":
        return f"Does {deficit}, present from the start and then removed, leave lasting damage in {model} on {data}?"
    return (
        f"When is {model} on {data} most sensitive to {deficit}, if it lasts {study.sweep.length} epochs "
        "and comes earlier or later?"
    )


def place_title(study: Study) -> str:
    """What the horizontal axis of the study's curve is."""
    return "Deficit removed after epoch" if study.sweep.kind == "removal" else "Deficit begins at epoch"


def run_label(run: Run) -> str:
    """A run of the main arm by its place on the curve."""
    return "clean" if run.deficit is None else str(run.at)


def arm_label(study: Study, curve: Curve, role: str) -> str:
    """A curve's name in a legend."""
    if role == "negative_control":
        return f"{spaced(curve.arm)} (negative control)"
    if role == "clock_control":
        schedule = "restarted" if curve.clock == "since_removal" else "not restarted"
        return f"{spaced(study.deficit.name)}, learning rate {schedule}"
    return spaced(curve.arm)


def point_facts(point: CurvePoint) -> dict[str, str | int]:
    """What a tooltip says of a point."""
    return {
        "at": str(point.at),
        "accuracy_text": f"{percent(point.accuracy.value)}  ({interval(point.accuracy_low, point.accuracy_high)})",
        "damage_text": f"{points(point.damage.value)} points  ({interval(point.low, point.high)})",
        "n": point.n,
    }
