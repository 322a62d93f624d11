"""Watch one training of a user: its signals, within a budget, without a trace in it."""

from critlab.hooks.watch.watch import Watch as Watch
