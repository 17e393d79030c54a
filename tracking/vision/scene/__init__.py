"""The rendered demo store: a video of a shop whose every step is known.

A seed fixes who comes, where they go and what the camera sees; the truth follows from the
geometry of their feet. See :func:`plan`, :func:`render_frames`, :func:`truth`, :func:`write_scene`.
"""

from .camera import Camera
from .planning import plan
from .render import render_frame, render_frames, still
from .script import Plan
from .truth import truth
from .write import write_scene

__all__ = [
    "Camera",
    "Plan",
    "plan",
    "render_frame",
    "render_frames",
    "still",
    "truth",
    "write_scene",
]
