"""Fetching a data set's official files once, checked against their known checksums."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from critlab._core.errors import DataError

_TIMEOUT_SECONDS = (10, 30)
"""To connect, and between two pieces of a transfer."""

_TRIES = 2


@dataclass(frozen=True)
class Official:
    """Where a data set is published.

    Args:
        address: the folder of the files, ending in a slash.
        checksums: file name -> MD5 in hexadecimal, as published.
        instead: another file that would do as well, for messages.
    """

    address: str
    checksums: Mapping[str, str]
    instead: str = ""


def fetched(name: str, official: Official, folder: Path) -> None:
    """Puts every file of ``official`` that is not in ``folder`` there.

    A file appears whole and checked, or not at all. Progress goes to stderr. Where ``CRITLAB_OFFLINE`` is
    set to anything but ``0``, the network is not touched.

    Raises:
        DataError: a file cannot be had; the message says which files to put where, and where they are
            published.
    """
    missing = [file for file in official.checksums if not (folder / file).exists()]
    either = f" or {official.instead}" if official.instead else ""
    advice = (
        f"put {', '.join(missing)}{either} (published at {official.address}) into {folder}, "
        "or set CRITLAB_DATA to the folder that holds the files"
    )
    if os.environ.get("CRITLAB_OFFLINE", "0") not in ("", "0"):
        raise DataError(f"{name} is not on this computer and CRITLAB_OFFLINE forbids the download: {advice}")
    made = [place for place in (folder, *folder.parents) if not place.exists()]
    try:
        for file in missing:
            _fetch(official.address + file, official.checksums[file], folder)
    except _failures() as error:
        with suppress(OSError):
            for place in made:
                place.rmdir()
        raise DataError(
            f"{name} is not on this computer and could not be downloaded ({_reason(error)}): {advice}"
        ) from error


def _fetch(address: str, checksum: str, folder: Path) -> None:
    import pooch
    import requests

    pooch.get_logger().setLevel("WARNING")
    print(f"fetching {address} into {folder}", file=sys.stderr)
    for attempt in range(1, _TRIES + 1):
        progress = _Progress() if sys.stderr.isatty() else False
        loader = pooch.HTTPDownloader(progressbar=progress, timeout=_TIMEOUT_SECONDS)
        try:
            pooch.retrieve(address, f"md5:{checksum}", fname=address.rpartition("/")[2], path=folder, downloader=loader)
        except (requests.exceptions.ConnectTimeout, requests.exceptions.HTTPError):
            raise
        except (requests.exceptions.RequestException, ValueError):
            # a transfer that broke off, or whose bytes are not the published ones, may do better the second
            # time
            if attempt == _TRIES:
                raise
        else:
            return


def _failures() -> tuple[type[Exception], ...]:
    import requests

    return (requests.exceptions.RequestException, OSError, ValueError)


def _reason(error: Exception) -> str:
    import requests

    if isinstance(error, requests.exceptions.HTTPError) and error.response is not None:
        return f"the server answered {error.response.status_code}"
    if isinstance(error, requests.exceptions.Timeout):
        return "the server did not answer in time"
    if isinstance(error, requests.exceptions.ConnectionError):
        return "no connection to the server"
    if isinstance(error, ValueError):
        return "the downloaded file has a wrong checksum"
    return str(error)


class _Progress:
    """The progress of one transfer in one line of a terminal, in the form that pooch asks for."""

    def __init__(self) -> None:
        self.total = 0
        self._done = 0
        self._shown = 0.0

    def update(self, count: int) -> None:
        self._done += count
        now = time.monotonic()
        if now - self._shown > 0.2 or self._done >= self.total:
            self._shown = now
            whole = f" of {self.total / 1e6:.1f}" if self.total else ""
            print(
                f"\r  {min(self._done, self.total or self._done) / 1e6:.1f}{whole} MB",
                end="",
                file=sys.stderr,
            )

    def reset(self) -> None:
        self._done = 0

    def close(self) -> None:
        print(file=sys.stderr)
