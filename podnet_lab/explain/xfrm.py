"""
IPsec policies: whether one blocks a packet, or puts it into another one. Pure.

Source: xfrm_policy_lookup and __xfrm_policy_check in the kernel's net/xfrm/xfrm_policy.c: of the policies whose selector fits, the
one with the lowest priority number holds.
"""

from __future__ import annotations

from ipaddress import IPv4Address

from podnet_lab.explain.routing import PROTOCOLS
from podnet_lab.model.close_look import CloseLook, XfrmPolicy


def blocking_policy(
    look: CloseLook | None, direction: str, source: IPv4Address, to: IPv4Address, protocol: str, dev: str
) -> tuple[str, str]:
    """What blocks a packet in a direction ("in", "fwd" or "out"), in words; and what can't be judged; both "" if nothing does."""
    key = "disable_xfrm" if direction == "out" else "disable_policy"
    if look is None or any(look.setting(f"ipv4/conf/{name}/{key}") for name in ("all", dev)):
        return "", ""
    fitting = [policy for policy in look.policies if _fits(policy, direction, source, to, PROTOCOLS[protocol])]
    least = min((policy.priority for policy in fitting), default=0)
    first = [policy for policy in fitting if policy.priority == least]
    if len({(policy.action, policy.transforms) for policy in first}) > 1:
        return "", "several IPsec policies fit with the same priority, and which holds is not judged"
    policy = first[0] if first else None
    if policy is None:
        return ("what no policy allows is blocked", "") if look.xfrm_default.get(direction) == "block" else ("", "")
    if any(one.other or one.dev for one in fitting):
        return "", "an IPsec policy asks for an interface, ports, a mark or more, which is not judged"
    words = f"src {policy.source} dst {policy.to} action {policy.action}"
    if policy.action == "block":
        return words, ""
    return "", f"an IPsec policy ({words}) transforms packets, which is not followed" if policy.transforms else ""


def _fits(policy: XfrmPolicy, direction: str, source: IPv4Address, to: IPv4Address, protocol: int) -> bool:
    addresses = source in policy.source and to in policy.to
    return policy.direction == direction and addresses and policy.protocol in (0, protocol)
