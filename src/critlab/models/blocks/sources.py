"""What the options of models of two sources have in common: torch-free."""

from __future__ import annotations

from critlab._core.errors import StudyError


def check_two_images(model: str, example_shape: tuple[int, ...], smallest: int) -> None:
    """Raises StudyError unless examples are ``(2, channels, height, width)`` with sides of at least ``smallest``."""
    if len(example_shape) != 4 or example_shape[0] != 2 or min(example_shape[2:]) < smallest:
        raise StudyError(
            f"model {model!r} takes two images (2, channels, height, width) with sides of at least {smallest}, "
            f"received examples of shape {tuple(example_shape)}; use other data, such as two_view, or another model"
        )


def head_parameters(features: int, classes: int, heads: int) -> int:
    """Trainable numbers of so many linear heads."""
    return heads * classes * (features + 1)
