"""Paper 2's published statements, and ours beside them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from critlab.analysis.beside_control import When, beside_control
from critlab.analysis.ignored_source import ignored_sources
from critlab.analysis.inference import Summary
from critlab.presets.critical_periods_numbers import UNSTATED, damage_words, parts_numbers
from critlab.presets.multisensory_charts import SOURCES, VARIANCE
from critlab.presets.multisensory_setup import PAPER
from critlab.presets.preset import Found, Published
from critlab.report.findings import Comparison
from critlab.report.wording import arm_words, spaced

SECONDARY = "secondary notes on the paper"

MOVES = Published("median relative source variance", "units answer to the spared source alone", f"{PAPER}, figure 4")
HIDDEN = Published("test accuracy", "about 93 to 94 % whatever the deficit", SECONDARY)
MONOCULAR = Published("units of one source after dissociation", "all", f"{SECONDARY}, of the paper's histograms")
WORTH = Published("usable information", "of the deprived source lost, of the spared one kept", f"{PAPER}, shown")
WINDOW = Published("sensitivity to a window", "highest at early onsets", f"{PAPER}, shown")
DEPTH = Published("damage by depth", "deep networks have a critical period, shallow ones do not", f"{PAPER}, abstract")
RESILIENT = Published(
    "sensitivity after cross-source reconstruction", "flat", f"{PAPER}, abstract: much more resilient; {SECONDARY}"
)


def summary_words(value: Summary, unit: str = "") -> str:
    """A mean with its interval and n."""
    limits = "no interval" if value.low is None or value.high is None else f"{value.low:.3f} to {value.high:.3f}"
    return f"{value.mean:.3f}{unit} [{limits}], n = {value.n}"


def rsv_numbers(found: Found) -> Sequence[Comparison]:
    """How far the median moves, and what accuracy says meanwhile; in words, which source is ignored."""
    rows = [
        Comparison(MOVES.what + place, MOVES.value, MOVES.source, words) for place, words in _points(found, VARIANCE)
    ]
    rows += [
        Comparison(f"{HIDDEN.what}{place}", HIDDEN.value, HIDDEN.source, words)
        for place, words in _points(found, "test_accuracy")
    ]
    return [*rows, *ignored(found)]


def ignored(found: Found) -> Iterator[Comparison]:
    """In words, which source the network has come to ignore at the longest deficit, by how many units, since when."""
    for results in found.values():
        for point, words in ignored_sources(results):
            place = f"{arm_words(results.study, point.arm)} at {point.at}"
            yield Comparison(f"the ignored source, {place}", UNSTATED, "ours", words)


def dissociation_numbers(found: Found) -> Sequence[Comparison]:
    """The share of units of one source at the end of the dissociation and after it, beside clean runs as long."""
    share, kinds = f"{VARIANCE}_share", (("removal", "at its end"), ("end", "after clean epochs"))
    rows = []
    for when, words in kinds:
        for place, ours in _points(found, share, "one", when):  # type: ignore[arg-type]
            rows.append(Comparison(f"{MONOCULAR.what}, {words}{place}", MONOCULAR.value, MONOCULAR.source, ours))
    rows += [
        Comparison(f"bimodality at its end{place}", UNSTATED, "ours", ours)
        for place, ours in _points(found, f"{VARIANCE}_bimodality", "", "removal")
    ]
    return rows


def information_numbers(found: Found) -> Sequence[Comparison]:
    """Bits of both sources and of each alone, at the end."""
    return [
        Comparison(f"usable information, {seen}{place}", WORTH.value, WORTH.source, f"{words} bits")
        for source, seen in SOURCES.items()
        for place, words in _points(found, "usable_information", source)
    ]


def accuracy_numbers(published: Published) -> Callable[[Found], Sequence[Comparison]]:
    """Accuracy of both sources and of each alone, at the end."""

    def numbers(found: Found) -> Sequence[Comparison]:
        return [
            Comparison(f"accuracy, {seen}{place}", published.value, published.source, words)
            for source, seen in SOURCES.items()
            for place, words in _points(found, "source_accuracy", source)
        ]

    return numbers


def depth_numbers(found: Found) -> Sequence[Comparison]:
    """The damage of every depth, and the units that moved."""
    rows = list(parts_numbers(DEPTH)(found))
    return [*rows, *(Comparison(f"{MOVES.what}{p}", UNSTATED, "ours", words) for p, words in _points(found, VARIANCE))]


def resilience_numbers(found: Found) -> Sequence[Comparison]:
    """The damage of every window, with reconstruction first and with labels throughout."""
    return [
        Comparison(f"damage, {spaced(part)}, onset {point.at}", RESILIENT.value, RESILIENT.source, damage_words(point))
        for part, results in found.items()
        for point in results.curve().points
    ]


def _points(found: Found, quantity: str, layer: str = "", when: When = "end") -> Iterator[tuple[str, str]]:
    """Every point of every part, as a place and words: its mean, and its difference from the control of its seed."""
    for part, results in found.items():
        named = "" if len(found) == 1 else f", {part}"
        for point in beside_control(results, quantity, layer, when):
            if point.arm == "control":
                yield f"{named}, no deficit", summary_words(point.value)
                continue
            change = "" if point.difference is None else f"; against the control {summary_words(point.difference)}"
            yield (
                f"{named}, {arm_words(results.study, point.arm)} at {point.at}",
                f"{summary_words(point.value)}{change}",
            )
