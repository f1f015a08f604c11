"""What several threads of a process share and can only use one at a time.

Simulators keep their state in the process: Brian2 its device and preferences, NEST its kernel,
sPyNNaker its settings and the working folder. So do Python's filters of warnings and matplotlib's
style, which are put back as they were: two threads that do so at once leave what one of them had
set for a moment.
"""

from __future__ import annotations

import contextlib
import threading
import warnings
from collections.abc import Iterator

from scnnbio.errors import SpecError


class Turn:
    """The right to use something that one thread at a time can use.

    Parameters
    ----------
    name : str
        Of what is used, for messages.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self._lock = threading.Lock()
        self._holder: int | None = None

    @contextlib.contextmanager
    def taken(self) -> Iterator[None]:
        """Wait until other threads are done with it, and keep it from them meanwhile.

        Raises
        ------
        SpecError
            If this thread has it already: a run that begins inside another one would change the
            state of that one.
        """
        if self._holder == threading.get_ident():
            raise SpecError(
                f"a run begins while another run on {self.name} is at work in the same thread, as"
                " from its report; begin it when that one has ended",
                where=self.name,
            )
        with self._lock:
            self._holder = threading.get_ident()
            try:
                yield
            finally:
                self._holder = None


# One thread may silence warnings inside a part that does so already.
_FILTERS = threading.RLock()


@contextlib.contextmanager
def unwarned(*messages: str) -> Iterator[None]:
    """Ignore warnings for a while, in one thread at a time.

    Parameters
    ----------
    *messages : str
        Regular expressions for the beginning of what is ignored; everything, if there is none.
    """
    with _FILTERS, warnings.catch_warnings():
        if not messages:
            warnings.simplefilter("ignore")
        for message in messages:
            warnings.filterwarnings("ignore", message)
        yield
