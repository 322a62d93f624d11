"""Paper 2: accuracy with one source switched off, against the length of the deficit."""

from __future__ import annotations

from critlab.papers.figure import Figure, single
from critlab.papers.multisensory.accuracy import HIDDEN, accuracy_charts, accuracy_comparisons
from critlab.papers.multisensory.setup import PAPER, source_information_study

FIGURE = Figure(
    question="how good is the network with one source switched off, against the length of the deficit?",
    source=f"{PAPER}; the runs of source-information",
    studies=single(source_information_study),
    published=(HIDDEN,),
    charts=accuracy_charts,
    compare=accuracy_comparisons(HIDDEN),
)
