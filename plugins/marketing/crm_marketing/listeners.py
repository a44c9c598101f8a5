"""What follows after the commit: sending begins with the choice of the recipients."""

from crm_kernel import Listener

from . import recipients

ALL = [
    Listener(event="record.moved", entity="campaign", where="event.to = 'sending'", handle=recipients.sending),
]
