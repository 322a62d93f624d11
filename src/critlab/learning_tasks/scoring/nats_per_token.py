"""Nats per token."""

from __future__ import annotations

from typing import ClassVar

from critlab.learning_tasks.metric import Metric
from critlab.learning_tasks.scoring.scoring import Asked, MetricTally, Scoring


class NatsPerToken(Scoring):
    """The mean negative log-probability of the tokens that count, in nats; its exponential is the perplexity."""

    name: ClassVar[str] = "nats_per_token"
    citation: ClassVar[str] = "the usual one"
    metric: ClassVar[Metric] = Metric("nats_per_token", "nats per token", better="lower", least=0.0)

    def tally(self) -> MetricTally:
        """The summed loss, and the tokens that count."""
        from critlab.learning_tasks.tallies.summed import SummedLoss

        return SummedLoss()

    def of_constant(self, asked: Asked) -> float | None:
        """The entropy of the frequencies of the test tokens."""
        from critlab.learning_tasks.tallies.class_counts import asked_counts, entropy

        counts = asked_counts(asked)
        return entropy(counts) if counts.sum() else None
