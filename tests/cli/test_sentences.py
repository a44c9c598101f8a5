from __future__ import annotations

import logging
import sys

from crm_kernel.cli.sentences import OneLine, error_lines, harmless
from crm_kernel.errors import Error, Fault


def test_control_characters_are_shown_and_not_done() -> None:
    assert harmless("Rīga \x1b[2J\n\u202ex") == "Rīga \\x1b[2J\\n\\u202ex"


def test_one_fault_is_one_line() -> None:
    fault = Fault(pointer="/name", code="required", detail="Name is required.", row=3)
    assert list(error_lines(Error("invalid", faults=[fault]))) == ["row 3, /name: Name is required."]
    whole = Fault(pointer="", code="unique", detail="Taken.", hint="Choose another.")
    assert list(error_lines(Error("unique", faults=[whole]))) == ["Taken. Hint: Choose another."]


def test_many_faults_are_a_line_each_up_to_a_limit() -> None:
    faults = [Fault(pointer=f"/f{n:02}", code="type", detail=f"Wrong {n}.") for n in range(25)]
    lines = list(error_lines(Error("invalid", faults=faults)))
    assert lines[:2] == ["Some values are not valid.", "  /f00: Wrong 0."]
    assert lines[-1] == "  and 5 more."
    told = list(error_lines(Error("plan_refused", "No.", hint="See.", faults=faults[:1])))
    assert told == ["No. Hint: See.", "  /f00: Wrong 0."]


def test_a_log_record_is_one_sentence_without_its_traceback() -> None:
    try:
        raise ValueError("odd")
    except ValueError:
        record = logging.LogRecord("x", logging.ERROR, "f", 1, "plugin %s failed", ("shop",), sys.exc_info())
    assert OneLine().format(record) == "crm: plugin shop failed: ValueError: odd"
    plain = logging.LogRecord("x", logging.ERROR, "f", 1, "left out", (), None)
    assert OneLine().format(plain) == "crm: left out"
