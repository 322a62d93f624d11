"""The rules that the bench judges by default: one file and one row each."""

from __future__ import annotations

from critlab._core.registry import Registry
from critlab.bench.rules.rule import BenchRule

RULES: Registry[BenchRule] = Registry(
    "closing rule",
    BenchRule,
    "critlab.closing_rules",
    {
        "clock": "critlab.bench.rules.clocks.clock:RULE",
        "rate": "critlab.bench.rules.clocks.rate:RULE",
        "summed_rate": "critlab.bench.rules.clocks.summed_rate:RULE",
        "train_loss": "critlab.bench.rules.losses.train_loss:RULE",
        "test_loss": "critlab.bench.rules.losses.test_loss:RULE",
        "loss_slope": "critlab.bench.rules.losses.loss_slope:RULE",
        "loss_left": "critlab.bench.rules.losses.loss_left:RULE",
        "fisher": "critlab.bench.rules.fisher.trace:RULE",
        "fisher_slope": "critlab.bench.rules.fisher.slope:RULE",
        "fisher_first_layer": "critlab.bench.rules.fisher.first_layer:RULE",
        "inforeg": "critlab.bench.rules.fisher.inforeg:RULE",
        "gradient_norm": "critlab.bench.rules.gradients.norm:RULE",
        "critical_fl": "critlab.bench.rules.gradients.critical_fl:RULE",
        "confusion": "critlab.bench.rules.gradients.confusion:RULE",
        "confusion_outlier": "critlab.bench.rules.gradients.confusion_outlier:RULE",
        "curvature": "critlab.bench.rules.gradients.curvature:RULE",
        "displacement": "critlab.bench.rules.weights.displacement:RULE",
        "effective_rank": "critlab.bench.rules.weights.effective_rank:RULE",
        "cka_velocity": "critlab.bench.rules.weights.cka_velocity:RULE",
        "fork_1_1": "critlab.bench.rules.forks.fork_1_1:RULE",
        "fork_2_1": "critlab.bench.rules.forks.fork_2_1:RULE",
        "fork_4_1": "critlab.bench.rules.forks.fork_4_1:RULE",
        "fork_4_3": "critlab.bench.rules.forks.fork_4_3:RULE",
        "forecast": "critlab.bench.rules.forks.forecast:RULE",
        "forecast_long": "critlab.bench.rules.forks.forecast_long:RULE",
    },
)
"""The rules by name, in the order of the table."""
