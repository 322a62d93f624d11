"""What is shown: results as one self-contained HTML page, and every chart as files for a paper."""

import sys
from pathlib import Path
from types import ModuleType
from typing import Any

from critlab.report.figures import save_figures as save_figures
from critlab.report.page import page as page
from critlab.report.page import report as report


class _Room(ModuleType):
    """This package, called like the function of its name: whoever imports it puts it in that name's place."""

    def __call__(self, *arguments: Any, **options: Any) -> Path:
        return report(*arguments, **options)


sys.modules[__name__].__class__ = _Room
