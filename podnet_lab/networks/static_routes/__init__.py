"""The lesson's own Pod network: a bridge on each node, and a route to each other node's Pods."""
