"""What a rule may answer, and one clear line where it does not."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from numbers import Real
from typing import Any, Literal

import numpy as np

from critlab._core.errors import CritlabError, StudyError
from critlab._core.loading.imports import imported, is_path, one_line
from critlab._core.problems import nearest, shown
from critlab.bench.records import Records

State = Literal["open", "closed", "undecided", ""]
ALLOWED = (
    "a finite number (the larger, the more damage is to come), True for closed, a bench.answers.Answer, "
    "or one of these for each deficit"
)


@dataclass(frozen=True)
class Answer:
    """What a rule says about one deficit.

    Args:
        sensitivity: the larger, the more damage is to come; with an interval: that damage, as a fraction.
        state: ``open``, ``closed`` or ``undecided``; empty where the rule gives a number alone, so that the bench
            chooses the threshold below which it says closed.
        low: the lower end of the interval of the damage to come.
        high: its upper end.
    """

    sensitivity: float
    state: State = ""
    low: float = math.nan
    high: float = math.nan


Rule = Callable[[Records], Any]


def answers(rule: Rule, shown_records: Records, name: str) -> dict[str, Answer]:
    """The answer for each deficit.

    Raises:
        StudyError: the rule raises, or its answer is not of the allowed kind.
    """
    known = f"a rule sees epochs 0 to {shown_records.epoch}"
    try:
        found = rule(shown_records)
    except CritlabError as error:
        raise StudyError(f"--rule: {name} failed at epoch {shown_records.epoch}: {error}") from error
    except IndexError as error:
        raise StudyError(
            f"--rule: {name} failed at epoch {shown_records.epoch}: {one_line(error)}; {known}, and nothing later"
        ) from error
    except Exception as error:
        raise StudyError(f"--rule: {name} failed at epoch {shown_records.epoch}: {one_line(error)}") from error
    if not isinstance(found, Mapping):
        return dict.fromkeys(shown_records.deficits, _answer(found, name))
    if missing := [deficit for deficit in shown_records.deficits if deficit not in found]:
        raise StudyError(
            f"--rule: {name} answered for {', '.join(map(str, found)) or 'no deficit'}, not for {', '.join(missing)}; "
            f"must answer with {ALLOWED}"
        )
    return {deficit: _answer(found[deficit], name) for deficit in shown_records.deficits}


def _answer(found: Any, name: str) -> Answer:
    if isinstance(found, (bool, np.bool_)):
        return Answer(float(not found), "closed" if found else "open")
    if isinstance(found, Real) and math.isfinite(float(found)):
        return Answer(float(found))
    if isinstance(found, Answer) and math.isfinite(found.sensitivity):
        if found.state in ("open", "closed", "undecided", ""):
            return found
        raise StudyError(
            f"--rule: {name}: state: received {shown(found.state)}"
            f"{nearest(str(found.state), ('open', 'closed', 'undecided'))}"
        )
    raise StudyError(f"--rule: {name} answered {shown(found)}; must answer with {ALLOWED}")


def users_rule(path: str) -> Rule:
    """The function at ``"your.module:rule"``.

    Raises:
        StudyError: it cannot be imported, or is no function.
    """
    if not is_path(path):
        raise StudyError(f'--rule: received {shown(path)}; must be "your.module:rule", a function of the records')
    try:
        found = imported(path)
    except StudyError as error:
        raise StudyError(f"--rule: {error}") from error
    if not callable(found):
        raise StudyError(f"--rule: {path} is {shown(found)}; must be a function of the records so far")
    return found  # type: ignore[no-any-return]
