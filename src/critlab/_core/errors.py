"""The errors that critlab raises on purpose: each message says what was wrong and what to do about it."""

from __future__ import annotations


class CritlabError(Exception):
    """Any error that critlab raises on purpose; its text is meant for a person."""


class UnsupportedSystem(CritlabError):  # noqa: N818 - a property of the system
    """An operating system that critlab does not run on."""


class StudyError(CritlabError):
    """A study, or a choice inside one, that cannot be run."""


class InvalidValue(StudyError, ValueError):  # noqa: N818 - says what is wrong
    """A specification made in Python whose values do not hold; a ValueError too, as Python programs expect."""


class DataError(CritlabError):
    """A data set that is missing, unreadable or not what it claims to be."""


class StoreError(CritlabError):
    """A store that cannot be used, or a file in it that fails its check."""


class StoreDamaged(StoreError):  # noqa: N818 - says what the file is
    """A file of a store that fails its check: it was damaged or edited, or is another file."""


class StoreNewer(StoreError):  # noqa: N818 - says what the file is
    """A file of a store that a newer critlab wrote; it is neither read nor changed."""


class StoreUnwritable(StoreError):  # noqa: N818 - says what the store is
    """A store that cannot take a file: its disk is full, or it may not be written."""


class Diverged(CritlabError):  # noqa: N818 - named after the state it reports, as the records do
    """A loss or a weight that is no longer finite: a result about the run, not a fault of the program."""
