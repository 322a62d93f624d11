"""These tests need Ray, which the other tests do without: ``make test-ray`` installs it and runs them."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))
