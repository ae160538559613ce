"""
macvlan: an interface with a MAC of its own on a wire that another interface is at already.

What the lower interface hears for that MAC is handed up; in mode "bridge" those on one lower interface also hear each other,
and none of them hears the lower interface's own node (drivers/net/macvlan.c).
"""
