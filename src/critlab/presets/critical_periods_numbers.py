"""Our numbers beside those of paper 1 and of its replications.

The paper's body could not be read; its numbers come through public notes and through replications, as each source says.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from critlab.analysis.curve import CURVE_ROLES, Curve, CurvePoint
from critlab.analysis.inference import Summary
from critlab.analysis.results import Results
from critlab.analysis.wording import interval, points
from critlab.presets.critical_periods_trace import Traced, fit, peak, traces
from critlab.presets.preset import Found, Published
from critlab.report.findings import Comparison
from critlab.report.wording import percent, spaced, window_words
from critlab.study.run import Run

NOTES = "public notes on the paper"
RECONSTRUCTION = "R. Leor's reconstruction, one seed, no momentum"
REPLICATION = "B. Krzepkowski's replication, no momentum"
UNSTATED = "not stated where the paper can be read"

CLEAN = Published("clean accuracy of All-CNN", "about 92 %", f"{NOTES}; 91.99 % in {RECONSTRUCTION}")
LATE = Published(
    "accuracy after the longest blur",
    "about 82 % after 140 epochs or more",
    f"{NOTES}; 82.87 % after 100 in {RECONSTRUCTION}",
)
RESNET_CLEAN = Published("clean accuracy of ResNet-18", "about 93.6 %", f"{NOTES} (an error of about 6.4 %)")
RESNET_LATE = Published(
    "accuracy of ResNet-18 after the longest blur", "below 82 % after 140 epochs", f"{NOTES} (an error above 18 %)"
)
FLIP = Published(
    "vertical flip", "no lasting damage", f"the paper's abstract; 5.3 points after 140 epochs in {REPLICATION}"
)
PERMUTATION = Published(
    "label permutation", "no lasting damage", f"{NOTES}; 17.2 points for shuffled labels in {REPLICATION}"
)
NOISE = Published("white noise", "milder than blur", f"{NOTES}; 19.6 points after 140 epochs in {REPLICATION}")
PEAK_ONSET = Published("most sensitive onset", "about epoch 30", f"{NOTES}; epoch 0 in {REPLICATION}")
DEPTH = Published("damage by depth", "grows with the number of blocks", "the paper's abstract")
WEIGHT_DECAY = Published("damage by weight decay", "none: shorter and sharper; more: longer and softer", NOTES)
MNIST = Published("damage after the longest blur", "9.4 points after 400 epochs", f"{REPLICATION} (rate 0.05 x 0.97)")
PRESENT = Published("damage after the longest blur", "present", "from memory of the paper, unconfirmed")
TRACE = Published("trace of the Fisher information", "rises, then falls", "the paper's abstract")
FINAL_TRACE = Published(
    "final trace after early and late removal, over the control's",
    "2.9 and 6.2",
    f"{RECONSTRUCTION} (removal at 40 and 100)",
)
FORM = Published("sensitivity against the trace", "exponential", NOTES)
SHARES = Published("layer shares after removal", "reorganise after 40 epochs, frozen after 100", NOTES)
GRADIENTS = Published("gradients by layer", "shown, no number", "from memory of the paper's appendix")
FILTERS = Published("filters of the first layer", "shown, no number", "from memory of the paper's appendix")


def run_words(run: Run) -> str:
    """A run of a sweep of blur: clean, or blurred until when."""
    return "clean" if run.role == "control" else f"blurred until {run.window.stop}"


def final(curve: Curve) -> CurvePoint | None:
    """The last point that a verdict is about."""
    return curve.tested[-1] if curve.tested else None


def damage_words(point: CurvePoint) -> str:
    """A damage with interval, n and place."""
    return f"{points(point.damage.value)} {interval(point.low, point.high)}, n = {point.n}, at epoch {point.at}"


def accuracy_words(point: CurvePoint) -> str:
    """An accuracy with interval, n and place."""
    limits = interval(point.accuracy_low, point.accuracy_high)
    return f"{percent(point.accuracy.value)} {limits}, n = {point.n}, at epoch {point.at}"


def against(published: Published, ours: str, what: str = "") -> Comparison:
    """One row of the comparison."""
    return Comparison(what or published.what, published.value, published.source, ours)


def removal_numbers(found: Found) -> Sequence[Comparison]:
    """Clean accuracy, accuracy after the longest blur, and what other clocks leave of the damage."""
    rows: list[Comparison] = []
    for part, results in found.items():
        curve = results.curve()
        if not curve.points:
            continue
        clean, late = (RESNET_CLEAN, RESNET_LATE) if part == "resnet18" else (CLEAN, LATE)
        rows.append(against(clean, accuracy_words(curve.points[0]), f"clean accuracy, {spaced(part)}"))
        if (last := final(curve)) is not None:
            rows.append(against(late, accuracy_words(last), f"accuracy after the longest blur, {spaced(part)}"))
            rows.append(against(PRESENT, damage_words(last), f"damage, {spaced(part)}"))
        rows += [
            Comparison(f"damage of {name}, {spaced(part)}", UNSTATED, "ours", words)
            for name, words in _other_arms(results)
        ]
    return rows


def _other_arms(results: Results) -> Iterator[tuple[str, str]]:
    """The last damage of every further arm, from each kind of clean run that it is compared with."""
    arms = dict.fromkeys(run.arm for run in results.study.runs if run.role in CURVE_ROLES and run.role != "deficit")
    for arm in arms:
        kinds = dict.fromkeys(kind for run in results.study.runs if run.arm == arm for kind, _ in run.controls)
        for kind in kinds:
            if (last := final(results.curve(arm, kind))) is not None:
                yield f"{spaced(arm)} against the {spaced(kind)} control", damage_words(last)


def sensitivity_numbers(found: Found) -> Sequence[Comparison]:
    """The onset at which a window hurts most, and what it costs first and last."""
    curve = next(iter(found.values())).curve()
    if not curve.points:
        return []
    worst = max(curve.points, key=lambda point: point.damage.value)
    return [
        against(PEAK_ONSET, f"epoch {worst.at}: {damage_words(worst)}"),
        Comparison("damage at the first onset", "4.8 points", REPLICATION, damage_words(curve.points[0])),
        Comparison("damage at the last onset", "0.2 points", REPLICATION, damage_words(curve.points[-1])),
    ]


def deficits_numbers(found: Found) -> Sequence[Comparison]:
    """The damage of every deficit at the last removal."""
    stated = {"vertical_flip": FLIP, "label_permutation": PERMUTATION, "noise": NOISE}
    rows: list[Comparison] = []
    for part, results in found.items():
        if (last := final(results.curve())) is not None and part == "paper":
            rows.append(against(PRESENT, damage_words(last), f"damage of {window_words(results.study)}"))
        for name, words in _other_arms(results):
            published = stated.get(name.split(" against ")[0].replace(" ", "_"), Published("", UNSTATED, "ours"))
            rows.append(against(published, words, f"damage of {name}"))
    return rows


def parts_numbers(published: Published) -> Callable[[Found], Sequence[Comparison]]:
    """The last damage of every part, from the plain control and from a run of equal length, beside one statement."""

    def numbers(found: Found) -> Sequence[Comparison]:
        rows = []
        for part, results in found.items():
            label = "" if part == "study" else f", {part}"
            curve = results.curve()
            if (last := final(curve)) is None:
                continue
            rows.append(against(published, damage_words(last), f"damage after the longest blur{label}"))
            if (equal := final(results.curve(against="equal_total"))) is not None:
                rows.append(against(published, damage_words(equal), f"the same against a run of equal length{label}"))
            rows.append(Comparison(f"clean accuracy{label}", UNSTATED, "ours", accuracy_words(curve.points[0])))
        return rows

    return numbers


def fisher_numbers(found: Found) -> Sequence[Comparison]:
    """Where the clean trace peaks and how far it falls, what deficits leave of it, and the fit to the sensitivity."""
    swept = traces(found["trace"])
    rows = [against(TRACE, _peak_words(run), f"trace, {run.label}") for run in swept]
    clean = next((run for run in swept if run.clean), None)
    if clean is not None:
        rows += [
            against(FINAL_TRACE, f"{_ratio(run, clean)}", f"final trace over the control's, {run.label}")
            for run in swept
            if not run.clean
        ]
    made = fit(found["sensitivity"])
    if made is not None:
        words = (
            f"trace = {made.amplitude:.3g} exp({made.rate:.3g} x damage), R2 = {made.r_squared:.2f}, "
            f"rank correlation {made.rank_correlation:.2f}, {made.n} onsets"
        )
        rows.append(against(FORM, words))
    return rows


def _peak_words(run: Traced) -> str:
    at, highest = peak(run)
    return f"peak {highest:.3g} after epoch {at}, {run.values[-1].mean:.3g} at the end (n = {run.values[-1].n})"


def _ratio(run: Traced, clean: Traced) -> str:
    return f"{run.values[-1].mean / clean.values[-1].mean:.2f} (n = {run.values[-1].n})"


def layers_numbers(found: Found) -> Sequence[Comparison]:
    """How far the layer shares move after removal, early against late."""
    return [
        against(
            SHARES,
            f"{one.distance.mean:.3f} {_limits(one.distance)}, n = {one.distance.n}; "
            f"{one.floor:.3f} from the readings' errors alone",
            f"total variation of the shares after removal, {spaced(one.arm)} until {one.removal}",
        )
        for one in next(iter(found.values())).plasticity()
    ]


def _limits(summary: Summary) -> str:
    if summary.low is None or summary.high is None:
        return "[no interval]"
    return f"[{summary.low:.3f}, {summary.high:.3f}]"
