"""Solutions to the exercises of notebook 7."""

from podnet_lab.exercises.solution import Solution


def _chain(name: str, hook: str, priority: int) -> str:
    return f"nft 'add chain ip mine {name} {{ type nat hook {hook} priority {priority} ; }}'"


_BASE = "nft add table ip mine"
_TO = "nft add rule ip mine {} ip daddr 10.96.0.50 tcp dport 80 dnat to {}"
_PRE, _POST = _chain("pre", "prerouting", -100), _chain("post", "postrouting", 100)

SOLUTIONS = {
    "services-1": Solution(
        right={"by hand": {"node1": f"{_BASE}; {_PRE}; {_TO.format('pre', '10.244.2.2:8080')}"}},
        wrong={
            "at the hook output": {"node1": f"{_BASE}; {_chain('out', 'output', -100)}; {_TO.format('out', '10.244.2.2:8080')}"},
            "to the wrong port": {"node1": f"{_BASE}; {_PRE}; {_TO.format('pre', '10.244.2.2')}"},
            "the caller is translated, too": {
                "node1": f"{_BASE}; {_PRE}; {_TO.format('pre', '10.244.2.2:8080')}; {_POST}; nft add rule ip mine post masquerade"
            },
        },
    ),
    "services-2": Solution(
        right={
            "what was translated": {
                "node1": f"{_POST}; nft add rule ip mine post ip saddr 10.244.1.0/24 ip daddr 10.244.1.0/24 ct status dnat masquerade"
            },
            "by the original destination": {"node1": f"{_POST}; nft add rule ip mine post ct original ip daddr 10.96.0.60 masquerade"},
        },
        wrong={
            "everything is translated": {"node1": f"{_POST}; nft add rule ip mine post masquerade"},
            "the rule fits other packets": {"node1": f"{_POST}; nft add rule ip mine post ip daddr 10.96.0.60 masquerade"},
        },
    ),
}
