"""The parts of the page as plain values for the template."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from critlab.analysis.tables.results import Results
from critlab.report.findings import Comparison, Findings
from critlab.report.sections.study import study_section
from critlab.report.sections.theory import comparisons_table, findings_section


def section(shown: Results | Findings, name: str, comparisons: Sequence[Comparison] = ()) -> Mapping[str, Any]:
    """Everything that the template shows of one study or of one theory's figure.

    Args:
        shown: the study's results, or the figure's findings.
        name: unique on the page.
        comparisons: a study's numbers next to the published ones.
    """
    if isinstance(shown, Results):
        return {**study_section(shown, name), "comparisons": comparisons_table(comparisons)}
    return findings_section(shown, name)
