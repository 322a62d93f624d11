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
        """Whether the updates of this stretch suffer the deficit."""
        return self.onset is not None and self.removal is None


class Segment(NamedTuple):
    """Updates ``[start, stop)`` in which the same tracks advance.

    Args:
        start: the state it begins with.
        stop: the state it ends with.
        tracks: what advances.
        parents: for each track, its place among the previous segment's tracks, 0 in the first segment.
    """

    start: int
    stop: int
    tracks: tuple[Track, ...]
    parents: tuple[int, ...]


def segments(courses: Sequence[Course], moments: Sequence[int] = ()) -> list[Segment]:
    """The sweep in time: every stretch in which no run branches or ends.

    Args:
        courses: the runs.
        moments: further states at which a stretch shall end, to be looked at.
    """
    last = max(course.stop for course in courses)
    events = {0, *(moment for moment in moments if moment < last)}
    events |= {state for course in courses for state in (course.onset, course.removal, course.stop) if state <= last}
    found: list[Segment] = []
    before: dict[Track, int] = {}
    times = sorted(events)
    for start, stop in pairwise(times):
        parents: dict[Track, int] = {}
        for course in courses:
            if course.stop > start:
                origin = course.track(found[-1].start) if found else None
                parents.setdefault(course.track(start), before[origin] if origin else 0)
        found.append(Segment(start, stop, tuple(parents), tuple(parents.values())))
        before = {track: index for index, track in enumerate(parents)}
    return found


def shared_updates(courses: Sequence[Course]) -> int:
    """Updates of the whole sweep when what runs share is done once."""
    return sum((segment.stop - segment.start) * len(segment.tracks) for segment in segments(courses))
