"""Whether two studies of one name are the same, whether one is the other extended, and in which keys they differ."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any, NamedTuple

from critlab._core.problems import shown
from critlab.learning_tasks import CLASSIFICATION, plain_task
from critlab.study.study import Study

GROWTH = (
    "seeds",
    "sweep.at",
    "sweep.onsets",
    "controls",
    "measures",
    "evaluation.every",
    "statistics",
    "task.metric",
    "precision",
    "model.version",
)
"""The keys that may change while a study stays the same study.

They add runs or readings, or change how runs are analysed; no run that both versions have is another one. A version of
the user's code counts as an edit of that code does. (Another precision than the store's is refused on its own.)
"""

TASK: Mapping[str, Any] = {"task": plain_task(CLASSIFICATION)}
"""What plain values without a task mean."""

MOST_KEYS = 10
"""How many differing keys a message lists."""


class Difference(NamedTuple):
    """One key in which two studies differ, and both values; None where a study lacks the key."""

    key: str
    before: Any
    now: Any


def differences(before: Mapping[str, Any], study: Study) -> list[Difference]:
    """The keys in which ``study`` differs from the recorded plain values of a study.

    A key that the record lacks is no difference where ``study`` has its default: an earlier critlab did not know it.
    """
    chosen = study.model_dump(mode="json", exclude_defaults=True)
    found = _differing("", {**TASK, **before}, {**TASK, **study.model_dump(mode="json")})
    return [one for one in found if not _is_new_default(one, chosen)]


def plain_differences(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[Difference]:
    """The keys in which the recorded plain values of two studies differ; one that either lacks is no difference."""
    return [one for one in _differing("", before, now) if one.before is not None and one.now is not None]


def grown(found: Collection[Difference]) -> bool:
    """Whether studies that differ in these keys are one study that was extended or cut back."""
    return all(any(one.key == key or one.key.startswith(f"{key}.") for key in GROWTH) for one in found)


def lasting(study: Study) -> dict[str, Any]:
    """The plain values of ``study`` that stay the same while it grows; defaults are left out, data and model too."""
    plain = study.model_dump(mode="json", exclude_defaults=True)
    grows = {key.partition(".")[0] for key in GROWTH if "." not in key} | {"data", "model"}
    kept = {key: value for key, value in plain.items() if key not in grows}
    points = {key.partition(".")[2] for key in GROWTH if key.startswith("sweep.")}
    sweep = {key: value for key, value in plain["sweep"].items() if key not in points}
    return {**kept, "sweep": {**sweep, "kind": study.sweep.kind}}


def told(found: Collection[Difference]) -> str:
    """The differing keys in one line, with both values; those of growth do not count."""
    wanted = [one for one in found if not grown([one])]
    texts = [f"{one.key} (was {_value(one.before)}, now {_value(one.now)})" for one in wanted[:MOST_KEYS]]
    return ", ".join([*texts, *(["..."] if len(wanted) > MOST_KEYS else [])])


def _differing(prefix: str, before: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[Difference]:
    for key in dict.fromkeys((*now, *before)):
        place = f"{prefix}{key}"
        one, other = before.get(key), now.get(key)
        if isinstance(one, Mapping) and isinstance(other, Mapping):
            yield from _differing(f"{place}.", one, other)
        elif one != other:
            yield Difference(place, one if key in before else None, other if key in now else None)


def _is_new_default(one: Difference, chosen: Mapping[str, Any]) -> bool:
    if one.before is not None:
        return False
    at: Any = chosen
    for part in one.key.split("."):
        if not isinstance(at, Mapping) or part not in at:
            return True
        at = at[part]
    return False


def _value(value: Any) -> str:
    return "nothing" if value is None else shown(value)
