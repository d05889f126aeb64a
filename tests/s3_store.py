"""A stand-in for an S3-compatible store on loopback: what DuckDB speaks of the protocol. It checks no signature."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, unquote, urlsplit
from xml.sax.saxutils import escape, unescape


class Store(ThreadingHTTPServer):
    """Objects by ``bucket/key``."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.objects: dict[str, bytes] = {}
        self.parts: dict[str, dict[int, bytes]] = {}
        self.signed_by: set[str] = set()

    @property
    def endpoint(self) -> str:
        """Host and port."""
        return f"127.0.0.1:{self.server_port}"


@contextmanager
def s3_store() -> Iterator[Store]:
    """Serve a store for the length of the block."""
    with Store() as store:
        thread = threading.Thread(target=store.serve_forever, daemon=True)
        thread.start()
        try:
            yield store
        finally:
            store.shutdown()
            thread.join()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Store

    def log_message(self, *_: object) -> None:
        """Stay quiet."""

    @property
    def _key(self) -> str:
        return unquote(urlsplit(self.path).path).lstrip("/")

    @property
    def _query(self) -> dict[str, str]:
        return {name: found[0] for name, found in parse_qs(urlsplit(self.path).query, keep_blank_values=True).items()}

    def _body(self) -> bytes:
        if found := re.search(r"Credential=([^/,]+)/", self.headers.get("Authorization", "")):
            self.server.signed_by.add(found[1])
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def _answer(self, status: int, body: bytes = b"", **headers: str) -> None:
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def do_HEAD(self) -> None:
        self._read()

    def do_GET(self) -> None:
        if "list-type" in self._query:
            self._list()
        else:
            self._read()

    def _read(self) -> None:
        self._body()
        content = self.server.objects.get(self._key)
        if content is None:
            self._answer(404)
            return
        about = {
            "ETag": f'"{hash(content):x}"',
            "Last_Modified": "Sun, 01 Nov 2026 00:00:00 GMT",
            "Accept_Ranges": "bytes",
        }
        if self.command == "HEAD":
            self.send_response(200)
            for name, value in {"Content-Length": str(len(content)), **about}.items():
                self.send_header(name.replace("_", "-"), value)
            self.end_headers()
        elif asked := re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", "")):
            first, last = int(asked[1]), min(int(asked[2] or len(content)), len(content) - 1)
            part = content[first : last + 1]
            self._answer(206, part, Content_Range=f"bytes {first}-{last}/{len(content)}", **about)
        else:
            self._answer(200, content, **about)

    def _list(self) -> None:
        self._body()
        bucket, _, _ = self._key.partition("/")
        prefix = self._query.get("prefix", "")
        found = sorted(key for key in self.server.objects if key.startswith(f"{bucket}/{prefix}"))
        listed = "".join(
            f"<Contents><Key>{escape(key.partition('/')[2])}</Key><Size>{len(self.server.objects[key])}</Size>"
            '<LastModified>2026-11-01T00:00:00.000Z</LastModified><ETag>"x"</ETag></Contents>'
            for key in found
        )
        self._answer(200, f"<ListBucketResult><IsTruncated>false</IsTruncated>{listed}</ListBucketResult>".encode())

    def do_PUT(self) -> None:
        content = self._body()
        if "partNumber" in self._query:
            self.server.parts[self._query["uploadId"]][int(self._query["partNumber"])] = content
        else:
            self.server.objects[self._key] = content
        self._answer(200, ETag='"x"')

    def do_POST(self) -> None:
        body = self._body()
        if "uploads" in self._query:
            upload = str(len(self.server.parts))
            self.server.parts[upload] = {}
            told = f"<InitiateMultipartUploadResult><UploadId>{upload}</UploadId></InitiateMultipartUploadResult>"
            self._answer(200, told.encode())
        elif "delete" in self._query:
            bucket = self._key.partition("/")[0]
            for key in re.findall(r"<Key>(.*?)</Key>", body.decode()):
                self.server.objects.pop(f"{bucket}/{unescape(key)}", None)
            self._answer(200, b"<DeleteResult></DeleteResult>")
        else:
            parts = self.server.parts[self._query["uploadId"]]
            self.server.objects[self._key] = b"".join(parts[number] for number in sorted(parts))
            self._answer(200, b"<CompleteMultipartUploadResult></CompleteMultipartUploadResult>")

    def do_DELETE(self) -> None:
        self._body()
        self.server.objects.pop(self._key, None)
        self._answer(204)
