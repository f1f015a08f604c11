"""Resources of a process that only one thread at a time can use.

Simulators have global state: Brian2 its device and preferences, NEST its kernel, sPyNNaker its
settings and the working folder. So do Python's warning filters and matplotlib's style. If two
threads change and restore these at the same time, a temporary setting of one can remain.
"""

from __future__ import annotations

import contextlib
import threading
import warnings
from collections.abc import Iterator

from scnnbio.errors import SpecError


class ExclusiveResource:
    """Lock on a resource that one thread at a time can use.

    Parameters
    ----------
    name : str
        Name of the resource, for messages.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self._lock = threading.Lock()
        self._holder: int | None = None

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        """Wait for the resource, and hold it for the duration of the block.

        Raises
        ------
        SpecError
            If this thread already holds it: a run inside another run would change the other's
            state.
        """
        if self._holder == threading.get_ident():
            raise SpecError(
                f"a run on {self.name} was started inside another one in the same thread, such as"
                " from its progress report; start it after the other has ended",
                where=self.name,
            )
        with self._lock:
            self._holder = threading.get_ident()
            try:
                yield
            finally:
                self._holder = None


# Re-entrant, since blocks that ignore warnings may be nested.
_FILTERS = threading.RLock()


@contextlib.contextmanager
def ignore_warnings(*messages: str) -> Iterator[None]:
    """Ignore warnings within the block, in one thread at a time.

    Parameters
    ----------
    *messages : str
        Regular expressions for the beginning of ignored messages; all are ignored by default.
    """
    with _FILTERS, warnings.catch_warnings():
        if not messages:
            warnings.simplefilter("ignore")
        for message in messages:
            warnings.filterwarnings("ignore", message)
        yield
