"""A Service for the first Pod of each node."""

from podnet_lab import service

ENDPOINTS = ["10.244.1.2:8080", "10.244.2.2:8080", "10.244.3.2:8080"]
WEB = service("web", "10.96.0.20", 80, ENDPOINTS, node_port=30080)
AT, NODE_PORT = "10.96.0.20:80", "192.168.1.{}:30080"
PEOPLE = ("pod-1-2", "pod-2-2", "pod-3-2")
