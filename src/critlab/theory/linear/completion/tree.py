"""Which matrix-completion runs are the same up to when: a sweep as a tree, so that shared updates are done once."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple


class Course(NamedTuple):
    """What one run sees: the deficit in the updates ``[onset, removal)``, then ``recovery`` clean ones.

    A window with ``removal <= onset`` is empty; the run is clean, with the same number of updates.
    """

    onset: int
    removal: int
    recovery: int

    @property
    def stop(self) -> int:
        """All updates of the run."""
        return self.removal + self.recovery

    def track(self, update: int) -> Track:
        """What the run shares with others from state ``update`` to the next event of the sweep."""
        if self.removal <= self.onset or update < self.onset:
            return Track(None, None)
        return Track(self.onset, None if update < self.removal else self.removal)


class Track(NamedTuple):
    """A stretch of training that runs share: clean so far, in a deficit since ``onset``, or clean again."""

    onset: int | None
    removal: int | None

    @property
    def deficit(self) -> bool:
        """Return whether the deficit is applied in these updates."""
        return self.onset is not None and self.removal is None


class Stretch(NamedTuple):
    """Updates ``[start, stop)`` that runs share, between two events of the sweep.

    Args:
        start: the state that it begins with.
        stop: the state that it ends with.
        deficit: whether its updates have the deficit.
        parent: place of the stretch that it goes on from, None at the beginning.
        courses: the runs that share it.
    """

    start: int
    stop: int
    deficit: bool
    parent: int | None
    courses: tuple[Course, ...]

    @property
    def left(self) -> int:
        """Updates from its start to the end of the longest run that shares it."""
        return max(course.stop for course in self.courses) - self.start


def stretches(courses: Sequence[Course], moments: Sequence[int] = ()) -> list[Stretch]:
    """The sweep as a tree, parents first; no run branches or ends inside a stretch.

    Args:
        courses: the runs.
        moments: further states at which stretches shall end, to be looked at.
    """
    last = max(course.stop for course in courses)
    events = {0, *(moment for moment in moments if moment < last)}
    events |= {state for course in courses for state in (course.onset, course.removal, course.stop) if state <= last}
    found: list[Stretch] = []
    reached: dict[Course, int] = {}
    for start, stop in pairwise(sorted(events)):
        together: dict[Track, list[Course]] = {}
        for course in courses:
            if course.stop > start:
                together.setdefault(course.track(start), []).append(course)
        for track, runs in together.items():
            found.append(Stretch(start, stop, track.deficit, reached.get(runs[0]), tuple(runs)))
            reached.update(dict.fromkeys(runs, len(found) - 1))
    return found
