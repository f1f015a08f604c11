"""Verify finished runs: their files by digests, their results by trials that run again."""

from scnnbio.verification.rerunning import Rerun
from scnnbio.verification.verifying import Fault, State, Verification, verify

__all__ = ["Fault", "Rerun", "State", "Verification", "verify"]
