"""Paper 3, Critical Learning Periods Emerge Even in Deep Linear Networks (arXiv 2308.12221), and paper 2's sensors.

Importing a figure costs no numerical library; its tables load them when they are computed.
"""

from __future__ import annotations

PAPER = "Kleinman, Achille and Soatto 2023, arXiv 2308.12221"
PROGRAM = f"the authors' published program ({PAPER})"
COMPLETION = f"{PAPER}, figures of matrix completion"
