"""Flannel's Pod network: a bridge on each node, and a tunnel, or a route, to each other node's Pods."""
