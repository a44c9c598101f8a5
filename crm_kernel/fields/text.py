"""Plain text: trimmed, NFC, with a folded copy for sorting and searching."""

from __future__ import annotations

import unicodedata
from typing import Any, ClassVar, Self

from crm_kernel.fields.base import Column, Faulty, FieldType, Kind, Shape, ValueContext
from crm_kernel.fields.folding import fold


def check_characters(text: str, pointer: str = "") -> None:
    """Raises `Faulty` (`format`) for characters that no column can hold: U+0000 and lone surrogates."""
    if "\0" in text:
        raise Faulty("format", "The character U+0000 cannot be stored.", pointer, told="nul")
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError:
            detail = "The text has half of a surrogate pair."
            raise Faulty("format", detail, pointer, told="surrogate") from None


def clean(text: str) -> str | None:
    """A top-level text as it is stored: trimmed, NFC, None where nothing is left. Raises `Faulty` (`format`)."""
    if text.isascii() and "\0" not in text:
        return text.strip() or None
    check_characters(text)
    return unicodedata.normalize("NFC", text).strip() or None


class Text(FieldType):
    """Any text. Other types that are text at heart derive from it."""

    name = "text"
    kind = Kind.TEXT
    _is_normal: ClassVar[bool] = True

    def __init_subclass__(cls) -> None:
        cls._is_normal = cls.normal is Text.normal

    @classmethod
    def match(cls, shape: Shape) -> Self | None:
        return cls() if shape.type == "string" else None

    @property
    def folds(self) -> bool:
        return True

    def columns(self) -> tuple[Column, ...]:
        return (Column("", "text"), Column("__fold", "text"))

    def canonical(self, value: Any, context: ValueContext) -> Any:
        if not isinstance(value, str):
            return value
        text = (value.strip() or None) if value.isascii() and "\0" not in value else clean(value)
        return text if text is None or self._is_normal else self.normal(text, context)

    def sent_image(self, value: Any) -> Any:
        return super().sent_image(value.strip() if isinstance(value, str) else value)

    def normal(self, text: str, context: ValueContext) -> str:
        """The normal form of a trimmed text that is not empty. Raises `Faulty`."""
        return text

    def to_columns(self, value: Any) -> tuple[Any, ...]:
        return (None, None) if value is None else (value, fold(value))
