"""How the C++ program is compiled: the same sums in the same order as numpy, and fast."""

from __future__ import annotations

import os
import platform
from typing import Any, Literal

import numpy as np

Precision = Literal["double", "single"]

# No -ffast-math and no contraction to fused multiply-add, so that spikes are those of numpy.
# Without traps, of which a comparison could set one off, comparisons become vectors too.
_FLAGS = ["-w", "-O3", "-march=native", "-ffp-contract=off", "-fno-trapping-math", "-std=c++11"]
# Compilers prefer 256 bits where a processor has 512, for the sake of processors of 2017.
_FLAGS_X86 = ["-mprefer-vector-width=512"]

#: C++ for the beginning of a program. A current that nothing feeds decays into denormal numbers,
#: with which a processor calculates 50 times slower; they count as zero, 300 digits below a spike.
NO_DENORMALS = """
#ifdef __SSE__
__builtin_ia32_ldmxcsr(__builtin_ia32_stmxcsr() | 0x8040);
#endif
"""


def preferences(precision: Precision = "double", threads: int = 1) -> dict[str, Any]:
    """Preferences of Brian2 under which a program is described and built.

    Parameters
    ----------
    precision : {"double", "single"}
        Of states, kernels and constants.
    threads : int

    Returns
    -------
    dict
        By the preference's name.
    """
    x86 = platform.machine().lower() in ("x86_64", "amd64")
    return {
        "codegen.cpp.extra_compile_args_gcc": _FLAGS + (_FLAGS_X86 if x86 else []),
        "core.default_float_dtype": np.float64 if precision == "double" else np.float32,
        "devices.cpp_standalone.openmp_threads": threads if threads > 1 else 0,
        # Brian2's own "-j" starts a compiler for every file at once, whatever the memory.
        "devices.cpp_standalone.extra_make_args_unix": [f"-j{os.cpu_count() or 1}"],
    }
