"""What reading a file can do to the process that reads it; called there by its name."""

from __future__ import annotations

import os
import time
import warnings
from pathlib import Path

from scnnbio.errors import SpecError


def content(path: Path, times: int = 1) -> bytes:
    return path.read_bytes() * times


def process(path: Path) -> int:
    return os.getpid()


def crash(path: Path) -> None:
    os.abort()


def leave(path: Path) -> None:
    os._exit(7)


def wait(path: Path) -> None:
    time.sleep(600)


def hoard(path: Path) -> int:
    return len(bytearray(2**31))


def warn(path: Path) -> str:
    warnings.warn("an odd file", UserWarning, stacklevel=1)
    return "read"


def refuse(path: Path) -> None:
    raise SpecError("has no trials", where=f"{path}: table")


def fail(path: Path) -> None:
    raise KeyError("a fault of ours")


class Hostile:
    """Made anew by a call of a function, as a pickle can ask for."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __reduce__(self) -> tuple[object, ...]:
        return os.mkdir, (str(self.folder),)


def hostile(path: Path) -> Hostile:
    return Hostile(path.with_suffix(".made"))


def unsendable(path: Path) -> object:
    return lambda: None
