"""What can be wrong with a file or a recording: a code, what happened, what to do next.

The one place where these sentences live. A code is stable: the API, the database and the pages
use it; the words may change.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from rest_framework.exceptions import APIException


@dataclass(frozen=True, slots=True)
class Known:
    """A problem that we can name.

    `retry` says whether trying the same again, with nothing changed, can help.
    """

    what: str
    next_step: str
    status: HTTPStatus = HTTPStatus.UNPROCESSABLE_ENTITY
    retry: bool = False
    # Seconds after which asking again may help; told as Retry-After.
    retry_after_s: int = 0


SIZES = ("B", "kB", "MB", "GB", "TB")
UNSUPPORTED = HTTPStatus.UNSUPPORTED_MEDIA_TYPE
TOO_LARGE = HTTPStatus.REQUEST_ENTITY_TOO_LARGE
CONFLICT = HTTPStatus.CONFLICT
BAD = HTTPStatus.BAD_REQUEST

CONVERT = "Save it as MP4 with H.264 video, for example with HandBrake or VLC, and upload that."
EXPORT_AGAIN = "Export or copy the file from the camera again and upload it again."

PROBLEMS: dict[str, Known] = {
    # The file itself.
    "empty_file": Known("The file is empty.", EXPORT_AGAIN),
    "unknown_container": Known(
        "This is {found}, not a video or picture that we can read.",
        "Upload an MP4, MOV, MKV, WebM, AVI, MPEG or GIF video, or a JPEG, PNG or WebP picture.",
        UNSUPPORTED,
    ),
    "codec_not_allowed": Known(
        "The video is stored in a format that we do not open.", CONVERT, UNSUPPORTED
    ),
    "no_video_stream": Known(
        "The file holds no moving picture, only sound or text.",
        "Upload the file that holds the camera's picture.",
    ),
    "unreadable": Known("The file is damaged or cut off and cannot be opened.", EXPORT_AGAIN),
    "too_much_memory": Known(
        "The file needs more memory to open than we give to one file.", CONVERT
    ),
    "check_timed_out": Known(
        "Checking the file took too long.",
        "Upload it again at a quieter time, or cut it into shorter files.",
        retry=True,
    ),
    "too_large": Known(
        "The file is {size}; the most that we take is {most}.",
        "Cut it into shorter files or save it with a smaller picture.",
        TOO_LARGE,
    ),
    "too_many_pixels": Known(
        "The picture is larger than {most} megapixels.",
        "Save it with a smaller picture: 1280 x 720 is plenty for counting.",
    ),
    "too_long": Known(
        "The video is longer than {most} hours.", "Cut it into shorter files and upload each."
    ),
    "too_many_fps": Known(
        "The video has more than {most} frames a second.",
        "Save it with at most 30 frames a second.",
    ),
    # The way in.
    "disk_full": Known(
        "There is no room left on the disk for this file.",
        "Remove videos that are no longer needed, or have the disk enlarged. Then upload again.",
        HTTPStatus.INSUFFICIENT_STORAGE,
        retry=True,
        retry_after_s=60,
    ),
    "quota_full": Known(
        "This store keeps {used} of the {limit} that it may keep; the file does not fit.",
        "Remove videos that are no longer needed (their numbers stay), or have the limit raised.",
        TOO_LARGE,
        retry=True,
        retry_after_s=3600,
    ),
    "queue_full": Known(
        "{most} recordings of this store wait or are being counted.",
        "Wait until some of them are through; the upload is kept for a day.",
        HTTPStatus.TOO_MANY_REQUESTS,
        retry=True,
        retry_after_s=60,
    ),
    "too_many_uploads": Known(
        "{most} uploads of this store are unfinished.",
        "Finish or remove one of them first; those left alone go after a day.",
        HTTPStatus.TOO_MANY_REQUESTS,
        retry=True,
        retry_after_s=60,
    ),
    "upload_incomplete": Known(
        "The file has not arrived completely: {have} of {size}.",
        "Let the upload go on to its end first.",
        CONFLICT,
        retry=True,
    ),
    "upload_gone": Known("This upload was removed.", "Upload the file again.", HTTPStatus.GONE),
    "offset_mismatch": Known(
        "The part starts at byte {given}, but {have} bytes are here.",
        "Ask with HEAD where to go on.",
        CONFLICT,
        retry=True,
    ),
    "upload_locked": Known(
        "Another part of this upload is being written.", "Try again.", HTTPStatus.LOCKED, retry=True
    ),
    "part_too_large": Known(
        "The part is {size}; a part holds at most {most}.", "Send smaller parts.", TOO_LARGE
    ),
    "beyond_length": Known(
        "The part reaches beyond the announced length of {size}.",
        "Start a new upload with the right length.",
        TOO_LARGE,
    ),
    "wrong_tus_version": Known(
        "Uploads speak version 1.0.0 of the tus protocol.",
        "Send the header 'Tus-Resumable: 1.0.0'.",
        HTTPStatus.PRECONDITION_FAILED,
    ),
    "wrong_part_type": Known(
        "A part has the type application/offset+octet-stream.",
        "Send that as its Content-Type.",
        UNSUPPORTED,
    ),
    "bad_header": Known("The header {name} is missing or malformed.", "Send {want}.", BAD),
    "length_required": Known(
        "The part comes without its length.",
        "Send the header Content-Length.",
        HTTPStatus.LENGTH_REQUIRED,
    ),
    # What it is said to be.
    "started_at_required": Known(
        "When the recording started is missing.", "Name the time of its first frame.", BAD
    ),
    "offset_required": Known(
        "The start time carries no offset from UTC.",
        "Write it like 2026-07-01T09:00:00+02:00 or 2026-07-01T07:00:00Z.",
        BAD,
    ),
    "started_at_malformed": Known(
        "The start time is no date and time.", "Write it like 2026-07-01T09:00:00+02:00.", BAD
    ),
    "started_in_future": Known(
        "The start time lies in the future.", "Name the time of the first frame.", BAD
    ),
    "started_too_early": Known(
        "The start time lies before the year 2000.", "Name the time of the first frame.", BAD
    ),
    "duplicate": Known(
        "This very file was uploaded before.",
        "Look at the earlier recording, or choose to count it once more.",
        CONFLICT,
    ),
    "overlap": Known(
        "Another recording of this camera covers some of the same minutes.",
        "Replace it, cancel, or choose another camera.",
        CONFLICT,
    ),
    "bad_camera_map": Known(
        "The zones or lines of this camera cannot be used: {why}",
        "Correct them on the Zones page, then try again.",
    ),
    "detector_not_ready": Known(
        "The camera's detector '{name}' is not ready here: {why}",
        "Choose another detector for the camera.",
        CONFLICT,
    ),
    # What became of a recording.
    "unknown_detector": Known(
        "The detector that this recording was to be counted with is not on this machine.",
        "Choose another detector for the camera, then upload the file again.",
        CONFLICT,
    ),
    "crashed": Known(
        "The program that reads the video died on it several times.",
        f"Try again. If it happens again: {CONVERT[0].lower()}{CONVERT[1:]}",
        retry=True,
    ),
    "decoder_crashed": Known(
        "The program that opens the video broke off at the same place several times.",
        f"Part of the file is damaged in an unusual way. {CONVERT}",
        retry=True,
    ),
    "decoder_timeout": Known(
        "A part of the video could not be opened in the time that one part gets.",
        f"Try again at a quieter time. If it happens again: {CONVERT[0].lower()}{CONVERT[1:]}",
        retry=True,
    ),
    "decoder_memory": Known(
        "A part of the video needs more memory to open than we give to one file.",
        CONVERT,
        retry=True,
    ),
    "cut_off": Known(
        "The file ends before its own declared end, or parts of it are damaged.",
        "What could be read was counted. Export the file again for the rest.",
    ),
    "parts_unseen": Known(
        "Parts of what the camera sent were not looked at, or could not be read.",
        "What was seen was counted; the rest is told as not seen. Where the machine was behind, "
        "use a smaller stream of the camera.",
    ),
    "left_out": Known(
        "The machine was behind, or its disk full, and did not look at this part.",
        "Use a smaller stream of the camera, or a faster machine.",
    ),
    "file_gone": Known("The video file is no longer stored.", "Upload it again to count it again."),
    "cancelled": Known("It was cancelled.", "Start it again when you want it counted.", retry=True),
    "not_cancellable": Known(
        "The recording is finished already.", "There is nothing to cancel.", CONFLICT
    ),
    "not_retryable": Known(
        "The recording is waiting, being counted or done.", "There is nothing to retry.", CONFLICT
    ),
    "video_in_use": Known(
        "The video waits or is being counted.",
        "Wait until it is counted, or cancel it first.",
        CONFLICT,
    ),
    "not_recountable": Known(
        "Only a video that is counted, wholly or in part, can be counted again.",
        "Wait until it is counted; one that failed can be tried again.",
        CONFLICT,
    ),
    "not_linked": Known(
        "This track continues no other one.",
        "Reload the list of links: it may have been counted again meanwhile.",
        CONFLICT,
    ),
    "not_undone": Known(
        "Nobody told these two apart.",
        "Reload the list: it may have been counted again meanwhile.",
        CONFLICT,
    ),
    "detections_gone": Known(
        "What was seen in this video is no longer stored.",
        "Upload the video again to count it with the zones and lines of now.",
        CONFLICT,
    ),
    "somebody_erased": Known(
        "Somebody was erased from this video, and with them all that was seen in it.",
        "Its numbers stay as they are; it cannot be counted again.",
        CONFLICT,
    ),
    "still_counted": Known(
        "Somebody can be erased only from what is counted, and this is still being counted.",
        "Wait until it is through, or cancel it first.",
        CONFLICT,
        retry=True,
    ),
    "counts_no_more": Known(
        "This visit is of an earlier count, which is part of no number any more.",
        "Find the visit that counts now by its day and time, and erase that one.",
        CONFLICT,
    ),
    "erased_already": Known(
        "This was erased already.", "There is nothing left to do: the receipt is kept.", CONFLICT
    ),
    "not_confirmed": Known(
        "Erasing cannot be taken back, and this was not confirmed.",
        "Write the code {word} into 'confirm'.",
        BAD,
    ),
    "error": Known(
        "Something went wrong while the video was being counted.",
        "Try again; if it happens again, the log names the reason.",
        retry=True,
    ),
}
# Codes that other rooms write for what is told in the same words.
ALIASES = {"broken": "cut_off", "partial": "cut_off", "media_error": "unreadable"}


def known(code: str) -> Known:
    """Return what is known of a code; an unknown one is an error of ours."""
    return PROBLEMS.get(ALIASES.get(code, code), PROBLEMS["error"])


class Problem(APIException):
    """A refusal with its code; the API answers with it as problem details.

    Parameters
    ----------
    code : str
        A key of `PROBLEMS`.
    extras : mapping, optional
        More members of the answer, such as the recordings in the way.
    headers : mapping, optional
        More headers of the answer.
    **values
        Fill the blanks of the sentence.
    """

    def __init__(
        self,
        code: str,
        *,
        extras: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        **values: object,
    ) -> None:
        found = PROBLEMS[code]
        self.code = code
        self.values = values
        self.status_code = found.status
        self.extras = dict(extras or {})
        self.headers = dict(headers or {})
        if found.retry_after_s:
            self.headers.setdefault("Retry-After", str(found.retry_after_s))
        super().__init__(f"{found.what} {found.next_step}".format(**values), code)


def in_bytes(size: int) -> str:
    """Return a size for people: 340 MB or 1.9 GB, in steps of a thousand as on every page."""
    value, step = float(size), 0
    while value >= 1000 and step < len(SIZES) - 1:
        value, step = value / 1000, step + 1
    return f"{value:.{1 if step and value < 10 else 0}f} {SIZES[step]}"
