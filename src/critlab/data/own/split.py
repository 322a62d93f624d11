"""Training and test part of one set: by chance within each class, or by a key such as the patient; no randomness."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field

from critlab._core.errors import DataError
from critlab._core.problems import shown
from critlab._core.spec import Spec

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class Split(Spec):
    """Which part of one set is the test part.

    Args:
        test: its share of the examples.
        by: what keeps examples together, such as a patient or a speaker; None is every example by itself.
    """

    neutral: ClassVar[Mapping[str, Any]] = {"by": None}
    test: float = Field(gt=0, lt=1)
    by: str | None = None


def held_out(
    labels: Sequence[Any], names: Sequence[str], split: Split, keys: Sequence[Any] | None, where: str
) -> NDArray[np.bool_]:
    """Which examples are the test part; a function of names, keys and labels alone.

    Without keys, the share is taken of each class, in the order of a digest of the examples' names. With keys, all
    examples of a key are in one part: keys are taken in the order of their digest, each where it brings the share
    closer to ``split.test``. So an example that is added to the set moves few others.

    Args:
        labels: of all examples, of any kind that can be compared.
        names: of all examples, each once.
        split: what is asked.
        keys: of all examples; None where ``split.by`` is.
        where: how a person knows the set.

    Returns:
        bool ``(examples,)``.

    Raises:
        DataError: a class, or all keys, are too few for two parts.
    """
    import numpy as np

    if keys is not None:
        return _by_keys([str(key) for key in keys], split, where)
    chosen = np.zeros(len(names), dtype=bool)
    members: dict[Any, list[int]] = {}
    for place, label in enumerate(labels):
        members.setdefault(label, []).append(place)
    for label, places in members.items():
        if len(places) < 2:
            raise DataError(
                f"{where}: class {label} has one example alone; a split needs at least 2 of each class; "
                "give it another one, or remove it"
            )
        count = min(max(1, round(split.test * len(places))), len(places) - 1)
        chosen[sorted(places, key=lambda place: (_order(names[place]), place))[:count]] = True
    return chosen


def _by_keys(keys: Sequence[str], split: Split, where: str) -> NDArray[np.bool_]:
    import numpy as np

    values, group = np.unique(np.asarray(keys), return_inverse=True)
    if len(values) < 2:
        raise DataError(
            f"{where}: split.by {split.by!r} has one value alone, {shown(f'{values[0]}')}; a split needs at least 2"
        )
    sizes, wanted = np.bincount(group), split.test * len(keys)
    ordered = sorted(range(len(values)), key=lambda place: _order(str(values[place])))
    chosen = [ordered[0]]
    have = int(sizes[ordered[0]])
    for place in ordered[1:]:
        more = have + int(sizes[place])
        if abs(more - wanted) < abs(have - wanted) and len(chosen) < len(values) - 1:
            chosen.append(place)
            have = more
    return np.isin(group, chosen)


def _order(name: str) -> str:
    return hashlib.sha256(name.encode("utf-8", "surrogateescape")).hexdigest()
