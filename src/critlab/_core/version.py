"""The version of critlab, in the one place where it stands: the package, its metadata and every record read it here."""

VERSION = "0.2.0"
