"""Which axes of an example are what: images have their height and width last, and their channels before them."""

from __future__ import annotations

from critlab._core.errors import StudyError

_COLOURS = (3, 4)
"""Red, green and blue, with or without transparency."""


def check_images(name: str, example_shape: tuple[int, ...], smallest_side: int = 1) -> None:
    """Raises StudyError unless examples are images ``(..., height, width)``.

    Args:
        name: of the deficit that needs images.
        example_shape: of one example.
        smallest_side: pixels that each side must have at least.
    """
    if len(example_shape) < 2 or min(example_shape[-2:]) < smallest_side:
        raise StudyError(
            f"deficit {name!r} needs images (..., height, width) with sides of at least {smallest_side}, received "
            f"examples of shape {example_shape}; choose another deficit or other data"
        )
    check_channels(name, example_shape)


def check_channels(name: str, example_shape: tuple[int, ...]) -> None:
    """Raises StudyError where examples have their channels last."""
    if channels_last(example_shape):
        raise StudyError(
            f"deficit {name!r} needs images (channels, height, width), received examples of shape {example_shape}, "
            "which have their channels last; move them, such as by images.movedim(-1, -3)"
        )


def channels_last(example_shape: tuple[int, ...]) -> bool:
    """Whether the last three axes can only be ``(height, width, channels)``.

    That is so where the last axis has the length of a colour, and the one where channels belong has no such length. One
    last channel counts only behind a square, since ``(sensors, time, 1)`` is common.
    """
    if len(example_shape) < 3:
        return False
    rows, columns, last = example_shape[-3:]
    if min(rows, columns) <= max(_COLOURS):
        return False
    return last in _COLOURS or (last == 1 and rows == columns)
