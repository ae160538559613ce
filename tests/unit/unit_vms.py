"""Three VMs as one of them has them written down."""

NODES = {f"node{n}": {"external": f"192.168.1.1{n}/24", "management": f"198.18.0.1{n}"} for n in (1, 2, 3)}
CONFIG = {"node": "node1", "nodes": NODES, "outside": {"node": "node3", "external": "192.168.1.5/24"}}
