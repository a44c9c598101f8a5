"""Notes each connection that a Python process begins, in the file that `CRM_TEST_OUTGOING` names.

The tests put this folder on the `PYTHONPATH` of the servers they start; Python imports a module of this name by itself.
"""

from __future__ import annotations

import os
import sys
from typing import Any

_EVENTS = frozenset({"socket.connect", "socket.sendto", "socket.sendmsg", "socket.getaddrinfo", "socket.gethostbyname"})


def _noting(path: str) -> None:
    file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT)

    def note(event: str, arguments: tuple[Any, ...]) -> None:
        if event in _EVENTS:
            where = arguments[1:2] if event.startswith(("socket.connect", "socket.send")) else arguments[:2]
            os.write(file, f"{event} {where!r}\n".encode())

    sys.addaudithook(note)


if "CRM_TEST_OUTGOING" in os.environ:
    _noting(os.environ["CRM_TEST_OUTGOING"])
