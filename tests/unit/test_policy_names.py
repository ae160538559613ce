"""How long the name of a NetworkPolicy may be, since nftables' names are made of it."""

import pytest
from test_policies import WIRED

from podnet_lab import policies
from podnet_lab.errors import BadInput
from podnet_lab.lab.network_policies import policy_cluster

TO_BLOCK = "ingress: [{from: [{ipBlock: {cidr: 10.0.0.0/8, except: [10.1.0.0/16, 10.3.0.0/16]}}]}]"


@pytest.mark.parametrize(
    ("rules", "most", "longest"),
    [
        ("ingress: [{}]", 200 - len("ingress-default/"), "ingress-default/a*$"),
        ("policyTypes: [Egress]", 200 - len("egress-default/"), "egress-default/a*$"),
        ("ingress: [{from: [{podSelector: {}}]}]", 200 - len("ingress-default//0"), "ingress-default/a*/0$"),
        (TO_BLOCK, 200 - len("ingress-default//0/except-0"), "ingress-default/a*/0/except-0$"),
    ],
)
def test_a_name_that_is_too_long_is_named_with_what_works(rules, most, longest):
    def compiled(name):
        document = (
            f"{{apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: {{name: {name}}}, spec: {{podSelector: {{}}, {rules}}}}}"
        )
        return policies.compiled(policy_cluster(WIRED, policies.load(document)))

    assert compiled("a" * most)
    words = rf"^NetworkPolicy default/a*: metadata\.name: {most + 1} letters are too long, at most {most} work here: .* {longest}"
    with pytest.raises(BadInput, match=words):
        compiled("a" * (most + 1))
