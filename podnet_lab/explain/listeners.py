"""Who waits at the port that is asked for. Pure."""

from __future__ import annotations

from podnet_lab.explain import causes_l3
from podnet_lab.explain.cause import Cause, Place
from podnet_lab.explain.evidence import Evidence
from podnet_lab.explain.flow import Flow
from podnet_lab.model.route_lookup import ANYWHERE


def nobody_listens(evidence: Evidence, place: Place, flow: Flow, iif: str) -> Cause | None:
    """The cause if no socket of a place waits at the port that a flow goes to, which came by *iif*; None also where nobody can look."""
    look = evidence.look(place) if flow.protocol in ("tcp", "udp") and flow.port else None
    if look is None or look.listeners is None:
        return None
    waiting = [listener for listener in look.listeners if (listener.protocol, listener.port) == (flow.protocol, flow.port)]
    if any(listener.address in (flow.to, ANYWHERE) and listener.dev in ("", iif) for listener in waiting):
        return None
    elsewhere = " and ".join(f"{one.address}:{one.port}{f' on {one.dev}' if one.dev else ''}" for one in waiting)
    return causes_l3.nobody_listens(place, flow.protocol, flow.port, elsewhere)
