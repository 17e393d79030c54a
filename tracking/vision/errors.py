"""What can go wrong in the vision core.

VisionError
├── MediaError                 the file cannot be used; `code` says why in one word
│   ├── EmptyFileError         `empty_file`
│   ├── UnknownContainerError  `unknown_container`
│   ├── UnreadableMediaError   `unreadable`
│   ├── TooLongError           `too_long`
│   ├── NoVideoStreamError     `no_video_stream`
│   └── CodecNotAllowedError   `codec_not_allowed`
├── BadDetectionsError         a stored blob of detections is damaged or foreign
├── BadStateError              a stored pipeline state is damaged, foreign or of another set-up
├── BadSetupError              a scene set-up that cannot be used
├── BadLabelsError             labelled data that an evaluation cannot use
├── ToolMissingError           a package that only an evaluation needs is not installed
└── UnknownDetectorError       no detector of that name, or it is not ready here
"""


class VisionError(Exception):
    """Base of every error that the vision core raises on purpose."""

    code = "vision_error"


class MediaError(VisionError):
    """A media file cannot be used."""

    code = "media_error"


class EmptyFileError(MediaError):
    """The file holds no bytes."""

    code = "empty_file"


class UnknownContainerError(MediaError):
    """The first bytes name no container on the allow-list."""

    code = "unknown_container"


class UnreadableMediaError(MediaError):
    """The container is known but cannot be opened or decoded at all."""

    code = "unreadable"


class TooLongError(MediaError):
    """The packets' times reach beyond what a file may last."""

    code = "too_long"


class NoVideoStreamError(MediaError):
    """There is nothing to look at in the file."""

    code = "no_video_stream"


class CodecNotAllowedError(MediaError):
    """The video codec is not on the allow-list; nothing was decoded."""

    code = "codec_not_allowed"


class BadDetectionsError(VisionError):
    """A stored blob of detections is damaged or was not written by `detections.pack`."""

    code = "bad_detections"


class BadStateError(VisionError):
    """A stored pipeline state is damaged or does not belong to this set-up."""

    code = "bad_state"


class BadSetupError(VisionError):
    """A scene set-up cannot be used."""

    code = "bad_setup"


class BadLabelsError(VisionError):
    """Labelled data (truth or detections in a file) cannot be used for an evaluation."""

    code = "bad_labels"


class ToolMissingError(VisionError):
    """A package that only an evaluation needs is not installed."""

    code = "tool_missing"


class UnknownDetectorError(VisionError):
    """No detector of that name is known, or it is not ready on this machine."""

    code = "unknown_detector"
