"""Recording mode: who walked where, and what happened, when all of a recording is known.

A pure function of the stored detections in order. The live tracker goes over them first; what it
lost and found again under another number is joined by how both pieces move, each way is smoothed
and carried over its holes, and what lasted only a moment is dropped. No frame knows less than the
whole recording, so feet jump less at a line and hidden people stay one person.
"""

from tracking.vision.offline.counted import CountedFrame, count_frames, count_recording
from tracking.vision.offline.params import OfflineParams
from tracking.vision.offline.walks import Walk, follow_recording

__all__ = [
    "CountedFrame",
    "OfflineParams",
    "Walk",
    "count_frames",
    "count_recording",
    "follow_recording",
]
