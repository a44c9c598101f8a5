"""The table of all ways of reading."""

from __future__ import annotations

from types import MappingProxyType

from tests.access import many_ways as many
from tests.access import record_ways as record
from tests.access import ways
from tests.access.ways import Way

WAYS = MappingProxyType(
    {
        "get": Way(ways.draw_get, ways.ask_get, ways.tell_get),
        "list": Way(ways.draw_list, ways.ask_list, ways.tell_list),
        "expand": Way(ways.draw_expand, ways.ask_expand, ways.tell_expand),
        "report": Way(ways.draw_report, ways.ask_report, ways.tell_report),
        "history": Way(ways.one, record.ask_history, record.tell_history),
        "moves": Way(record.draw_moves, record.ask_moves, record.tell_moves),
        "schema": Way(ways.one, record.ask_schema, record.tell_schema),
        "explain": Way(record.draw_explain, record.ask_explain, record.tell_explain),
        "search": Way(many.draw_search, many.ask_search, many.tell_search),
        "export": Way(many.draw_export, many.ask_export, many.tell_export),
        "timeline": Way(many.draw_timeline, many.ask_timeline, many.tell_timeline),
    }
)
