"""HTTP cameras on loopback: MJPEG as most have it, and HLS, paced like the clock they are given."""

from __future__ import annotations

import base64
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import av

BOUNDARY = "picture"


class HttpCamera:
    """One camera on a free port.

    Parameters
    ----------
    film : Path
        What it plays, once from the start for each connection, then in a loop.
    speed : float
        How much faster than life.
    password : str
        Asked for, of the user ``admin``, where there is one.
    """

    def __init__(self, film: Path, speed: float, password: str = "") -> None:
        self.speed = speed
        self.paused = threading.Event()
        self.asked: list[str] = []
        # What `/film` sends, one after another, the last for ever; where `/away` leads.
        self.films: list[bytes] = []
        self.sends_to = "/mjpeg"
        self._film = film
        self._jpegs: list[bytes] = []
        self._parts: list[tuple[float, bytes]] = []
        self._began = time.monotonic()
        camera = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                camera.asked.append(self.path)
                told = base64.b64encode(f"admin:{password}".encode()).decode()
                if password and self.headers.get("Authorization") != f"Basic {told}":
                    self.send_response(401)
                    self.send_header("WWW-Authenticate", 'Basic realm="camera"')
                    self.send_header("Content-Length", "0")
                    self.end_headers()
                    return
                camera.answer(self)

            def log_message(self, *_: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.port = self.server.server_port

    def answer(self, handler: BaseHTTPRequestHandler) -> None:
        path = handler.path.partition("?")[0]
        if path == "/away":
            self._send(handler, 302, b"", Location=self.sends_to)
        elif path == "/mjpeg":
            self._mjpeg(handler)
        elif path == "/list.m3u8":
            self._send(handler, 200, self._list(), **{"Content-Type": "application/x-mpegurl"})
        elif path == "/elsewhere.m3u8":
            text = "#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\nhttp://127.0.0.1:1/x.ts\n"
            self._send(handler, 200, text.encode())
        elif path.startswith("/part"):
            index = int(path.removeprefix("/part").removesuffix(".ts"))
            self._send(handler, 200, self.parts[index % len(self.parts)][1])
        elif path == "/film":
            film = self.films.pop(0) if len(self.films) > 1 else self.films[0]
            self._slowly(handler, film)
        elif path == "/page":
            self._send(handler, 200, b"<html>Welcome</html>" * 400)
        else:
            self._send(handler, 404, b"")

    @staticmethod
    def _send(handler: BaseHTTPRequestHandler, status: int, body: bytes, **headers: str) -> None:
        handler.send_response(status)
        for name, value in ({"Content-Length": str(len(body))} | headers).items():
            handler.send_header(name, value)
        handler.end_headers()
        handler.wfile.write(body)

    def _slowly(self, handler: BaseHTTPRequestHandler, film: bytes) -> None:
        """Send a film at about the pace at which it plays."""
        handler.send_response(200)
        handler.send_header("Connection", "close")
        handler.end_headers()
        piece = max(1, len(film) // 200)
        try:
            for start in range(0, len(film), piece):
                handler.wfile.write(film[start : start + piece])
                time.sleep(0.04)
        except OSError:
            pass
        handler.close_connection = True

    @property
    def jpegs(self) -> list[bytes]:
        """The film as JPEG pictures, its own frame rate apart."""
        if not self._jpegs:
            encoder = av.codec.CodecContext.create("mjpeg", "w")
            with av.open(str(self._film)) as film:
                stream = film.streams.video[0]
                encoder.width, encoder.height = stream.width, stream.height
                encoder.pix_fmt, encoder.time_base = "yuvj420p", Fraction(1, 10)
                encoder.options = {"qmin": "2", "qmax": "4"}
                for frame in film.decode(stream):
                    shown = frame.reformat(format="yuvj420p")
                    self._jpegs += [bytes(packet) for packet in encoder.encode(shown)]
        return self._jpegs

    def _mjpeg(self, handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        kind = f"multipart/x-mixed-replace; boundary={BOUNDARY}"
        handler.send_header("Content-Type", kind)
        handler.end_headers()
        began, step_s = time.monotonic(), 0.1
        try:
            for index in range(10**9):
                picture = self.jpegs[index % len(self.jpegs)]
                due = began + index * step_s / self.speed
                time.sleep(max(0, due - time.monotonic()))
                while self.paused.is_set():
                    time.sleep(0.05)
                told = f"Content-Type: image/jpeg\r\nContent-Length: {len(picture)}"
                head = f"--{BOUNDARY}\r\n{told}\r\n\r\n"
                handler.wfile.write(head.encode() + picture + b"\r\n")
        except OSError:
            pass

    @property
    def parts(self) -> list[tuple[float, bytes]]:
        """The film as HLS parts of two seconds, by a muxer, not encoded anew."""
        if not self._parts:
            folder = self._film.parent / f"hls-{self.port}"
            folder.mkdir(exist_ok=True)
            options = {"hls_time": "2", "hls_list_size": "0",
                       "hls_segment_filename": f"{folder}/%03d.ts"}  # fmt: skip
            with (
                av.open(str(self._film)) as film,
                av.open(f"{folder}/all.m3u8", "w", format="hls", options=options) as listed,
            ):
                video = film.streams.video[0]
                copy = listed.add_stream_from_template(video)
                for packet in film.demux(video):
                    if packet.dts is not None:
                        packet.stream = copy
                        listed.mux(packet)
            self._parts = [(2.0, path.read_bytes()) for path in sorted(folder.glob("*.ts"))]
        return self._parts

    def _list(self) -> bytes:
        """The live list: the last three parts that are over by now."""
        parts = self.parts
        over = int((time.monotonic() - self._began) * self.speed / 2.0) + 3
        shown = range(max(0, over - 3), over)
        lines = ["#EXTM3U", "#EXT-X-VERSION:3",
                 f"#EXT-X-TARGETDURATION:{max(1, round(2 / self.speed))}",
                 f"#EXT-X-MEDIA-SEQUENCE:{shown.start}"]  # fmt: skip
        for index in shown:
            if index and index % len(parts) == 0:
                lines.append("#EXT-X-DISCONTINUITY")
            lines += ["#EXTINF:2.0,", f"part{index}.ts"]
        return ("\n".join(lines) + "\n").encode()


@contextmanager
def http_camera(film: Path, speed: float = 1.0, password: str = "") -> Iterator[HttpCamera]:
    camera = HttpCamera(film, speed, password)
    thread = threading.Thread(target=camera.server.serve_forever, daemon=True)
    thread.start()
    try:
        yield camera
    finally:
        camera.server.shutdown()
        camera.server.server_close()
