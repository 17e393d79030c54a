"""The tracker's constants by what a detector's boxes are like, and by whether the camera moves.

HOG finds shoulders and legs: its boxes jump, so a box far from where its track is expected is
somebody else, and a height that changed is not believed. The boxes of a network stay on their
person also when half of it is hidden; doubting them loses people.
"""

from dataclasses import replace

from tracking.vision.tracker.kalman import Noise
from tracking.vision.tracker.tracker import TrackerParams

# `TrackerParams()` itself was chosen by the counting error of rendered scenes seen by HOG.
ROUGH_DETECTORS = ("hog", "scripted")
# Heights change slowly: on the fixed cameras among the labelled sequences this counts a quarter
# fewer wrong crossings than the noise below, at half a point less of HOTA.
STEADY = Noise(
    measured=(0.04, 0.04, 0.08, 0.10),
    position=(0.01, 0.007, 0.004, 0.004),
    velocity=(0.003, 0.002, 0.0003, 0.0003),
    first_velocity=(0.03, 0.03, 0.005, 0.005),
)
# Whoever a moving camera comes near to grows: heights are followed. The best HOTA of six sets.
MOVING = Noise(
    measured=(0.04, 0.04, 0.06, 0.05),
    position=(0.01, 0.007, 0.007, 0.006),
    velocity=(0.003, 0.002, 0.0005, 0.0005),
    first_velocity=(0.03, 0.03, 0.005, 0.005),
)
# Chosen on the eleven labelled sequences of MOT15 and MOT17, by HOTA, IDF1 and crossings together.
# A `high_score` of 0.6 is ByteTrack's own; 0.5 costs a point of IDF1 and 0.7 two.
NETWORK_PARAMS = TrackerParams(
    high_score=0.6,
    low_score=0.1,
    direction_weight=0.1,
    crowded=1.0,
    reach=0.3,
    reach_new=0.6,
    reach_per_s=1.0,
    reach_by_head=True,
    height_change=0.7,
    lost_ms=1500,
    upright=False,
    noise=STEADY,
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
    if detector in ROUGH_DETECTORS:
        return replace(TrackerParams(), camera_moves=camera_moves)
    if camera_moves:
        return replace(NETWORK_PARAMS, camera_moves=True, noise=MOVING)
    return NETWORK_PARAMS
