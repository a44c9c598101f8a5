"""Who really sends a request and under which name he reached us, behind proxies that are trusted (floor 9)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Any

_UNKNOWN = "unknown"


def peer_of(scope: Mapping[str, Any], headers: Mapping[bytes, bytes], proxies: Sequence[str]) -> str:
    """The address of the client as attempts are counted by it: of IPv6 its /64, which one subscriber has.

    `X-Forwarded-For` is read from its end, as far as trusted proxies wrote it: what a client puts there is no address.
    """
    peer = _direct(scope)
    for sent in reversed(headers.get(b"x-forwarded-for", b"").decode("latin-1").split(",")):
        if peer is None or not _is_trusted(peer, proxies):
            break
        peer = _address(sent) or peer
    if peer is None:
        return _UNKNOWN
    return str(IPv6Network((int(peer), 64), strict=False)) if isinstance(peer, IPv6Address) else str(peer)


def host_of(scope: Mapping[str, Any], headers: Mapping[bytes, bytes], proxies: Sequence[str]) -> str:
    """The host and port that the client asked for: `X-Forwarded-Host` of a trusted proxy, else `Host`."""
    sent = headers.get(b"x-forwarded-host")
    peer = None if sent is None else _direct(scope)
    if sent is None or peer is None or not _is_trusted(peer, proxies):
        sent = headers.get(b"host", b"")
    return sent.decode("latin-1").partition(",")[0].strip().lower()


def is_local(scope: Mapping[str, Any], host: str) -> bool:
    """Whether the client speaks to its own machine: then there is no one between, and no certificate."""
    peer, name = _direct(scope), host.partition("]")[0][1:] if host.startswith("[") else host.partition(":")[0]
    named = _address(name)
    return (name == "localhost" or (named is not None and named.is_loopback)) and peer is not None and peer.is_loopback


def _direct(scope: Mapping[str, Any]) -> IPv4Address | IPv6Address | None:
    client = scope.get("client")
    return None if not client else _address(str(client[0]))


def _address(text: str) -> IPv4Address | IPv6Address | None:
    try:
        found = ip_address(text.strip().strip("[]"))
    except ValueError:
        return None
    mapped = found.ipv4_mapped if isinstance(found, IPv6Address) else None
    return mapped or found


def _is_trusted(peer: IPv4Address | IPv6Address, proxies: Sequence[str]) -> bool:
    return any(peer in ip_network(network) for network in proxies)
