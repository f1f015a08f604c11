"""What :mod:`benchmarks.peers` measures: a program and a task."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar


class Peer(ABC):
    """A program that is measured, and what it has to do."""

    name: ClassVar[str]

    def __init__(self, task: str, threads: int) -> None:
        self.task, self.threads = task, threads
        self.prepare()

    @abstractmethod
    def prepare(self) -> None:
        """Build the network and the input."""

    @abstractmethod
    def run(self) -> int:
        """Do it once; a number that shows what came out, or 0."""
