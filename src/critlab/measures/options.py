"""Options of the measures of weights and units: torch-free."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Literal, Self

from pydantic import Field, model_validator

from critlab._core.spec import Problems, shown
from critlab.measures.quantity import Quantity
from critlab.measures.reading import MeasureOptions


class ProbeOptions(MeasureOptions):
    """Options of a measure that looks at class-balanced training images, the same for all runs and epochs.

    Args:
        images: how many there are.
        inputs: "clean" images, or "as_trained" with the deficit that the epoch had.
    """

    neutral: ClassVar[Mapping[str, Any]] = {"inputs": "clean"}
    images: int = Field(default=1024, ge=1)
    inputs: Literal["clean", "as_trained"] = "clean"


class FisherTraceOptions(ProbeOptions):
    """Options of the trace of the Fisher information.

    Args:
        draws: label draws for each image; the error shrinks with its root, the time grows with it.
    """

    quantities: ClassVar[tuple[Quantity, ...]] = (
        Quantity("fisher_trace", "Trace of the Fisher information", "nats²", log=True, by="layer"),
    )
    neutral: ClassVar[Mapping[str, Any]] = {**ProbeOptions.neutral, "draws": 1}
    draws: int = Field(default=1, ge=1)


class FisherEmpiricalOptions(ProbeOptions):
    """Options of the empirical Fisher information.

    Args:
        draws: draws of signs for each image; the error shrinks with its root, the time grows with it.
    """

    quantities: ClassVar[tuple[Quantity, ...]] = (
        Quantity("fisher_empirical", "Trace of the empirical Fisher information", "nats²", log=True, by="layer"),
    )
    neutral: ClassVar[Mapping[str, Any]] = {**ProbeOptions.neutral, "draws": 1}
    draws: int = Field(default=1, ge=1)


class FisherNoiseOptions(ProbeOptions):
    """Options of the Fisher information read off the noise that the weights can bear.

    Args:
        beta: twice the loss in nats that each layer's noise may add; smaller is nearer to the curvature at the weights.
        labels: "model": the noise may change the model's answers; "data": it may raise the loss, as in the papers, and
            the value is the Fisher information only after convergence.
        draws: pairs of draws for each group of images; the error shrinks with its root, the time grows with it.
    """

    quantities: ClassVar[tuple[Quantity, ...]] = (
        Quantity("fisher_noise", "Trace of the Fisher information, from weight noise", "nats", log=True, by="layer"),
    )
    neutral: ClassVar[Mapping[str, Any]] = {**ProbeOptions.neutral, "labels": "model", "draws": 1}
    beta: float = Field(default=1e-3, gt=0)
    labels: Literal["model", "data"] = "model"
    draws: int = Field(default=1, ge=1)


class BatchesOptions(ProbeOptions):
    """Options of the measures that compare the gradients of mini-batches.

    Args:
        batch: images of one mini-batch; at most a third of ``images``.
    """

    batch: int = Field(default=32, ge=1)

    @model_validator(mode="after")
    def _three_batches(self) -> Self:
        if 3 * self.batch > self.images:
            text = f"received {shown(self.batch)}; must be at most {self.images // 3}, a third of the images"
            raise Problems([(("batch",), text)])
        return self


class GradientCovarianceOptions(BatchesOptions):
    """Options of the covariance of gradients."""

    quantities: ClassVar[tuple[Quantity, ...]] = (
        Quantity("gradient_covariance", "Trace of the gradient covariance", "nats²", log=True, by="layer"),
        Quantity("gradient_covariance_top", "Largest eigenvalue of the gradient covariance", "nats²", log=True),
    )


class GradientsOptions(BatchesOptions):
    """Options of the moments of each layer's gradient."""

    quantities: ClassVar[tuple[Quantity, ...]] = (
        Quantity("gradient_mean", "Mean of the gradient", "nats", by="layer"),
        Quantity("gradient_deviation", "Standard deviation of the gradient", "nats", log=True, by="layer"),
        Quantity("gradient_norm", "Norm of the mean gradient", "nats", log=True, by="layer"),
        Quantity("gradient_signal_to_noise", "Gradient signal-to-noise ratio", log=True, by="layer"),
    )


class CurvatureOptions(ProbeOptions):
    """Options of the largest eigenvalue of the Hessian.

    Args:
        tolerance: the iteration ends where the residual is no more than this part of the value.
        iterations: or after so many products at most.
    """

    quantities: ClassVar[tuple[Quantity, ...]] = (
        Quantity("curvature", "Largest eigenvalue of the Hessian", "nats", log=True),
    )
    images: int = Field(default=256, ge=1)
    tolerance: float = Field(default=1e-2, gt=0, lt=1)
    iterations: int = Field(default=40, ge=1)


class FisherLogDeterminantOptions(ProbeOptions):
    """Options of the log-determinant of the Fisher information.

    Args:
        damping: added to every eigenvalue, in nats squared for a squared unit of weight.
    """

    quantities: ClassVar[tuple[Quantity, ...]] = (
        Quantity("fisher_log_determinant", "Log-determinant of the Fisher information", "nats", by="layer"),
    )
    images: int = Field(default=256, ge=1)
    damping: float = Field(default=1e-3, gt=0)


class DeadUnitsOptions(ProbeOptions):
    """Options of the share of dead units."""

    quantities: ClassVar[tuple[Quantity, ...]] = (
        Quantity("dead_units", "Fraction of dead units", by="layer", better="lower"),
    )


class EffectiveRankOptions(ProbeOptions):
    """Options of the effective rank of features."""

    quantities: ClassVar[tuple[Quantity, ...]] = (
        Quantity("effective_rank", "Effective rank of the features", "directions", by="layer"),
    )


class WeightsOptions(MeasureOptions):
    """Options of the lengths of weights: it looks at no images."""

    quantities: ClassVar[tuple[Quantity, ...]] = (
        Quantity("weight_norm", "Norm of the weights", by="layer"),
        Quantity("weight_distance", "Distance of the weights from initialisation", by="layer"),
        Quantity("weight_path", "Path length of the weights"),
    )
    images: ClassVar[int] = 1


class FiltersOptions(MeasureOptions):
    """Options of the pictures of filters.

    Args:
        filters: how many are kept at most, the first ones.
        layer: an ``nn.Conv2d`` or ``nn.Linear`` by its name in the model; None is the first.
    """

    quantities: ClassVar[tuple[Quantity, ...]] = (
        Quantity("filter_norm", "Root mean square norm of the filters", by="layer"),
    )
    neutral: ClassVar[Mapping[str, Any]] = {"layer": None}
    # only the shape of an image matters
    images: ClassVar[int] = 1
    filters: int = Field(default=64, ge=1)
    layer: str | None = None
