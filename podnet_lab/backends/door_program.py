"""What forks agents into a running lab's nodes: ``python -m podnet_lab.backends.door_program AT open|guarded``."""

from __future__ import annotations

import sys

from execnet import gateway_base

from podnet_lab.kernel import entered_agent


def serve() -> None:
    """Speak execnet's protocol on input and output, until nobody hears it."""
    model = gateway_base.get_execmodel("thread")
    gateway_base.serve(gateway_base.init_popen_io(model), id="entered-worker")


if __name__ == "__main__":
    entered_agent.bring_agents(int(sys.argv[1]), sys.argv[2] == "guarded", serve)
