"""Looks in words: how often a study was judged, at which level, and what comes next."""

from __future__ import annotations

from collections.abc import Iterator

from critlab._core.terminal.text import one_line
from critlab.analysis.judgement.looks import Looks
from critlab.analysis.tables.progress import Growth
from critlab.report.text.numbers import count, percent, places, significant
from critlab.study.runs.stages import Look
from critlab.study.study import Study


def look_lines(looks: Looks, judged: str = "The study", noun: str = "seed") -> Iterator[str]:
    """What a reader must know of the looks; nothing where there is one, as planned.

    Args:
        looks: so far.
        judged: what was looked at.
        noun: what is added from look to look.
    """
    if looks.number == 1 and looks.planned and looks.most is None:
        return
    level = f"at a one-sided level of {significant(looks.level, 2)}"
    if looks.unplanned:
        verb = "was" if looks.unplanned == 1 else "were"
        yield (
            f"{judged} was judged with {_seeds(looks, noun)}, and {looks.unplanned} of these "
            f"{count(looks.number, 'look')} {verb} not planned. This look is {level}. "
            f"The chance of a false “present” over all looks is {percent(looks.false_present)}."
        )
    elif looks.most is not None:
        yield (
            f"Seeds are added until the answer is decided: look {looks.number}, with {len(looks.seeds)} of at most "
            f"{looks.most} seeds, {level}. The chance of a false “present” over all planned looks is 2.5 %."
        )


def growth_text(look: Look, stage: Study, following: Study) -> str:
    """Why a study goes on after ``look``, and with which seeds or point."""
    begins = f"{stage.name}: {count(len(stage.seeds), 'seed')}: {look.answer.replace('_', ' ')}"
    if len(following.seeds) > len(stage.seeds):
        most = following.sequential.most if following.sequential else len(following.seeds)
        return f"{begins}; continuing with {count(len(following.seeds), 'seed')} (at most {most})"
    if stage.sweep.asks_when:
        new = [at for at in following.sweep.points if at not in stage.sweep.points]
        return f"{begins}; an untried time may be better; adding {places(following.sweep, new)}"
    known = "has no limit yet" if look.width is None else f"is known within {significant(look.width)} epochs"
    new = [at for at in following.sweep.points if at not in stage.sweep.points]
    most = following.sweep.adaptive.most if following.sweep.adaptive else len(following.sweep.points)
    so_far = f"{len(following.sweep.points)} of at most {most} points"
    return f"{begins}; the closing {known}; adding {places(following.sweep, new)} ({so_far})"


def growth_lines(growth: Growth | None) -> Iterator[str]:
    """How many seeds and points of a study are in play, and what the looks so far gave."""
    if growth is None:
        return
    if growth.most_seeds is not None:
        yield f"{growth.seeds} of at most {growth.most_seeds} seeds are in play"
    if growth.most_points is not None:
        listed = ", ".join(map(str, growth.points))
        yield f"{len(growth.points)} of at most {growth.most_points} points are in play: {listed}"
    for number, look in enumerate(growth.looks, 1):
        yield (
            f"look {number}: {count(len(look.seeds), 'seed')}, {count(len(look.points), 'point')}: "
            f"{one_line(look.answer.replace('_', ' '), 40)}{'' if look.planned else ', not planned'}"
        )


def _seeds(looks: Looks, noun: str) -> str:
    """The numbers of seeds of all looks, such as ``3, 5 and 8 seeds``."""
    numbers = [str(len(look.seeds)) for look in looks.earlier]
    return f"{', '.join(numbers)} and {len(looks.seeds)} {noun}s" if numbers else count(len(looks.seeds), noun)
