from critlab.engine.context import RunContext as RunContext
from critlab.engine.executor import TaskExecutor as TaskExecutor
from critlab.engine.tasks.events import EpochDone as EpochDone
from critlab.engine.tasks.events import TaskEnded as TaskEnded
from critlab.engine.tasks.missing_work import Task as Task
