"""Two views: every image of another data set shown to two eyes, each of which sees a part of its columns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, Self

from pydantic import Field, model_validator

from critlab._core.errors import DataError, StudyError
from critlab._core.loading.imports import is_path
from critlab._core.problems import Problems
from critlab.data.data_set import DataFacts, DataSet

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from critlab.data.user import Pair


class TwoView(DataSet):
    """Two views of another data set, each of which sees a part of the columns.

    Args:
        of: the data set that is shown twice, of images ``(channels, height, width)``; or a user's function.
        view_width: columns that each view sees, view A the left ones and view B the right ones; None is half of them.
            More than half overlap. The papers' are 14, 16 and 18 of 32.
        heads: 1 label an image, or 3 of which the first is the image's own and the others, of view A and of view B,
            count only under a deficit that gives them (``decorrelate``).
    """

    name: ClassVar[str] = "two_view"
    citation: ClassVar[str] = "Kleinman, Achille and Soatto 2023, section 4: each image seen through two apertures"
    facts: ClassVar[DataFacts | None] = DataFacts(
        title="two views of another data set",
        shape=(2, 3, 32, 32),
        classes=10,
        train=50_000,
        test=10_000,
        licence="that of the data set shown",
    )
    neutral: ClassVar[Mapping[str, Any]] = {"view_width": None, "heads": 1}
    of: str = "cifar10"
    view_width: Annotated[int, Field(ge=1)] | None = None
    heads: Literal[1, 3] = 1

    @model_validator(mode="after")
    def _of_images(self) -> Self:
        if is_path(self.of):
            return self
        try:
            shown = _facts(self.of)
        except StudyError as error:
            raise Problems([(("of",), str(error))]) from None
        if _has_options(self.of) or len(shown.shape) != 3:
            raise Problems([(("of",), f"received {self.of!r}; must be a data set of single images")])
        if self.view_width is not None and self.view_width > shown.shape[-1]:
            text = f"received {self.view_width}; must be at most {shown.shape[-1]}, the columns of {self.of}"
            raise Problems([(("view_width",), text)])
        return self

    def label_heads(self) -> int:
        """As ``heads``."""
        return self.heads

    def described(self) -> DataFacts | None:
        """The data set shown twice, with its own sizes; None for a user's function."""
        if is_path(self.of):
            return None
        shown = _facts(self.of)
        return replace(shown, shape=(2, *shown.shape), title=f"{shown.title}, two views")

    def aperture(self, example_shape: tuple[int, ...]) -> NDArray[Any]:
        """Float32 ``(2, 1, 1, width)``: the left columns of view A, the right ones of view B, padding counted.

        Raises:
            DataError: the examples are no two images of at least ``view_width`` columns.
        """
        import numpy as np

        width = example_shape[-1]
        seen = width // 2 if self.view_width is None else self.view_width
        if len(example_shape) != 4 or not 1 <= seen <= width:
            raise DataError(
                f"two_view of {self.of}: images of shape {tuple(example_shape[1:])}; must be (channels, height, width) "
                f"with at least {max(seen, 2)} columns"
            )
        mask = np.zeros((2, 1, 1, width), dtype=np.float32)
        mask[0, ..., :seen] = 1
        mask[1, ..., width - seen :] = 1
        return mask

    def load(self, folder: Path) -> tuple[Pair, Pair]:
        """See :func:`read`."""
        return read(folder, self)


def read(folder: Path, options: TwoView) -> tuple[Pair, Pair]:
    """Both views of every image, whole: what each sees of them is the aperture, after augmentation and deficits.

    So a shift or a flip moves the scene behind the aperture and not the aperture itself, as in the authors' code.

    Returns:
        ``((images, labels), (images, labels))``, training and test, images ``(N, 2, channels, height, width)``.

    Raises:
        DataError: the data are missing or damaged.

    Source: Kleinman, Achille and Soatto 2023, section 4; the code's ``DoubleCIFAR10``.
    """
    from critlab.data.loading import returned

    train, test = returned(options.of, folder)
    return _twice(*train, options), _twice(*test, options)


def _twice(images: NDArray[Any], labels: NDArray[Any], options: TwoView) -> Pair:
    import numpy as np

    # a view of the same memory: only what is chosen of it is ever copied
    both = np.broadcast_to(images[:, None], (len(images), 2, *images.shape[1:]))
    if options.heads == 1:
        return both, labels
    if labels.ndim != 1:
        raise DataError(f"two_view of {options.of}: heads = 3 needs one label an image; set heads = 1")
    own = np.full((len(labels), options.heads), -1, dtype=np.int64)
    own[:, 0] = labels
    return both, own


def _facts(name: str) -> DataFacts:
    from critlab.data import DATA  # this module is a row of it

    facts = DATA.find(name).facts
    if facts is None:
        raise StudyError(f"received {name!r}, of which nothing is known before it is read; give a function instead")
    return facts


def _has_options(name: str) -> bool:
    from critlab.data import DATA

    return bool(DATA.find(name).model_fields)
