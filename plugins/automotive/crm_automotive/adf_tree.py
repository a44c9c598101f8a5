"""XML to a tree that is safe to walk: no DTD, no entities but XML's own five, a bounded depth, names in lower case."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple
from xml.etree.ElementTree import Element, ParseError, TreeBuilder

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import DefusedXMLParser

from .adf_text import AdfError

MAX_DEPTH = 24
"""ADF has seven levels; what a sender adds below is kept down to this one."""

_AMPERSAND = re.compile(r"&(?:(#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|amp|lt|gt|quot|apos);|(\w{1,32});)?")


class _TooDeep(Exception):
    pass


class _Builder(TreeBuilder):
    """Builds elements with local names in lower case, and goes no deeper than `MAX_DEPTH`."""

    def __init__(self) -> None:
        super().__init__()
        self._depth = 0

    def start(self, tag: str, attrs: Any, /) -> Element:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise _TooDeep
        return super().start(_local(tag), {_local(name): value for name, value in attrs.items()})

    def end(self, tag: str, /) -> Element:
        self._depth -= 1
        return super().end(_local(tag))


class Node(NamedTuple):
    """An element and where it is: `/adf/prospect/2/vehicle/1`."""

    element: Element
    path: str

    @property
    def tag(self) -> str:
        """Its local name, in lower case."""
        return str(self.element.tag)

    @property
    def text(self) -> str | None:
        """All its text, blanks collapsed at the ends; None where there is none."""
        return "".join(self.element.itertext()).strip() or None

    @property
    def attributes(self) -> Mapping[str, str]:
        """Its attributes by local name in lower case."""
        return self.element.attrib

    def attribute(self, name: str) -> str | None:
        """One attribute, trimmed; None where it is not there or empty."""
        return self.element.attrib.get(name, "").strip() or None

    def all(self, tag: str) -> list[Node]:
        """The children of a name."""
        found = self.element.findall(tag)
        return [Node(child, f"{self.path}/{tag}/{number}") for number, child in enumerate(found, start=1)]

    def one(self, tag: str) -> Node | None:
        """The first child of a name that is not empty."""
        nodes = self.all(tag)
        return next((node for node in nodes if node.text or len(node.element)), None)

    def value(self, tag: str) -> str | None:
        """The text of the first child of a name."""
        node = self.one(tag)
        return None if node is None else node.text

    def children(self) -> Iterator[Node]:
        """All children, in order."""
        for child in self.element:
            yield Node(child, f"{self.path}/{child.tag}")


def parse(text: str) -> Node:
    """The root of a document. Raises `AdfError`, which says line and column of what is no XML."""
    try:
        return _parse(text)
    except ParseError as error:
        mended = _AMPERSAND.sub(_mended, text)
        try:
            if mended != text:  # "Land & Rover", "&nbsp;": senders forget to escape
                return _parse(mended)
        except ParseError:
            pass
        line, column = error.position
        sentence = f"The message is not well-formed XML: {_reason(error)} in line {line}, column {column + 1}."
        raise AdfError(("", sentence)) from None


def _parse(text: str) -> Node:
    parser = DefusedXMLParser(target=_Builder(), forbid_dtd=True)
    try:
        parser.feed(text)
        root = parser.close()
    except DefusedXmlException:
        raise AdfError(
            ("", "The message declares a document type or entities. Neither is read: leave them out.")
        ) from None
    except _TooDeep:
        raise AdfError(("", f"The elements are nested more than {MAX_DEPTH} deep.")) from None
    return Node(root, f"/{root.tag}")


def _reason(error: ParseError) -> str:
    return str(error).partition(":")[0]


def _local(name: str) -> str:
    return name.rpartition("}")[2].rpartition(":")[2].lower()


def _mended(found: re.Match[str]) -> str:
    if found[1]:
        return found[0]
    character = html.unescape(f"&{found[2]};") if found[2] else ""
    known = character and not character.startswith("&")
    return character.replace("&", "&amp;").replace("<", "&lt;") if known else f"&amp;{found[0][1:]}"
