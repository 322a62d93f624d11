"""What a person should know of a study before it is trained, although it can be."""

from __future__ import annotations

from collections.abc import Hashable
from typing import TYPE_CHECKING

from critlab.study.checks import deficits

if TYPE_CHECKING:
    from critlab.study.study import Study


def deficit_remarks(study: Study, example_shape: tuple[int, ...]) -> list[str]:
    """One line for each deficit that does something else than its options say, or the same as another.

    Args:
        study: its deficits are looked at.
        example_shape: of one example, after padding; the deficits can be applied to such.
    """
    found, before = [], dict[Hashable, tuple[str, object]]()
    for location, deficit in deficits(study):
        place = ".".join(map(str, location))
        seen = example_shape if deficit.source is None else example_shape[1:]
        remark = deficit.remark(seen)
        if remark:
            found.append(f"{place}: {deficit.name} {remark}")
        earlier, other = before.setdefault(deficit.effect(seen), (place, deficit))
        if other != deficit:
            size = " x ".join(map(str, seen[-2:]))
            found.append(f"{place}: {deficit.name} is the same as {earlier} on {size}; their results are equal")
    return found
