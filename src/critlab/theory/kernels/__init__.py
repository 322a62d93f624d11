"""Paper 4: how strongly a network's kernels adapt to data, in theory and by sampling the posterior.

"Critical" here means the edge of chaos of the network's prior (susceptibility 1). It is NOT a critical period in
training; whether the two are connected is asked by the figure ``prior-and-plasticity``.

All functions are pure, take arrays or tensors, compute in float64 on the CPU and are loaded when first used.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from critlab.theory.kernels.activations import Activation as Activation
    from critlab.theory.kernels.adaptation import Adaptation as Adaptation
    from critlab.theory.kernels.adaptation import NotConverged as NotConverged
    from critlab.theory.kernels.adaptation import Solver as Solver
    from critlab.theory.kernels.adaptation import adapted_kernels as adapted_kernels
    from critlab.theory.kernels.criticality import critical_scale as critical_scale
    from critlab.theory.kernels.criticality import depth_scale as depth_scale
    from critlab.theory.kernels.criticality import fixed_point as fixed_point
    from critlab.theory.kernels.criticality import susceptibility as susceptibility
    from critlab.theory.kernels.diagnostics import effective_samples as effective_samples
    from critlab.theory.kernels.diagnostics import split_rhat as split_rhat
    from critlab.theory.kernels.fluctuations import Fluctuations as Fluctuations
    from critlab.theory.kernels.fluctuations import kernel_fluctuations as kernel_fluctuations
    from critlab.theory.kernels.overlap import alignment as alignment
    from critlab.theory.kernels.overlap import layer_alignments as layer_alignments
    from critlab.theory.kernels.overlap import spectrum as spectrum
    from critlab.theory.kernels.overlap import target_overlap as target_overlap
    from critlab.theory.kernels.prior import prior_kernels as prior_kernels
    from critlab.theory.kernels.sampling import KernelSamples as KernelSamples
    from critlab.theory.kernels.sampling import Sampler as Sampler
    from critlab.theory.kernels.sampling import sample_kernels as sample_kernels
    from critlab.theory.kernels.tasks import array_task as array_task
    from critlab.theory.kernels.tasks import image_task as image_task
    from critlab.theory.kernels.tasks import xor_task as xor_task

# no module bears the name of a function: importing it would hide the function
_WHERE = {
    "Activation": "activations",
    "Adaptation": "adaptation",
    "Fluctuations": "fluctuations",
    "KernelSamples": "sampling",
    "NotConverged": "adaptation",
    "Sampler": "sampling",
    "Solver": "adaptation",
    "adapted_kernels": "adaptation",
    "alignment": "overlap",
    "array_task": "tasks",
    "critical_scale": "criticality",
    "depth_scale": "criticality",
    "effective_samples": "diagnostics",
    "fixed_point": "criticality",
    "image_task": "tasks",
    "kernel_fluctuations": "fluctuations",
    "layer_alignments": "overlap",
    "prior_kernels": "prior",
    "sample_kernels": "sampling",
    "spectrum": "overlap",
    "split_rhat": "diagnostics",
    "susceptibility": "criticality",
    "target_overlap": "overlap",
    "xor_task": "tasks",
}

__all__ = list(_WHERE)


def __getattr__(name: str) -> Any:
    if name in _WHERE:
        return getattr(importlib.import_module(f"critlab.theory.kernels.{_WHERE[name]}"), name)
    raise AttributeError(f"module 'critlab.theory.kernels' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
