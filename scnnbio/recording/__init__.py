"""What a run, or a laboratory, recorded: flat arrays of spikes and signals with a trial table.

Everything after a run (analysis, claims, figures) reads a :class:`Recording` and nothing else. It
is stored in HDF5, and given out as a Neo block where Elephant or PyNN want one. Neo objects cost
about 1.6 ms for each unit and trial, which is why they are not what is kept.

Times are in ms within their trial. A spike crossed in the step from t to t + dt is stamped t + dt,
so that a trial of duration T owns the stamps 0 < t <= T.
"""

from scnnbio.recording.checks import Shape
from scnnbio.recording.joining import concatenate
from scnnbio.recording.record import Recording
from scnnbio.recording.samples import Signal, Snapshots, Spikes

__all__ = ["Recording", "Shape", "Signal", "Snapshots", "Spikes", "concatenate"]
