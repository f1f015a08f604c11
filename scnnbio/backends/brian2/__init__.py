"""The Brian2 backends, with computed connections, at runtime and in C++ standalone mode."""

from scnnbio.neurons.brian2_loader import load_brian2

load_brian2()

from scnnbio.backends.brian2.backend import (  # noqa: E402
    Brian2Backend,
    Brian2StandaloneBackend,
)

__all__ = ["Brian2Backend", "Brian2StandaloneBackend"]
