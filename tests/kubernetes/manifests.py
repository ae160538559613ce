"""What these tests have kubectl apply, and how long they wait for what comes of it."""

import json

from live.helpers import until

PATIENCE = 60
"""Seconds in which what is asked for comes true, on a busy machine."""


def eventually(look):
    """What *look* gives once it is true; a failure if it never is."""
    return until(look, PATIENCE, "what was asked for")


def pod_manifest(name, node, **spec):
    """A Pod that sleeps on one node, as kubectl takes it."""
    container = {"name": "c", "image": "localhost/busybox:1", "imagePullPolicy": "Never", **spec.pop("container", {})}
    fixed = {"nodeName": node, "automountServiceAccountToken": False, "terminationGracePeriodSeconds": 0}
    return json.dumps({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": {**fixed, "containers": [container], **spec}})
