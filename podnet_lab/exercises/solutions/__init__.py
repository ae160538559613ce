"""
Solutions to all exercises of the lesson, for whoever proves them; nothing that a notebook uses imports this.

Each has right answers, some of them with names of their own, and a wrong one for each mistake that its exercise knows.
"""

from podnet_lab.exercises.solutions import addr, bridge, namespaces, route, services, troubleshooting, veth

SOLUTIONS = (
    namespaces.SOLUTIONS
    | bridge.SOLUTIONS
    | veth.SOLUTIONS
    | addr.SOLUTIONS
    | route.SOLUTIONS
    | services.SOLUTIONS
    | troubleshooting.SOLUTIONS
)
"""By the name of the exercise."""
