"""Model files: where they lie, and that they are the ones that were meant."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from tracking.vision.errors import UnknownDetectorError

# Where `make model` puts NanoDet and a person puts any other; the doors may name another folder.
FOLDER = Path(__file__).resolve().parents[3] / "var" / "models"
# What `make model` makes: the published weights, and the same in whole numbers of 8 bits.
NANODET, NANODET_INT8 = "nanodet.onnx", "nanodet-int8.onnx"
WITHOUT_NANODET = "NanoDet is not on this machine: HOG finds people, fewer of them."
FETCH_NANODET = "“make model” fetches it."
LARGEST_BYTES = 512 * 1024**2  # a person detector has tens of megabytes
MISSING = (
    "The model '{name}' is not in the folder {folder}; make model fetches NanoDet, any other is "
    "copied there."
)


@dataclass(frozen=True, slots=True)
class ModelFile:
    """A model, read once: what is hashed is what runs."""

    name: str
    data: bytes
    sha256: str


def read_model(name: str, folder: Path | None = None, sha256: str = "") -> ModelFile:
    """Return a model file.

    Parameters
    ----------
    name : str
        File name ending in ``.onnx``, without a path: settings come from people.
    folder : Path, optional
        Where it lies.
    sha256 : str, optional
        What its hash must be: a run goes on with the model that it began with.

    Raises
    ------
    UnknownDetectorError
        It is missing, too large, or another one than was meant.
    """
    path = (folder or FOLDER) / _checked(name)
    try:
        size = path.stat().st_size
        data = path.read_bytes() if size <= LARGEST_BYTES else b""
    except OSError as error:
        raise UnknownDetectorError(MISSING.format(name=name, folder=path.parent)) from error
    if size > LARGEST_BYTES:
        raise UnknownDetectorError(
            f"The model '{name}' has {size} bytes; {LARGEST_BYTES} are the most."
        )
    found = hashlib.sha256(data).hexdigest()
    if sha256 and found != sha256:
        raise UnknownDetectorError(
            f"The model '{name}' is another one than the count began with "
            f"(its sha256 begins with {found[:12]}, not {sha256[:12]})."
        )
    return ModelFile(name, data, found)


def has_model(name: str, folder: Path | None = None) -> bool:
    """Return whether there is a model file of this name."""
    return ((folder or FOLDER) / _checked(name)).is_file()


def has_nanodet(folder: Path | None = None) -> bool:
    """Return whether `make model` was run, or its files were copied there."""
    return any(has_model(name, folder) for name in (NANODET_INT8, NANODET))


def _checked(name: object) -> str:
    if not isinstance(name, str) or Path(name).name != name or not name.endswith(".onnx"):
        raise UnknownDetectorError(
            f"A model is named by its file, such as shop.onnx, without a folder; got {name!r}."
        )
    return name
