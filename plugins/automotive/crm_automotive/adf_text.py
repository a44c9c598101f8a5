"""Finds the ADF document in what a provider sent: bare XML, or a mail with it in its body or attached.

Nothing is parsed as XML here, and nothing declared in a prolog counts but its encoding: so a prolog that is no XML
(that of the official sample) does no harm. A DOCTYPE is refused.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from email import message_from_bytes
from email.message import Message
from email.policy import compat32

MAX_BYTES = 10 * 1024 * 1024
"""A message longer than this is refused: a lead has a few thousand bytes."""

_HEADER = re.compile(rb"\s*(?:From \S[^\n]*\n|[A-Za-z][A-Za-z0-9-]*:[^\n]*\n)")
_MARKUP = re.compile(r"\s*(?:<\?.*?\?>|<!--.*?-->)", re.DOTALL)
_DOCTYPE = re.compile(r"<!(?:DOCTYPE|ENTITY)", re.IGNORECASE)
_START = re.compile(r"<(?:[\w.-]+:)?(adf|prospect)(?=[\s/>])", re.IGNORECASE)
_ENCODING = re.compile(rb"""<\?xml[^>]{0,200}?encoding\s*=\s*["']([A-Za-z][\w.-]{0,39})["']""", re.IGNORECASE)
_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


class AdfError(Exception):
    """A message that is no ADF: `faults` are sentences, each with where it is (`/adf/prospect/2/customer`)."""

    def __init__(self, *faults: tuple[str, str]) -> None:
        self.faults = faults
        super().__init__(" ".join(sentence for _, sentence in faults))


def find_document(data: bytes) -> str:
    """The text of the document from its root element on. Raises `AdfError`."""
    if len(data) > MAX_BYTES:
        raise AdfError(("", f"The message has {len(data):,} bytes; a lead has at most {MAX_BYTES:,}."))
    if not _HEADER.match(data):
        return _document(_decoded(data, None))
    for part in _parts(data):
        if _START.search(part):
            return _document(part)
    raise AdfError(("", "The mail has no ADF: neither its body nor an attachment holds an <adf> element."))


def _document(text: str) -> str:
    """What lies between the start of the root element and its end."""
    at = 0
    while found := _MARKUP.match(text, at):
        at = found.end()
    start = _START.search(text, at)
    if _DOCTYPE.search(text, at, start.start() if start else len(text)):
        raise AdfError(("", "The message has a DOCTYPE. ADF needs none, and none is read: leave it out."))
    if start is None:
        raise AdfError(("", "There is no <adf> element in the message."))
    ends = list(re.finditer(rf"</(?:[\w.-]+:)?{start[1]}\s*>", text[start.start() :], re.IGNORECASE))
    return text[start.start() :][: ends[-1].end()] if ends else text[start.start() :]


def _parts(data: bytes) -> Iterator[str]:
    """The texts of a mail, those that say they are XML first."""
    try:
        parts = [p for p in message_from_bytes(data.lstrip(), policy=compat32).walk() if not p.is_multipart()]
    except RecursionError:
        raise AdfError(("", "The mail is nested too deep.")) from None
    for part in sorted(parts, key=_rank):
        body = part.get_payload(decode=True)
        if isinstance(body, bytes):
            yield _decoded(body, part.get_content_charset())


def _rank(part: Message) -> int:
    kind, name = part.get_content_type(), str(part.get_filename() or "").lower()
    if kind == "application/x-adf+xml":
        return 0
    if kind.endswith(("/xml", "+xml")) or name.endswith((".adf", ".xml")):
        return 1
    return 2 if kind == "text/plain" else 3


def _decoded(body: bytes, charset: str | None) -> str:
    """Text in the encoding that its first bytes, its XML declaration or its mail part name; in UTF-8 where none does,
    and as Windows-1252, which is what senders have, where it is not in that encoding."""
    declared = _ENCODING.search(body[:1000])
    names = [name for bom, name in _BOMS if body.startswith(bom)][:1]
    names += [declared[1].decode("ascii")] if declared else []
    for name in (*names, charset, "utf-8"):
        try:
            if name is not None:
                return body.decode(name)
        except (LookupError, UnicodeError):  # no such encoding, or not in it
            continue
    return body.decode("cp1252", errors="replace")
