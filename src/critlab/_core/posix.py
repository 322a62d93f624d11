"""What critlab needs of Linux and macOS: locks of parts of a file, and the signal of a closed terminal.

The module cannot be imported on Windows; the error names the remedy.
"""

from __future__ import annotations

import signal

from critlab._core.errors import UnsupportedSystem

UNSUPPORTED = "Linux or macOS is needed; on Windows, use WSL: run wsl --install, and install critlab there"

try:
    import fcntl as fcntl
except ImportError:
    raise UnsupportedSystem(UNSUPPORTED) from None

SIGHUP = signal.SIGHUP
