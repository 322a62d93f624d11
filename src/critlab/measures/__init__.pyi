from critlab._core.registry import Registry
from critlab.measures.components.curvature import Curvature as Curvature
from critlab.measures.components.dead_units import DeadUnits as DeadUnits
from critlab.measures.components.effective_rank import EffectiveRank as EffectiveRank
from critlab.measures.components.filters import Filters as Filters
from critlab.measures.components.fisher_empirical import FisherEmpirical as FisherEmpirical
from critlab.measures.components.fisher_log_determinant import FisherLogDeterminant as FisherLogDeterminant
from critlab.measures.components.fisher_noise import FisherNoise as FisherNoise
from critlab.measures.components.fisher_trace import FisherTrace as FisherTrace
from critlab.measures.components.gradient_covariance import GradientCovariance as GradientCovariance
from critlab.measures.components.gradients import Gradients as Gradients
from critlab.measures.components.relative_source_variance import RelativeSourceVariance as RelativeSourceVariance
from critlab.measures.components.usable_information import UsableInformation as UsableInformation
from critlab.measures.components.weights import Weights as Weights
from critlab.measures.estimates import total as total
from critlab.measures.fisher.empirical import fisher_empirical as fisher_empirical
from critlab.measures.fisher.log_determinant import fisher_log_determinant as fisher_log_determinant
from critlab.measures.fisher.noise import fisher_noise as fisher_noise
from critlab.measures.fisher.trace import fisher_trace as fisher_trace
from critlab.measures.gradients.covariance import gradient_covariance as gradient_covariance
from critlab.measures.gradients.curvature import hessian_top_eigenvalue as hessian_top_eigenvalue
from critlab.measures.gradients.moments import gradient_moments as gradient_moments
from critlab.measures.measure import Before as Before
from critlab.measures.measure import Measure as Measure
from critlab.measures.quantity import Quantity as Quantity
from critlab.measures.reading import Probe as Probe
from critlab.measures.reading import Reading as Reading
from critlab.measures.units.dead_units import dead_units as dead_units
from critlab.measures.units.effective_rank import effective_rank as effective_rank
from critlab.measures.units.partial_information import partial_information as partial_information
from critlab.measures.units.source_variance import relative_source_variance as relative_source_variance
from critlab.measures.units.usable_information import usable_information as usable_information

MEASURES: Registry[type[Measure]]
