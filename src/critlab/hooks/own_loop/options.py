"""The options of :func:`critlab.probe` beyond the loop, the deficit and the most usual numbers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from critlab._core.errors import StudyError
from critlab._core.user_code.values import instance
from critlab.deficits import Deficit
from critlab.hooks.deprivation import DataInfo
from critlab.hooks.named_options import with_named
from critlab.hooks.own_loop.means import LoopMeans
from critlab.learning_tasks import Metric
from critlab.study.runs.parts import Part
from critlab.study.types import Removal, listed


@dataclass(frozen=True)
class ProbeOptions(LoopMeans):
    """Options of :func:`critlab.probe`; it takes each also by name.

    Args:
        onsets: where a deficit of ``length`` epochs begins, in place of ``at``; or a table of points that are added.
        length: of such a window.
        total: epochs of every run, in place of ``recovery``.
        controls: further deficits in the same sweep, as negative controls.
        delay: also a run that is frozen as long as the deficit lasts: ``advance`` is not called, and the epochs count.
        restart: also a run whose recovery counts its epochs from 0, so that ``advance`` gets the epochs, and the
            generators the seeds, of a newborn network.
        metric: what ``evaluate`` gives: None is accuracy, a fraction; the name of another metric of critlab's, such as
            ``mean_absolute_error``; a :class:`critlab.learning_tasks.Metric` with unit and direction; or a function
            with ``@critlab.metric``, itself or by path. The loop computes it.
        smallest_damage: the smallest damage of interest, in the unit of the metric; None is that of the metric, 0.01
            for accuracy.
        final_epochs: how many last epochs are averaged; at most the recovery.
        closing_width: points are added until the closing is known within so many epochs; only with points as a table.
        knowledge: what deficits may know of the data. Each field also by its own name: ``examples``, ``classes``,
            ``normalised``, and ``all_labels`` for ``labels``.
        name: of the study in the store.
        model: what the page calls the model.
        data: what the page calls the data.
        version: names the loop and its data in the store; where it is left out, the code of ``make``, ``advance`` and
            ``evaluate`` does: their text, their modules, and the modules of your own that these import. Data files, and
            values that other code puts into a module, critlab cannot see: give another version when they change.
        check: whether to train three epochs first, to see that a saved state goes on as if it had not been saved, and
            that it holds no learning-rate schedule that a frozen or a restarted run could not follow.
        replace: let the study take over its name where the store holds another study of that name.
        threads: how many threads torch has on the processor while the loop runs. The numbers depend on it by rounding,
            and so may an answer that few seeds leave open. With 1 they are the same on every machine of a kind. None
            leaves torch's setting as it is, for a large model on the processor; each of several workers then has one.
        part: ``"1/4"`` does the first of four parts of the work, seeds first, then branches; see
            :class:`critlab.study.runs.parts.Part`. Until all parts are done, the verdict is ``running``.
    """

    onsets: Iterable[int] | Mapping[str, Any] | None = None
    length: int | None = None
    total: int | None = None
    controls: Iterable[Deficit] = ()
    delay: bool = True
    restart: bool = True
    metric: Metric | str | Callable[..., float] | None = None
    smallest_damage: float | None = None
    final_epochs: int = 1
    closing_width: float | None = None
    knowledge: DataInfo = field(default_factory=DataInfo)
    name: str = "probe"
    model: str = "the model"
    data: str = "its own data"
    version: str | int | None = None
    check: bool = True
    replace: bool = False
    threads: int | None = 1
    part: str | Part | None = None

    def changed(self, named: dict[str, Any]) -> ProbeOptions:
        """These options with those in ``named`` in their place.

        Raises:
            TypeError: there is no such option.
            StudyError: ``threads``, ``part`` or a field of :class:`~critlab.hooks.own_loop.means.LoopMeans` is out of
                range, or an option is of another type.
        """
        made = with_named(self, named, "probe")
        made.check_means("probe")
        made = replace(made, controls=_deficits(made.controls))
        if made.threads is not None and made.threads < 1:
            raise StudyError(
                f"probe: threads: received {made.threads}; must be at least 1, or None for torch's own setting"
            )
        return made if made.part is None else replace(made, part=Part.read(made.part, "probe: part"))

    def sweep(self, at: Iterable[Removal] | Mapping[str, Any] | None, recovery: int | None) -> dict[str, Any]:
        """The section ``[sweep]`` of the study.

        Raises:
            StudyError: neither a removal sweep nor a window sweep is given, or both.
        """
        if (at is None) == (self.onsets is None) or (self.onsets is not None) != (self.length is not None):
            raise StudyError("probe: give at= for a removal sweep, or onsets= and length= for a window sweep")
        given: dict[str, Any] = {"kind": "removal", "at": listed(at)} if at is not None else {"kind": "window"}
        if self.onsets is not None:
            given |= {"onsets": listed(self.onsets), "length": self.length}
        lengths = {"recovery": recovery, "total": self.total}
        return given | {key: value for key, value in lengths.items() if value is not None}

    @property
    def control_section(self) -> dict[str, Any]:
        """The section ``[controls]`` of the study."""
        return {"deficits": list(self.controls), "delay": self.delay, "clocks": None if self.restart else ()}

    def statistics_section(self, metric: Metric) -> dict[str, Any]:
        """The section ``[statistics]`` of the study, whose score is ``metric``."""
        smallest = metric.smallest_damage if self.smallest_damage is None else self.smallest_damage
        given = {"final_epochs": self.final_epochs, "smallest_damage": smallest}
        return {**given, "closing_width": self.closing_width}


def _deficits(given: Any) -> tuple[Deficit, ...]:
    """The further deficits.

    Raises:
        StudyError: they are no list of deficits.
    """
    several = given if isinstance(given, Deficit) else listed(given)
    if not isinstance(several, list):
        raise StudyError(
            f"probe: controls: received {type(given).__name__}; must be a list of deficits, such as [VerticalFlip()]"
        )
    for one in several:
        instance(one, "probe: controls", Deficit, "a list of deficits, such as [VerticalFlip()]")
    return tuple(several)
