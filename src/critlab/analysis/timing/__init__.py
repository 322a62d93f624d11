"""When to flip a switch: from a metric by time and seed to the best time, its plateau, and what to train next.

Pure functions of tables, free of torch: a simulation judges thousands of planted curves with the code that judges one
training.
"""

from __future__ import annotations

from critlab.analysis.timing.answer import BestTime as BestTime
from critlab.analysis.timing.answer import CurvePoint as CurvePoint
from critlab.analysis.timing.answer import Plateau as Plateau
from critlab.analysis.timing.answer import PresentTime as PresentTime
from critlab.analysis.timing.answer import Timing as Timing
from critlab.analysis.timing.answer import judge_timing as judge_timing
from critlab.analysis.timing.further import Design as Design
from critlab.analysis.timing.further import further_cells as further_cells
from critlab.analysis.timing.further import run_design as run_design
from critlab.analysis.timing.table import TimingTable as TimingTable
