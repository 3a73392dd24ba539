"""Running the shares of a sweep elsewhere: in processes of this machine, or on a Ray cluster.

`regimax.executors.driver.drive` does it. It is not taken in here: Ray's own processes import this, and nothing slow.
"""

from regimax.executors.base import Ended, Executor, Task

__all__ = ["Ended", "Executor", "Task"]
