"""Tracking scores by TrackEval, the reference implementation of HOTA (Luiten et al. 2021)."""

import contextlib
import io
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from tracking.vision.errors import BadLabelsError, ToolMissingError
from tracking.vision.evaluation.mot import TRUTH, Sequence, has_kinds, read_rows

PEOPLE = "pedestrian"
NAMES = ("HOTA", "DetA", "AssA", "IDF1", "MOTA", "IDSW")


def score(sequence: Sequence, results: Path) -> dict[str, float]:
    """Return the scores of one sequence: per cent, IDSW a count.

    Parameters
    ----------
    sequence : Sequence
        With truth.
    results : Path
        The folder with `<sequence>.txt`.

    Raises
    ------
    ToolMissingError
        TrackEval is not installed.
    BadLabelsError
        The truth cannot be used.
    """
    trackeval = _trackeval()
    with contextlib.redirect_stdout(io.StringIO()):  # it tells the settings of each metric
        dataset = trackeval.datasets.MotChallenge2DBox(_config(sequence, results))
        metrics = trackeval.metrics
        try:
            raw = dataset.get_raw_seq_data(results.name, sequence.name)
            data = dataset.get_preprocessed_seq_data(raw, PEOPLE)
        except trackeval.utils.TrackEvalException as error:
            raise BadLabelsError(f"{sequence.folder / TRUTH} cannot be used: {error}.") from error
        hota = metrics.HOTA().eval_sequence(data)
        clear = metrics.CLEAR().eval_sequence(data)
        identity = metrics.Identity().eval_sequence(data)
    found = {name: 100 * float(np.mean(hota[name])) for name in ("HOTA", "DetA", "AssA")}
    found |= {"IDF1": 100 * float(identity["IDF1"]), "MOTA": 100 * float(clear["MOTA"])}
    return found | {"IDSW": float(clear["IDSW"])}


def mean_scores(scores: Mapping[str, Mapping[str, float]]) -> dict[str, float | None]:
    """Return the mean of each score over sequences, None where there is none."""
    return {
        name: float(np.mean([each[name] for each in scores.values()])) if scores else None
        for name in NAMES
    }


def _config(sequence: Sequence, results: Path) -> dict[str, Any]:
    kinds = has_kinds(read_rows(sequence.folder / TRUTH))
    return {
        "GT_FOLDER": str(sequence.folder.parent),
        "TRACKERS_FOLDER": str(results.parent),
        "TRACKERS_TO_EVAL": [results.name],
        "TRACKER_SUB_FOLDER": "",
        "SKIP_SPLIT_FOL": True,
        "SEQ_INFO": {sequence.name: len(sequence.frames)},
        # With classes, boxes on riders, statues and reflections count neither way.
        "BENCHMARK": "MOT17" if kinds else "MOT15",
        "PRINT_CONFIG": False,
    }


def _trackeval() -> Any:
    try:
        with contextlib.redirect_stdout(io.StringIO()):  # it tells which data sets it cannot read
            return import_module("trackeval")
    except ImportError as error:
        raise ToolMissingError(
            "Scores need TrackEval: pip install --no-deps -r requirements-scoring.txt"
        ) from error
