"""Detections in their stored form."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from tracking.vision.detections import DetectedFrame, pack, unpack
from tracking.vision.errors import BadDetectionsError


def frame(time_ms, *rows):
    boxes = np.array([row[:4] for row in rows], np.float32).reshape(-1, 4)
    scores = np.array([row[4] for row in rows], np.float32)
    return DetectedFrame(time_ms, boxes, scores)


FRAMES = [frame(0, (10, 20, 30, 80, 0.9)), frame(40), frame(80, (1, 2, 3, 4, 0.5), (5, 6, 7, 8, 1))]


def test_detections_come_back_to_an_eighth_of_a_pixel():
    for before, after in zip(FRAMES, unpack(pack(FRAMES)), strict=True):
        assert after.time_ms == before.time_ms
        np.testing.assert_allclose(after.boxes, before.boxes, atol=1 / 16)
        np.testing.assert_allclose(after.scores, before.scores, atol=1 / 65535)


def test_no_frames_at_all_come_back():
    assert unpack(pack([])) == []


@given(
    st.lists(
        arrays(
            np.float32, st.tuples(st.integers(0, 4), st.just(5)), elements=st.floats(0, 1, width=32)
        ),
        max_size=6,
    )
)
def test_what_was_stored_once_is_stored_the_same_again(tables):
    frames = [
        DetectedFrame(40 * index, table[:, :4] * 8000, table[:, 4])
        for index, table in enumerate(tables)
    ]
    blob = pack(frames)
    assert pack(unpack(blob)) == blob


def test_boxes_beyond_the_frame_are_cut_at_zero():
    assert unpack(pack([frame(0, (-5, -1, 3, 4, 0.5))]))[0].boxes[0].tolist() == [0, 0, 3, 4]


@pytest.mark.parametrize("at", range(0, 40, 3))
def test_a_flipped_byte_anywhere_is_noticed(at):
    blob = bytearray(pack(FRAMES))
    blob[at] ^= 0x55
    with pytest.raises(BadDetectionsError):
        unpack(bytes(blob))


@pytest.mark.parametrize("length", [0, 3, 15, 16, 30])
def test_a_cut_blob_is_noticed(length):
    with pytest.raises(BadDetectionsError):
        unpack(pack(FRAMES)[:length])
