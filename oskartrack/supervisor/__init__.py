"""Runs the processes of one installation in one terminal, and leaves none behind."""

from oskartrack.supervisor.jobs import Job
from oskartrack.supervisor.loop import Failed, Stopped, Supervisor

__all__ = ["Failed", "Job", "Stopped", "Supervisor"]
