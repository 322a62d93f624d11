"""How studies are run: records, tasks, executors, the coordinator, plan, verify and gc."""

from critlab._core.loading.lazy import attach

__getattr__, __dir__, __all__ = attach(__name__, __file__)
