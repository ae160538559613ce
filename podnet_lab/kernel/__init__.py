"""
The one room that speaks to a Linux kernel: netlink, namespaces, sysctls, raw ICMP.

It runs on the node, inside its agent, and imports nothing outside the standard library at start: three
nodes and a host start four interpreters on two cores, and a student waits for them
(docs/decisions/0003-lean-netlink.md).
"""
