"""Whom to cite for a page, as BibTeX."""

from __future__ import annotations

import re
from collections.abc import Iterable

ENTRIES = {
    "1711.08856": """@inproceedings{achille2019critical,
  title = {Critical Learning Periods in Deep Networks},
  author = {Achille, Alessandro and Rovere, Matteo and Soatto, Stefano},
  booktitle = {International Conference on Learning Representations},
  year = {2019},
  eprint = {1711.08856},
  archiveprefix = {arXiv},
}""",
    "2210.04643": """@article{kleinman2023multisensory,
  title = {Critical Learning Periods for Multisensory Integration in Deep Networks},
  author = {Kleinman, Michael and Achille, Alessandro and Soatto, Stefano},
  year = {2023},
  eprint = {2210.04643},
  archiveprefix = {arXiv},
}""",
    "2308.12221": """@article{kleinman2024linear,
  title = {Critical Learning Periods Emerge Even in Deep Linear Networks},
  author = {Kleinman, Michael and Achille, Alessandro and Soatto, Stefano},
  year = {2024},
  eprint = {2308.12221},
  archiveprefix = {arXiv},
}""",
    "2405.10761": """@article{fischer2024feature,
  title = {Critical feature learning in deep neural networks},
  author = {Fischer, Kirsten and Lindner, Javed and Dahmen, David and Ringel, Zohar and Kr{\\"a}mer, Michael
    and Helias, Moritz},
  year = {2024},
  eprint = {2405.10761},
  archiveprefix = {arXiv},
}""",
}
"""Papers by their number on arXiv."""

AUTHORS = {
    "1711.08856": r"Achille, Rovere and Soatto",
    "2210.04643": r"Kleinman, Achille and Soatto 2023, (figure|section|appendix|table)|multisensory",
    "2308.12221": r"2308\.12221",
    "2405.10761": r"2405\.10761|Fischer",
}
"""By what a citation in words names a paper."""

OWN = """@software{{critlab,
  title = {{critlab: the laboratory for critical learning periods in deep networks}},
  author = {{{{The critlab authors}}}},
  version = {{{version}}},
}}"""


def bibtex(version: str, citations: Iterable[str]) -> str:
    """critlab, and the papers that ``citations`` name.

    Args:
        version: of critlab.
        citations: in words, as components and figures give them, or numbers on arXiv.
    """
    texts = list(citations)
    named = [key for key, words in AUTHORS.items() if any(key in text or re.search(words, text) for text in texts)]
    return "\n\n".join([OWN.format(version=version), *(ENTRIES[key] for key in named)])
