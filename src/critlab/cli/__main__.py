"""``python -m critlab.cli``."""

from critlab.cli import main

if __name__ == "__main__":
    main()
