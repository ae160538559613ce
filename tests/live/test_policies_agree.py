"""Random NetworkPolicies: the API's judge, the judge of the rules, and the kernel agree."""

import pytest

from live.policy_agreement import Agreement

OTHERS = [
    pytest.param("calico", range(100, 106), marks=pytest.mark.bird),
    pytest.param("calico", range(106, 166), marks=[pytest.mark.bird, pytest.mark.long]),
    *(pytest.param(network, range(100, 160), marks=pytest.mark.long) for network in ("flannel", "calico-vxlan")),
]
"""Networks beside the lesson's, with the seeds of their cases; each has its own way from node to node."""

pytestmark = [pytest.mark.lab, pytest.mark.nft]


def agree(lab, seeds, nodes=True):
    agreement = Agreement(lab, nodes)
    for seed in seeds:
        agreement.case(seed)
    report = agreement.report
    print(report)
    assert not report.disagree, f"{report}\n" + "\n".join(report.disagree[:5])
    assert not report.unsure, f"{report}\n" + "\n".join(report.unsure[:5])
    assert 0.2 < report.allowed / report.probes < 0.9, f"{report}: what is drawn has to meet both"
    assert report.survived > report.cases / 3
    return report


def test_twenty_cases_agree(wired):
    agree(wired, range(20))


@pytest.mark.parametrize(("network", "cases"), OTHERS)
def test_cases_agree_in_another_network(whole, network, cases):
    """Between Pods: a node sends from its tunnel's address there."""
    try:
        agree(whole, cases, nodes=False)
    finally:
        whole.goto("done")


@pytest.mark.long
def test_a_thousand_cases_agree(wired):
    agree(wired, range(1000, 2000))
