"""Imported first by the server of processes, which is a process of ours, as the command's is."""

from scnnbio._later import own_process

own_process()
