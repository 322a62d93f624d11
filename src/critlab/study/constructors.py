"""Studies made in Python: a sweep of a deficit over a set-up."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Literal

from critlab._core.errors import StudyError
from critlab._core.problems import shown
from critlab.deficits import Deficit
from critlab.study.defaults import with_defaults
from critlab.study.ingredients.window_override import WindowOverride
from critlab.study.setup import Setup
from critlab.study.study import Study
from critlab.study.types import Removal, listed


def removal_sweep(
    deficit: Deficit | None,
    *,
    at: Iterable[Removal] | Mapping[str, Any],
    setup: Setup,
    seeds: int | Iterable[int] | Mapping[str, int],
    recovery: int | None = None,
    total: int | None = None,
    name: str | None = None,
    **parts: Any,
) -> Study:
    """A removal sweep: the deficit from epoch 0 until each epoch of ``at``.

    Args:
        deficit: what is applied to the data; None where ``switch=WindowOverride(...)`` is all that is on in the window.
        at: removal epochs, increasing; may end in ``"never"``. Or ``{"first": [0, 10, 40], "most": 8}``: points are
            added where they narrow the closing.
        setup: data, model, optimiser and measures, such as ``critlab.papers.all_cnn_cifar10()``.
        seeds: how many, or which; or ``{"first": 3, "most": 20}``: seeds are added until the answer is decided.
        recovery: clean epochs after removal; or give ``total``, the epochs of every run.
        total: see ``recovery``.
        name: of the study; by default made from the deficit, or from what is switched.
        parts: further fields of :class:`Study`, such as ``switch``, ``intervention``, ``background``, ``controls`` and
            ``statistics``. Without ``controls={"delay": False, "clocks": []}`` a study has a delay control and a
            restarted learning rate, as a study file does; without ``evaluation={"every": 1}``, it is tested every few
            epochs before the final ones.

    Raises:
        StudyError: with one line for each problem.
    """
    sweep = _given(kind="removal", at=listed(at), recovery=recovery, total=total)
    return _study(setup, name or f"{_called(deficit, parts)}-removal", deficit, seeds, sweep, parts)


def window_sweep(
    deficit: Deficit | None,
    *,
    onsets: Iterable[int] | Mapping[str, Any],
    length: int,
    setup: Setup,
    seeds: int | Iterable[int] | Mapping[str, int],
    recovery: int | None = None,
    total: int | None = None,
    name: str | None = None,
    **parts: Any,
) -> Study:
    """A window sweep: the deficit for ``length`` epochs at each of ``onsets``; otherwise as :func:`removal_sweep`."""
    sweep = _given(kind="window", onsets=listed(onsets), length=length, recovery=recovery, total=total)
    return _study(setup, name or f"{_called(deficit, parts)}-windows", deficit, seeds, sweep, parts)


def onset_sweep(
    deficit: Deficit | None,
    *,
    at: Iterable[Removal] | Mapping[str, Any],
    total: int,
    setup: Setup,
    seeds: int | Iterable[int] | Mapping[str, int],
    name: str | None = None,
    **parts: Any,
) -> Study:
    """A sweep over switch times: on from each epoch of ``at`` to the end, between never on and always on.

    Args:
        deficit: what is applied to the data; None where ``switch=WindowOverride(...)`` is all that is switched.
        at: epochs of the switch, increasing; or ``{"first": [5, 20], "most": 6}``: points are added where an untried
            time is likely to be better. 0 (always on) and ``"never"`` are always among the points.
        total: epochs of every run.
        setup: data, model, optimiser and measures.
        seeds: as :func:`removal_sweep`.
        name: of the study; by default made from the deficit, or from what is switched.
        parts: further fields of :class:`Study`, such as ``switch`` and ``statistics``.

    Raises:
        StudyError: with one line for each problem.
    """
    sweep = {"kind": "onset", "at": listed(at), "total": total}
    return _study(setup, name or f"{_called(deficit, parts)}-onset", deficit, seeds, sweep, parts)


def switch_off_sweep(
    deficit: Deficit | None,
    *,
    at: Iterable[Removal] | Mapping[str, Any],
    total: int,
    setup: Setup,
    seeds: int | Iterable[int] | Mapping[str, int],
    name: str | None = None,
    **parts: Any,
) -> Study:
    """A sweep over switch times: on from the start until each epoch of ``at``, then off; else as :func:`onset_sweep`.

    0 is never on, and ``"never"`` is never off.
    """
    sweep = {"kind": "switch_off", "at": listed(at), "total": total}
    return _study(setup, name or f"{_called(deficit, parts)}-switch-off", deficit, seeds, sweep, parts)


def _called(deficit: Deficit | None, parts: dict[str, Any]) -> str:
    """A study's name by default: the deficit's, and what is switched."""
    switch = parts.get("switch")
    switched = list(switch.special()) if isinstance(switch, WindowOverride) else []
    suffers = deficit.name if isinstance(deficit, Deficit) else None
    return "-".join([*([suffers] if suffers else []), *switched]) or "study"


def _given(kind: Literal["removal", "window"], **fields: Any) -> dict[str, Any]:
    return {"kind": kind, **{k: v for k, v in fields.items() if v is not None}}


def _study(
    setup: Setup,
    name: str,
    deficit: Deficit | None,
    seeds: int | Iterable[int] | Mapping[str, int],
    sweep: dict[str, Any],
    parts: dict[str, Any],
) -> Study:
    if not isinstance(setup, Setup):
        raise StudyError(f"{name}: setup: received {shown(setup)}; must be a critlab.Setup")
    fields = {field: getattr(setup, field) for field in Setup.model_fields}
    given = {**fields, "name": name, "seeds": listed(seeds), "deficit": deficit, "sweep": sweep, **parts}
    return Study.read(with_defaults(given), name)


def removal(deficit: Deficit | None, *, base: Setup, **arguments: Any) -> Study:
    """An earlier name of :func:`removal_sweep`, whose ``setup`` is called ``base``; kept for one release."""
    return removal_sweep(deficit, setup=base, **arguments)


def windows(deficit: Deficit | None, *, base: Setup, **arguments: Any) -> Study:
    """An earlier name of :func:`window_sweep`, whose ``setup`` is called ``base``; kept for one release."""
    return window_sweep(deficit, setup=base, **arguments)
