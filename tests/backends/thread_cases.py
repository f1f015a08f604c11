"""What the tests of runs in threads share."""

from __future__ import annotations

import json
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest

from tests.backends.networks import experiment, small_network

CASE = experiment(small_network())
ROOT = Path(__file__).parents[2]
STANDALONE = pytest.param("brian2-standalone", marks=pytest.mark.slow)
NEST = pytest.param("nest", marks=[pytest.mark.slow, pytest.mark.nest])

_CASES = """
    import json, sys, threading
    from scnnbio import backends
    from scnnbio.plasticity import SharedSTDP
    from tests.backends.networks import experiment, small_network

    RULE = SharedSTDP(a_plus=0.03, a_minus=0.01, a_post=0.01)
    CASES = [experiment(small_network()), experiment(small_network(RULE), dt=0.25)]

    def spikes(case, backend):
        found = backends.get(backend).run(case).recording.spikes["v1"]
        return [found.trial.tolist(), found.time.tolist(), found.unit.tolist()]

    def at_once(*calls):
        found = [None] * len(calls)
        def go(k):
            try:
                found[k] = calls[k]()
            except BaseException as error:
                found[k] = repr(error)
        threads = [threading.Thread(target=go, args=(k,)) for k in range(len(calls))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return found
"""


def fresh(script: str, *words: str) -> Any:
    """What a script prints as JSON, run in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(_CASES) + textwrap.dedent(script), *words],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout.splitlines()[-1])


def fails(phase: str, done: float, total: float) -> None:
    if phase == "simulating":
        raise ZeroDivisionError
