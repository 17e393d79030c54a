"""Detections in their stored form."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from tracking.vision.colours import BINS, STEPS
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


def coloured(step=1):
    """Return the frames with some colours."""
    rng = np.random.default_rng(4)
    return [
        replace(
            each, colours=rng.integers(0, STEPS + 1, (len(each.boxes), 2, BINS), np.uint8) // step
        )
        for each in FRAMES
    ]


def test_colours_come_back_as_they_are():
    for before, after in zip(coloured(), unpack(pack(coloured())), strict=True):
        assert (after.boxes == unpack(pack(FRAMES))[before.time_ms // 40].boxes).all()
        assert (after.colours == before.colours).all()


def test_what_was_stored_before_there_were_colours_is_read():
    stored = bytes.fromhex(
        "4f544431c9e33ea00300000003000000789c636080000d281d00a519819809c85bc0f081a1818983418041824101"
        "a8ca80c182c18121f51943c3ffff006f8707c7"
    )
    for before, after in zip(unpack(pack(FRAMES)), unpack(stored), strict=True):
        assert after.colours is None
        assert after.time_ms == before.time_ms
        assert (after.boxes == before.boxes).all()
        assert (after.scores == before.scores).all()


def test_without_colours_nothing_is_written_of_them():
    assert pack(FRAMES)[:4] == b"OTD1"
    assert len(pack(coloured())) > 3 * len(pack(FRAMES))


def test_more_of_a_colour_than_there_is_is_refused():
    worn = coloured()
    worn[0].colours[0, 0, 0] = STEPS + 1
    with pytest.raises(BadDetectionsError, match="more of a colour"):
        unpack(pack(worn))


def test_a_frame_without_some_of_its_people_is_without_their_colours():
    kept = coloured()[2].only(np.array([False, True]))
    assert (kept.colours == coloured()[2].colours[1:]).all()
    assert kept.boxes.tolist() == [[5, 6, 7, 8]]


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
