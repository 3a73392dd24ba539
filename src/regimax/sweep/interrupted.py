"""What is raised where a signal has stopped a run."""


class Interrupted(Exception):
    """A signal asked the run to stop; everything is committed."""

    def __init__(self, number: int):
        super().__init__(number)
        self.number = number
