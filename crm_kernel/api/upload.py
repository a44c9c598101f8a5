"""A form with a file, read from the line as it comes: the file to the disk, small parts to memory (floor 9)."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Collection
from hashlib import sha256
from typing import BinaryIO, NamedTuple

from multipart import MultipartError, MultipartSegment, PushMultipartParser, parse_options_header

from crm_kernel.api.problems import Disconnected
from crm_kernel.api.request import ApiRequest
from crm_kernel.errors import Error, Fault, near
from crm_kernel.operations.job_files import not_kept

FORM = "multipart/form-data"
MAX_PART = 1024 * 1024
"""Bytes of a part that is no file."""
MAX_PARTS = 16
_ROOM = 64 * 1024
"""What boundaries and headers may take beside the parts."""
_MAX_NAME = 255
_WRITTEN = 256 * 1024
"""Bytes of a file that are written at once."""


class Part(NamedTuple):
    """One small part: its name as a file, if it has one, and its bytes."""

    filename: str | None
    content: bytes


class Form(NamedTuple):
    """What came: the name, size and media type of the file, the other parts, a digest of all of it."""

    filename: str | None
    size: int
    parts: dict[str, Part]
    digest: bytes
    media: str | None = None


async def read_form(request: ApiRequest, file: BinaryIO, *, file_part: str, known: Collection[str], limit: int) -> Form:
    """Read a form; what its part `file_part` holds is written to `file`, at most `limit` bytes.

    Raises `Error`: bad_value (no form), too_large, invalid (parts that are unknown or come twice), disk_full.
    """
    most = limit + len(known) * MAX_PART + _ROOM
    declared = request.header(b"content-length") or ""
    if declared.isascii() and declared.isdigit() and int(declared[:16]) > most:
        raise _too_large(limit)
    reading = _Reading(_boundary(request), file_part, limit)
    size, more = 0, True
    while more:
        message = await request.receive()
        if message["type"] == "http.disconnect":
            raise Disconnected
        chunk: bytes = message.get("body", b"")
        size += len(chunk)
        if size > most:
            raise _too_large(limit)
        reading.take(chunk)
        more = message.get("more_body", False)
        if reading.pending >= _WRITTEN or not more:
            await asyncio.to_thread(_write, file, reading.taken())  # a slow disk keeps nobody else waiting
    return reading.form(known)


def _write(file: BinaryIO, content: bytes) -> None:
    try:
        file.write(content)
    except OSError as error:
        raise not_kept(error) from error


def store(file: BinaryIO) -> None:
    """Let a file reach the disk. Raises `Error("disk_full")`."""
    try:
        file.flush()
        os.fsync(file.fileno())
    except OSError as error:
        raise not_kept(error) from error


def _boundary(request: ApiRequest) -> str:
    sent = request.header(b"content-type") or ""
    kind, options = parse_options_header(sent)
    boundary = options.get("boundary", "")
    if kind != FORM or not 0 < len(boundary) <= 200:
        hint = f"Send {FORM} with a boundary, such as curl -F file=@people.csv does."
        raise Error("bad_value", f"The body is {sent[:100]!r}; expected {FORM}.", hint=hint)
    return boundary


def _too_large(limit: int) -> Error:
    hint = "Send it in several files; [imports] max_megabytes of crm.toml sets the limit."
    return Error("too_large", f"The file is larger than {limit // 1024**2} MiB.", hint=hint)


class _Reading:
    """A form on its way."""

    def __init__(self, boundary: str, file_part: str, limit: int) -> None:
        self._parser = _parser(boundary)
        self._file_part, self._limit = file_part, limit
        self._of_file: list[bytes] = []
        self.pending = 0
        self._segment: MultipartSegment | None = None
        self._filename: str | None = None
        self._media: str | None = None
        self._size = 0
        self._parts: dict[str, Part] = {}
        self._content: list[bytes] = []
        self._digest = sha256()
        self._twice: list[str] = []

    def take(self, chunk: bytes) -> None:
        try:
            for event in self._parser.parse(chunk):
                if isinstance(event, MultipartSegment):
                    self._begin(event)
                elif event is None:
                    self._end()
                else:
                    self._fill(bytes(event))
        except MultipartError as error:
            raise _no_form(error) from error

    def taken(self) -> bytes:
        """The next bytes of the file."""
        content, self._of_file, self.pending = b"".join(self._of_file), [], 0
        self._digest.update(content)
        return content

    def form(self, known: Collection[str]) -> Form:
        try:
            self._parser.close()
        except MultipartError as error:
            raise _no_form(error) from error
        faults = [
            Fault(pointer=f"/{name}", code="unknown_field", detail=f"unknown part {name[:100]!r}:{near(name, known)}")
            for name in self._parts
            if name not in known
        ]
        faults += [Fault(pointer=f"/{n}", code="unique", detail=f"The part {n!r} comes twice.") for n in self._twice]
        if self._filename is None:
            detail = f"There is no part {self._file_part!r} with a file."
            faults.append(Fault(pointer=f"/{self._file_part}", code="required", detail=detail))
        if faults:
            raise Error("invalid", faults=faults)
        for name, part in sorted(self._parts.items()):
            self._digest.update(b"\0%s\0%s" % (name.encode(), part.content))
        return Form(self._filename, self._size, self._parts, self._digest.digest(), self._media)

    def _begin(self, segment: MultipartSegment) -> None:
        self._segment, self._content = segment, []
        if segment.name == self._file_part:
            if self._filename is not None:
                self._twice.append(self._file_part)
            self._filename = (segment.filename or "").replace("\\", "/").rpartition("/")[2][-_MAX_NAME:] or "file"
            self._media = segment.content_type

    def _fill(self, content: bytes) -> None:
        segment = self._segment
        if segment is None:
            return
        if segment.name != self._file_part:
            self._content.append(content)
            if segment.bytes_received > MAX_PART:
                raise Error("too_large", f"The part {segment.name!r} is larger than {MAX_PART} bytes.")
            return
        self._size += len(content)
        if self._size > self._limit:
            raise _too_large(self._limit)
        self._of_file.append(content)
        self.pending += len(content)

    def _end(self) -> None:
        segment, self._segment = self._segment, None
        if segment is not None and segment.name != self._file_part:
            name = segment.name or ""
            if name in self._parts:
                self._twice.append(name)
            self._parts[name] = Part(segment.filename, b"".join(self._content))


def _parser(boundary: str) -> PushMultipartParser:
    try:
        return PushMultipartParser(boundary, max_segment_count=MAX_PARTS)
    except MultipartError as error:
        raise _no_form(error) from error


def _no_form(error: MultipartError) -> Error:
    return Error("bad_value", f"The body is no whole {FORM}: {error}.", hint="Send it again, as one form.")
