"""
vxlan: a tunnel that carries Ethernet frames in UDP packets between hosts.

Which host a frame goes to is looked up in the tunnel's own forwarding table (FDB): MAC to remote address.
"""
