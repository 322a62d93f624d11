"""Which axes and values an array has: recognised where there is one reading, asked for where there are several."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BeforeValidator

from critlab._core.errors import DataError
from critlab._core.problems import Problems, shown

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

COLOURS = (1, 3, 4)
"""Lengths of an axis of channels that are recognised."""


RANGES = '"8bit", "16bit", "unit", "standardised", or two increasing numbers, such as [-80, 0]'

MOST = 1e300
"""The absolute value that an end of a range must be below."""


def _one_of_them(given: Any) -> Any:
    """A range as it is kept; raises Problems where it is none."""
    if isinstance(given, str) and given in ("8bit", "16bit", "unit", "standardised"):
        return given
    ends = given if isinstance(given, list | tuple) and len(given) == 2 else ()
    numbers = [end for end in ends if isinstance(end, int | float) and not isinstance(end, bool)]
    if len(numbers) == 2 and -MOST < numbers[0] < numbers[1] < MOST:
        return tuple(map(float, numbers))
    raise Problems([((), f"received {shown(given)}; must be {RANGES}")])


Range = Annotated[Literal["8bit", "16bit", "unit", "standardised"] | tuple[float, float], BeforeValidator(_one_of_them)]
"""``8bit``: 0 to 255. ``16bit``: 0 to 65535. ``unit``: 0 to 1. ``standardised``: any numbers, used as they are or
normalised per channel. Two numbers: from the first to the second, mapped to [0, 1]."""


_ORDER: Mapping[str, tuple[int, ...]] = {
    "vector": (0, 1),
    "grey": (0, 1, 2),
    "channels_first": (0, 1, 2, 3),
    "channels_last": (0, 3, 1, 2),
    "frequency_time": (0, 1, 2),
    "time_frequency": (0, 2, 1),
    "channels_frequency_time": (0, 1, 2, 3),
}
_ONE_CHANNEL = frozenset(["grey", "frequency_time", "time_frequency"])


def recognised_layout(shape: tuple[int, ...], where: str) -> str:
    """The layout of examples of ``shape[1:]``.

    Raises:
        DataError: there are several readings.
    """
    if len(shape) == 2:
        return "vector"
    if len(shape) == 4 and (shape[1] in COLOURS) != (shape[3] in COLOURS):
        return "channels_first" if shape[1] in COLOURS else "channels_last"
    allowed = {3: '"grey" or "as_stored"', 4: '"channels_first", "channels_last" or "as_stored"'}
    choice = allowed.get(len(shape), '"as_stored"')
    raise DataError(f"{where}: examples of shape {shape[1:]} can be read in several ways; set layout = {choice}")


def laid_out(values: NDArray[Any], layout: str, where: str) -> NDArray[Any]:
    """``values`` with their axes as networks take them: ``(N, channels, height, width)`` or ``(N, ...)``.

    Raises:
        DataError: they have another number of axes than ``layout``.
    """
    if layout == "as_stored":
        return values
    order = _ORDER[layout]
    if values.ndim != len(order):
        raise DataError(f"{where}: layout {layout!r} has {len(order)} axes, but the shape is {values.shape}")
    found = values.transpose(order)
    return found[:, None] if layout in _ONE_CHANNEL else found


def in_range(values: NDArray[Any], asked: Any, where: str) -> NDArray[Any]:
    """``values`` as uint8, or as float in [0, 1], or of any range where ``asked`` is ``standardised``.

    Args:
        values: of any numeric type.
        asked: a :data:`Range`; None is recognised from type and values.
        where: how a person knows them.

    Raises:
        DataError: the range is not clear, or values lie outside it.
    """
    import numpy as np

    if values.dtype.kind == "b":
        return values.astype(np.float32)
    if values.dtype.kind not in "iuf":
        raise DataError(f"{where}: values are {values.dtype}; they must be numbers")
    if values.dtype.kind == "f" and not np.isfinite(values).all():
        place = np.unravel_index(int(np.argmax(~np.isfinite(values))), values.shape)
        raise DataError(
            f"{where}: {values[place].item()!r} at index {tuple(map(int, place))}; fill it or remove the example"
        )
    low, high = values.min().item(), values.max().item()
    if asked is None:
        asked = _recognised(values.dtype, low, high, where)
    if asked == "standardised":
        return np.asarray(values, dtype=np.float32)
    ends = {"8bit": (0, 255), "16bit": (0, 65535), "unit": (0, 1)}[asked] if isinstance(asked, str) else asked
    if low < ends[0] or high > ends[1]:
        raise DataError(f"{where}: values are from {low:g} to {high:g}, but range is {ends[0]:g} to {ends[1]:g}")
    if asked == "unit":
        return np.asarray(values, dtype=np.float32)
    if asked == "8bit" and (values.dtype.kind in "iu" or (values == np.rint(values)).all()):
        return values if values.dtype == np.uint8 else values.astype(np.uint8)
    return ((values.astype(np.float64) - ends[0]) / (ends[1] - ends[0])).astype(np.float32)


def _recognised(dtype: np.dtype[Any], low: float, high: float, where: str) -> str:
    if dtype.str == "|u1" and high > 1:
        return "8bit"
    if dtype.kind == "f" and low >= 0 and 1 / 255 < high <= 1:
        return "unit"
    raise DataError(
        f"{where}: values are {dtype} from {low:g} to {high:g}, whose range is not clear; set range = {RANGES}"
    )
