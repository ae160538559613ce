"""Calico's Pod network: no bridge at all; a route to each Pod, and routes to other nodes' Pods by BGP, or through a tunnel."""
