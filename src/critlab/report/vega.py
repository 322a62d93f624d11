"""The drawing library, imported where it is used and asked for by name where it is missing."""

from __future__ import annotations

from base64 import b64encode
from functools import cache
from gzip import compress
from importlib.util import find_spec
from types import ModuleType

from critlab._core.errors import StudyError

MISSING = "charts need vl-convert-python, which is missing: pip install vl-convert-python"


def check_renderer() -> None:
    """Refuse to start work whose charts could not be drawn at its end; imports nothing.

    Raises:
        StudyError: the drawing library is not installed.
    """
    if find_spec("vl_convert") is None:
        raise StudyError(MISSING)


def drawing() -> ModuleType:
    """The module ``vl_convert``.

    Raises:
        StudyError: it is not installed.
    """
    try:
        import vl_convert
    except ImportError:
        raise StudyError(MISSING) from None
    return vl_convert


@cache
def packed_bundle() -> str:
    """:func:`bundle`, compressed with gzip and written as base64: a third of its size."""
    return packed(bundle())


def packed(text: str) -> str:
    """``text``, compressed with gzip and written as base64."""
    # without a time in it, so that equal pages have equal bytes
    return b64encode(compress(text.encode(), mtime=0)).decode()


@cache
def bundle() -> str:
    """Vega, Vega-Lite and Vega-Embed as one script (0.9 MB) that a page can hold."""
    text: str = drawing().javascript_bundle()
    return text.replace("</script", "<\\/script").replace("<!--", "<\\!--")
