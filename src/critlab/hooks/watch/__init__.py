"""Watching one training that is somebody else's: its signals, within a budget, without a trace in it."""

from critlab.hooks.watch.watch import Watch as Watch
