"""What becomes of an event that could not be told to a listener (floor 7)."""

from __future__ import annotations

import logging
import random
from datetime import datetime, timedelta

from crm_kernel.clock import moment_text
from crm_kernel.storage.delivery import CUT, DEAD, RETRY, Pending
from crm_kernel.storage.outbox import OutboxEvent

log = logging.getLogger("crm_kernel.deliver")

MAX_ATTEMPTS = 15
"""With these pauses about an hour: a mail server may be away for that long before a person must look."""
MAX_DEPTH = 5
FIRST_PAUSE = 1.0
LONGEST_PAUSE = 600.0


def failed(listener: str, event: OutboxEvent, attempts: int, error: Exception, now: datetime) -> Pending:
    """The next attempt after so many, with a growing pause; after the last one it is given up."""
    pause = min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** (attempts - 1)) * random.uniform(0.8, 1.2)
    state = DEAD if attempts >= MAX_ATTEMPTS else RETRY
    if state == DEAD:
        log.error("event %s is given up for %s; later ones of its record wait", event.id, listener)
    next_at = moment_text(now + timedelta(seconds=pause))
    text = f"{type(error).__name__}: {error}"[:500]
    return Pending(listener, event.seq, event.entity, event.record, state, attempts, next_at, text)


def cut(listener: str, event: OutboxEvent) -> Pending:
    """What is kept of an event that too many others led to: it is not told, and `crm dead` names it."""
    log.error("event %s is not told to %s: more than %s events led to it", event.id, listener, MAX_DEPTH)
    text = f"more than {MAX_DEPTH} events led to it"
    return Pending(listener, event.seq, event.entity, event.record, CUT, 0, "", text)
