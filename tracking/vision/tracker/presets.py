"""The tracker's constants by what a detector's boxes are like.

HOG finds shoulders and legs: its boxes jump, so a box far from where its track is expected is
somebody else, and a height that changed is not believed. The boxes of a network stay on their
person also when half of it is hidden; doubting them loses people.
"""

from dataclasses import replace

from tracking.vision.tracker.kalman import Noise
from tracking.vision.tracker.tracker import TrackerParams

# `TrackerParams()` itself was chosen by the counting error of rendered scenes seen by HOG.
ROUGH_DETECTORS = ("hog", "scripted")
# Chosen on the eleven labelled sequences of MOT15 and MOT17, by HOTA, IDF1 and crossings together.
NETWORK_PARAMS = TrackerParams(
    reach=0.3,
    reach_new=0.6,
    reach_per_s=1.0,
    reach_by_head=True,
    height_change=0.7,
    lost_ms=1500,
    upright=False,
    noise=Noise(
        measured=(0.04, 0.04, 0.06, 0.05),
        position=(0.01, 0.007, 0.007, 0.006),
        velocity=(0.003, 0.002, 0.0005, 0.0005),
        first_velocity=(0.03, 0.03, 0.005, 0.005),
    ),
)


def tracker_params(detector: str, *, camera_moves: bool = False) -> TrackerParams:
    """Return the constants for a detector of this name.

    Parameters
    ----------
    detector : str
        A name of the registry.
    camera_moves : bool
        Whether the camera is held in a hand or drives. Shops' cameras hang still: what looks like
        a moving picture there is a group of people who walk together.
    """
    params = TrackerParams() if detector in ROUGH_DETECTORS else NETWORK_PARAMS
    return replace(params, camera_moves=camera_moves)
