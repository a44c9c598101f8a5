"""Writes `schemas/<kind>.schema.json` from the structs of `crm_kernel/documents.py` and `crm_kernel/mappings.py`."""

from __future__ import annotations

from pathlib import Path

from crm_kernel.document_schemas import SCHEMAS, render


def main() -> None:
    """Writes every schema beside this file."""
    for name in SCHEMAS:
        Path(__file__).with_name(f"{name}.schema.json").write_text(render(name), encoding="utf-8")


if __name__ == "__main__":
    main()
