"""Running the shares of a sweep elsewhere: in processes of this machine, or on a Ray cluster."""

from regimax.executors.base import Ended, Executor, Task
from regimax.executors.driver import drive

__all__ = ["Ended", "Executor", "Task", "drive"]
