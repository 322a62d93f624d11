"""Numbers as they lie in a record: an array too large for a table."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True)
class Picture:
    """A float32 array as text.

    Args:
        shape: of the array.
        float32: its numbers, little-endian, in base64.
    """

    shape: tuple[int, ...]
    float32: str

    @classmethod
    def of(cls, array: NDArray[np.float32]) -> Picture:
        """The picture of a float array of any shape."""
        return cls(array.shape, base64.b64encode(array.astype("<f4").tobytes()).decode("ascii"))

    @classmethod
    def read(cls, plain: Mapping[str, Any]) -> Picture:
        """The picture in a record."""
        return cls(tuple(plain["shape"]), plain["float32"])

    def array(self) -> NDArray[np.float32]:
        """The array, float32."""
        import numpy as np

        return np.frombuffer(base64.b64decode(self.float32), dtype="<f4").astype(np.float32).reshape(self.shape)
