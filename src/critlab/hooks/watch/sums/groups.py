"""Parameters in groups, such as one for each source of a model of several: their traces, and their prime windows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from torch import nn

from critlab._core.errors import StudyError
from critlab._core.estimate import Estimate
from critlab._core.problems import nearest
from critlab.analysis.sources.prime_window import AVERAGED, PrimeWindow, followed
from critlab.analysis.sources.source_windows import below

Groups = Mapping[str, str | Sequence[str]]
"""For each group the name of a module, or of several, as in ``model.named_modules()``."""


MOST_READINGS = 512
"""Readings of each group that are kept: of the epochs that the rule averages over, in which they lie thinner then."""


class Watched:
    """The groups of a watched model, and the prime learning window of each from record to record.

    Args:
        given: None is no group.
        model: whose modules they name; what is frozen has a trace of 0, of which nothing is said.
        epoch_steps: steps of an epoch, at least 1; needed where there are groups.

    Raises:
        StudyError: the groups are no such mapping, a module has no parameters, one belongs to two groups, or
            ``epoch_steps`` is missing or below 1.

    Error: a record is a mean over the steps since the one before, so a window closes up to one record late.

    Source: the rule: :func:`~critlab.analysis.sources.prime_window.prime_window`.
    """

    def __init__(self, given: Groups | None, model: nn.Module, epoch_steps: int | None) -> None:
        owning = [name for name, module in model.named_modules() if any(True for _ in module.parameters(recurse=False))]
        self.groups = _read(given, owning)
        if self.groups and (not isinstance(epoch_steps, int) or isinstance(epoch_steps, bool) or epoch_steps < 1):
            came = (
                "required where there are groups, but missing" if epoch_steps is None else f"received {epoch_steps!r}"
            )
            raise StudyError(f"watch: epoch_steps: {came}; must be how many steps an epoch has, at least 1")
        self.epoch_steps = epoch_steps or 1
        #: of each group after the latest record
        self.windows = dict.fromkeys(self.groups, PrimeWindow())
        self._steps: list[int] = []
        self._traces: dict[str, list[Estimate]] = {name: [] for name in self.groups}

    def places(self, layers: Sequence[str]) -> list[list[int]]:
        """For each group the places of its layers among ``layers``; none where all of them are frozen."""
        inside = (set(_inside(modules, layers)) for modules in self.groups.values())
        return [[place for place, layer in enumerate(layers) if layer in group] for group in inside]

    def follow(self, step: int, traces: Mapping[str, Estimate]) -> Mapping[str, PrimeWindow]:
        """The windows after one more record.

        Args:
            step: its place.
            traces: of each group.
        """
        self._steps.append(step)
        for name, trace in traces.items():
            known = self._traces[name]
            known.append(trace)
            values, errors = [one.value for one in known], [one.stderr for one in known]
            self.windows[name] = followed(self.windows[name], self._steps, values, errors, epoch=self.epoch_steps)
        self._thin()
        return dict(self.windows)

    def state(self) -> dict[str, Any]:
        """What :meth:`load` takes."""
        last = self.windows.items()
        return {
            "steps": list(self._steps),
            "traces": {name: [[one.value, one.stderr] for one in known] for name, known in self._traces.items()},
            "windows": {name: [one.open, one.since, one.growth and _pair(one.growth)] for name, one in last},
        }

    def load(self, state: Mapping[str, Any]) -> None:
        """Goes on from a state; groups that it does not know begin again."""
        if set(state["traces"]) != set(self.groups):
            return
        self._steps = [int(step) for step in state["steps"]]
        self._traces = {name: [Estimate(*one) for one in known] for name, known in state["traces"].items()}
        self.windows = {
            name: PrimeWindow(is_open, since, growth and Estimate(*growth))
            for name, (is_open, since, growth) in state["windows"].items()
        }

    def _thin(self) -> None:
        """Forgets readings before the epochs that the rule looks at, and every second one where they are too many."""
        oldest = self._steps[-1] - (AVERAGED + 1) * self.epoch_steps
        # the one before the oldest place is needed to interpolate there
        first = max(0, sum(step <= oldest for step in self._steps[:2]) - 1)
        kept = range(first, len(self._steps))
        if len(kept) > MOST_READINGS:
            self._keep([*kept[:-1:2], kept[-1]])
        elif first:
            self._keep(kept)

    def _keep(self, places: Sequence[int]) -> None:
        self._steps = [self._steps[place] for place in places]
        self._traces = {name: [known[place] for place in places] for name, known in self._traces.items()}


def _pair(growth: Estimate) -> list[float]:
    return [growth.value, growth.stderr]


def _read(given: Groups | None, owning: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """The groups, each a tuple of modules; ``owning`` are the modules that own parameters."""
    if not isinstance(given, Mapping | None):
        raise _refused(f"received {type(given).__name__}; must be a mapping from a name to the name of a module")
    found = {name: _modules(name, modules) for name, modules in (given or {}).items()}
    owners: dict[str, str] = {}
    for name, modules in found.items():
        for module in modules:
            if not _inside([module], owning):
                raise _refused(f"no module with parameters, received {module!r}{nearest(module, _paths(owning))}", name)
        for layer in _inside(modules, owning):
            if owners.setdefault(layer, name) != name:
                raise _refused(f"received {layer!r}, which group {owners[layer]!r} has; must be in one group", name)
    return found


def _modules(name: Any, given: Any) -> tuple[str, ...]:
    modules = (given,) if isinstance(given, str) else tuple(given) if isinstance(given, list | tuple) else ()
    if not isinstance(name, str) or not modules or not all(isinstance(one, str) and one for one in modules):
        raise _refused(f"received {given!r}; must be the name of a module, or a list of them", name)
    return modules


def _inside(modules: Sequence[str], layers: Sequence[str]) -> list[str]:
    return [layer for layer in layers if any(below(layer, module) for module in modules)]


def _paths(layers: Sequence[str]) -> list[str]:
    """The modules that the layers are or lie inside, the outermost first, each once."""
    found = {layer.rsplit(".", cut)[0] for layer in layers if layer for cut in range(layer.count(".") + 1)}
    return sorted(found, key=lambda name: (name.count("."), name))


def _refused(said: str, name: Any = None) -> StudyError:
    return StudyError(f"watch: groups{'' if name is None else f'.{name}'}: {said}")
