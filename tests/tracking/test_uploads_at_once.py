"""Many senders at once, through the web process itself: one wins, nothing is mixed or doubled."""

import json
from concurrent.futures import ThreadPoolExecutor

from tests.tracking.files import make_picture, make_video
from tests.tracking.web import Web


def test_parts_sent_at_once_are_taken_once(web: Web, tmp_path):
    start = make_picture(tmp_path / "a").read_bytes()[:4]
    with web.line() as line:
        for _ in range(3):
            address = web.announce(line, 600_000)
            parts = [start + bytes([number]) * 299_996 for number in range(8)]
            answers = rush(
                8,
                lambda number: send(web, address, 0, parts[number]),  # noqa: B023 - ends in the loop
            )
            statuses = [status for status, _ in answers]
            assert statuses.count(204) == 1
            assert set(statuses) <= {204, 409, 423}
            winner = parts[statuses.index(204)]
            assert [path.read_bytes() for path in web.data.rglob("part")] == [winner]
            web.ask(line, "DELETE", address, None, web.part_headers(0))


def test_twenty_askers_at_once_make_one_recording(web: Web, tmp_path):
    upload_id = web.upload(make_video(tmp_path / "a.mp4", shade=11))
    answers = rush(20, lambda _: web.ask_recording(upload_id, "2026-07-01T09:00:00Z"))
    assert sorted(status for status, _ in answers) == [200] * 19 + [201]
    assert len({told["id"] for _, told in answers}) == 1


def test_files_for_the_same_minutes_at_once_make_one_recording(web: Web, tmp_path):
    ids = [
        web.upload(make_video(tmp_path / "a.mp4", shade=90 + 12 * number)) for number in range(6)
    ]
    answers = rush(6, lambda number: web.ask_recording(ids[number], "2026-07-02T09:00:00Z"))
    assert sorted(status for status, _ in answers) == [201] + [409] * 5
    assert {told["code"] for status, told in answers if status == 409} == {"overlap"}


def rush(count, call):
    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(call, range(count)))


def send(web: Web, address: str, offset: int, part: bytes):
    with web.line() as line:
        answer = web.ask(line, "PATCH", address, part, web.part_headers(offset))
        return answer.status, answer.body and json.loads(answer.body)
