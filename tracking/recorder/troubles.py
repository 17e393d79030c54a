"""What goes wrong with a camera, in one word and in plain words with what to do."""

from __future__ import annotations

from typing import Any

WORDS: dict[str, str] = {
    "password": "The camera refuses the user name or the password. Enter them again.",
    "refused": "The camera's address refuses the connection. Check the port, and that the "
    "camera's stream is switched on.",
    "unreachable": "Nothing answers at the camera's address. Check that the camera is on and in "
    "the same network, and that the address is right.",
    "not_found": "The camera answers, but has no stream at this path. Look the path up in its "
    "manual; many have one for the main and one for the second stream.",
    "redirect": "The camera sends on to another address, which is never followed. Enter the "
    "address of the stream itself.",
    "elsewhere": "The stream's list names pictures at another address, which are not fetched. "
    "Enter the address of a stream that the camera sends itself.",
    "codec": "The camera sends video of a kind that is not read here ({found}). Set it to H.264.",
    "no_video": "The camera sends no moving pictures. Check that this is the address of its video.",
    "too_large": "The camera's pictures are too large ({found}). Choose its second, smaller "
    "stream.",
    "unreadable": "What comes from the camera is no video that can be read. Check the address; if "
    "it is right, start the camera again.",
    "stalled": "The camera is connected, but has sent no picture for 15 seconds. It is connected "
    "again; if this goes on, start the camera again.",
    "ended": "The camera ended its stream. It is connected again.",
    "changed": "The camera changed the size of its pictures. It is connected again.",
    "clock": "The times of the camera's pictures jumped. It is connected again.",
    "device_missing": "There is no such camera at this machine. Plug it in, or choose another "
    "number.",
    "device_busy": "Another program uses this camera, or this one may not. Close the other, or "
    "give this account the right to use video devices.",
    "file_missing": "The file that is to be played is not there. Put it back, or choose another.",
    "source": "The camera's address cannot be used.",
    "taken": "A video file that was added has these minutes of the camera. Live counting goes on "
    "after it.",
    "disk": "The disk is nearly full: nothing is recorded until there is room. Make some, "
    "or keep films for a shorter time.",
    "error": "Following the camera failed. It is tried again; the log names the reason.",
    "off": "The camera is not followed: it is switched off here, or has no address. Switch it on, "
    "or give it one, to follow it.",
}


class Trouble(Exception):
    """A camera cannot be followed at the moment.

    Parameters
    ----------
    code : str
        One of `WORDS`.
    words : str, optional
        In place of those.
    said
        What the words leave open.
    """

    def __init__(self, code: str, words: str = "", **said: Any) -> None:
        self.code = code
        self.words = words or WORDS[code].format(**said)
        super().__init__(self.words)
