"""A progress that keeps what it is told."""

from tfmeta.training.progress import Progress


class Told(Progress):
    """Keeps what is said, in order, in `lines`."""

    def __init__(self):
        super().__init__("told")
        self.lines = []

    def say(self, message):
        self.lines.append(message)
