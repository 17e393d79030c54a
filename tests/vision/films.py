"""Small films made on the spot, each frame knowing when it is shown."""

from fractions import Fraction
from pathlib import Path

import av
import numpy as np

WIDTH, HEIGHT = 160, 96


def picture(index, width=WIDTH, height=HEIGHT):
    """Return a frame that tells its own number: white columns stand for binary digits.

    The top third is bright and the rest dark, so it also tells which way is up.
    """
    image = np.full((height, width, 3), 40, np.uint8)
    image[: height // 3] = 120
    for bit in range(10):
        if index >> bit & 1:
            image[:, bit * width // 10 : (bit + 1) * width // 10] += 100
    return image


def number_of(image):
    """Return the number that `picture` wrote."""
    row = image[-image.shape[0] // 6].mean(axis=1)
    width = len(row)
    bits = [row[round((bit + 0.5) * width / 10)] > 90 for bit in range(10)]
    return sum(int(on) << bit for bit, on in enumerate(bits))


def is_upright(image):
    """Return whether the bright third is on top."""
    third = image.shape[0] // 3
    return image[: third // 2].mean() > image[-third:].mean() + 30


def write_film(
    path, times, rate=Fraction(25), *, codec="libx264", gop=12, rotation=0, options=None
):
    """Write frames 0, 1, 2, … at the given times in seconds; return the path.

    Parameters
    ----------
    times : list of Fraction
        Presentation times, rising.
    rate : Fraction
        The declared frame rate.
    rotation : int
        Degrees, as a phone would note it.
    """
    path = Path(path)
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=rate, options=options or {})
        stream.width, stream.height = WIDTH, HEIGHT
        stream.pix_fmt = "yuv422p" if codec == "huffyuv" else "yuv420p"
        base = Fraction(1, 90_000) if codec == "libx264" else 1 / Fraction(rate)
        stream.codec_context.time_base = base
        stream.codec_context.gop_size = gop
        if rotation:
            stream.set_display_rotation(rotation)
        for index, time in enumerate(times):
            frame = av.VideoFrame.from_ndarray(picture(index), format="bgr24")
            frame.pts, frame.time_base = round(time / base), base
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def even_times(count, rate):
    """Return the times of a film of one rate."""
    return [Fraction(index) / Fraction(rate) for index in range(count)]
