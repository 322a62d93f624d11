"""The statistics behind a verdict: pure functions of arrays of numbers, vectorised over simulated studies.

Contrasts stand along the last axis (seeds behind them), simulated studies before it, so that a simulation judges
thousands of studies with the code that judges one.
"""

from __future__ import annotations

from critlab.analysis.statistics.simultaneous import holm as holm
from critlab.analysis.statistics.summary import LEVEL as LEVEL
from critlab.analysis.statistics.summary import MINIMUM_SEEDS as MINIMUM_SEEDS
from critlab.analysis.statistics.summary import POWER as POWER
from critlab.analysis.statistics.summary import RESOLUTION as RESOLUTION
from critlab.analysis.statistics.summary import Floats as Floats
from critlab.analysis.statistics.summary import Summary as Summary
from critlab.analysis.statistics.summary import scale_of as scale_of
from critlab.analysis.statistics.summary import summarise as summarise
from critlab.analysis.statistics.summary import t_quantile as t_quantile
