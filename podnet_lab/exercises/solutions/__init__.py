"""
Solutions to all exercises of the lesson, for whoever proves them; nothing that a notebook uses imports this.

Each has right answers, some of them with names of their own, and a wrong one for each mistake that its exercise knows.
"""

from podnet_lab.exercises.solutions import (
    addr_solutions,
    bridge_solutions,
    calico_solutions,
    cni_solutions,
    flannel_solutions,
    kubernetes_solutions,
    namespaces_solutions,
    policy_solutions,
    route_solutions,
    services_solutions,
    troubleshooting_solutions,
    veth_solutions,
)

SOLUTIONS = (
    namespaces_solutions.SOLUTIONS
    | bridge_solutions.SOLUTIONS
    | veth_solutions.SOLUTIONS
    | addr_solutions.SOLUTIONS
    | route_solutions.SOLUTIONS
    | services_solutions.SOLUTIONS
    | troubleshooting_solutions.SOLUTIONS
    | flannel_solutions.SOLUTIONS
    | calico_solutions.SOLUTIONS
    | cni_solutions.SOLUTIONS
    | kubernetes_solutions.SOLUTIONS
    | policy_solutions.SOLUTIONS
)
"""By the name of the exercise."""
