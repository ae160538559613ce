"""Solutions to the exercises of notebook 13."""

from __future__ import annotations

import re

from podnet_lab.cni.installation import BIN, PROGRAM
from podnet_lab.exercises.kubernetes_exercises import ABSENT, EXERCISES, FOLDER, MINE, OLD, PLUGIN
from podnet_lab.exercises.solution import Solution

_IPAM = '{"subnet": "10.244.1.0/24", "rangeStart": "10.244.1.128"}'
_OWN = (
    f"cat > {FOLDER}/00-own.conflist <<'EOF'\n"
    f'{{"cniVersion": "1.0.0", "name": "own", "plugins": [{{"type": "{PROGRAM}", "network": "static_routes", "bridge": "v-net-0", '
    f'"ipam": {_IPAM}}}]}}\nEOF'
)
_WITHOUT_THE_ABSENT = f"sed -i '/{ABSENT}/d; s/}}}},$/}}}}/' {MINE}"


def _as_hinted(name: str) -> dict[str, str]:
    """What the third hint has one type."""
    exercise = next(one for one in EXERCISES if one.name == name)
    return {"node1": "\n".join(re.findall("`([^`]+)`", exercise.hints[2]))}


SOLUTIONS = {
    "kubernetes-1": Solution(
        right={"the third hint": _as_hinted("kubernetes-1"), "a list of one's own before the others": {"node1": _OWN}},
        wrong={"the neighbour's addresses": {"node1": f"rm {OLD}"}},
    ),
    "kubernetes-2": Solution(
        right={
            "the third hint": _as_hinted("kubernetes-2"),
            "a list of one's own before the others": {"node1": _OWN},
            "another program of that name": {"node1": f"install -m 755 {BIN}/{PROGRAM} {BIN}/{PLUGIN}; {_WITHOUT_THE_ABSENT}"},
        },
        wrong={"the first alone": {"node1": f"chmod +x {BIN}/{PLUGIN}"}},
    ),
}
