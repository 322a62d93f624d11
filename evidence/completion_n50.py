"""Matrix completion at n = 50, the size of the figures at small scale: the portable reference values of two seeds.

    python evidence/completion_n50.py          exit status 1 if an error lies off; 9 s on one core

``tests/theory/test_linear_completion.py`` holds the reference values at n = 30.
"""

from __future__ import annotations

import sys

import numpy as np

from critlab.theory.linear import complete_matrix

REMOVALS = (0, 1000, 5000, 10000, 20000)
REFERENCE = {
    (2, 1): (0.06254, 0.08202, 0.37546, 0.42969, 0.45749),
    (2, 2): (0.11190, 0.17514, 0.41283, 0.48197, 0.50324),
    (3, 1): (0.00295, 0.00293, 0.00085, 0.09064, 0.26364),
    (3, 2): (0.01593, 0.01221, 0.00170, 0.85326, 0.66846),
}
"""Errors by depth and seed, at each of :data:`REMOVALS`."""


def main() -> None:
    """Compare every error with its reference; deeper networks are damaged in the mean, shallow ones are not."""
    table = complete_matrix(
        50, ranks=(5, 3), observed=600, depths=(1, 2, 3), removals=REMOVALS, recovery=10000, seeds=(1, 2)
    )
    found = np.array([row.error for row in table.finals]).reshape(3, 2, 5)
    good = True
    for (depth, seed), errors in REFERENCE.items():
        ours = found[depth - 1, seed - 1]
        good &= bool(np.allclose(ours, errors, atol=2e-3, rtol=0.01))
        print(f"depth {depth}, seed {seed}: {np.round(ours, 5)}, reference {errors}")
    good &= bool(np.ptp(found[0], axis=1).max() < 0.002 and abs(found[0].mean() - 0.76) < 0.06)
    good &= bool((found[1:, :, -1].mean(1) > found[1:, :, 0].mean(1) + 0.2).all())
    print("as in the reference" if good else "off")
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    main()
