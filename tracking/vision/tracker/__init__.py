"""From detections to tracks: identities over time, motion only."""

from tracking.vision.tracker.presets import tracker_params
from tracking.vision.tracker.tracker import EndedTrack, Sighting, Tracker, TrackerParams

__all__ = ["EndedTrack", "Sighting", "Tracker", "TrackerParams", "tracker_params"]
