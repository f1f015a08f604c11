"""Neurons as equations, and quantities derived from the equations."""

from scnnbio.neurons.homeostasis import homeostatic
from scnnbio.neurons.library import IF, LIBRARY, LIF, glif
from scnnbio.neurons.model import NeuronModel
from scnnbio.neurons.noise import OrnsteinUhlenbeckNoise, PoissonNoise
from scnnbio.neurons.variables import Parameter

__all__ = [
    "IF",
    "LIBRARY",
    "LIF",
    "NeuronModel",
    "OrnsteinUhlenbeckNoise",
    "Parameter",
    "PoissonNoise",
    "glif",
    "homeostatic",
]
