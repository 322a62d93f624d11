"""The drawing library, imported where it is used and asked for by name where it is missing."""

from __future__ import annotations

from functools import cache
from types import ModuleType

from critlab._core.errors import StudyError


def drawing() -> ModuleType:
    """The module ``vl_convert``.

    Raises:
        StudyError: it is not installed.
    """
    try:
        import vl_convert
    except ImportError:
        raise StudyError(
            "the report needs vl-convert-python, which is missing: pip install 'critlab[report]'"
        ) from None
    return vl_convert


@cache
def bundle() -> str:
    """Vega, Vega-Lite and Vega-Embed as one script (0.9 MB) that a page can hold."""
    text: str = drawing().javascript_bundle()
    return text.replace("</script", "<\\/script").replace("<!--", "<\\!--")
