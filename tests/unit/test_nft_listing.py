"""What an agent makes of a listing: as nft prints it, put together where a table has flags, or the reason why it can't be read."""

import json
from subprocess import CompletedProcess

import pytest

from podnet_lab.kernel import nft_listing, nft_program, unmanaged_state
from podnet_lab.kernel.programs import Missing
from podnet_lab.model.decode import rules_read

PLAIN, FLAGGED = {("ip", "t"): []}, {("ip", "t"): ["dormant"], ("inet", "u"): []}


def entries(*listed):
    return json.dumps({"nftables": [{"metainfo": {}}, *listed]})


CHAIN = {"chain": {"family": "ip", "table": "t", "name": "c", "handle": 1}}
OTHER = {"chain": {"family": "ip", "table": "another", "name": "c", "handle": 1}}
RULE = {"rule": {"family": "ip", "table": "t", "chain": "c", "handle": 2, "expr": [{"drop": None}]}}
MAP = {"map": {"family": "ip", "table": "t", "name": "m", "handle": 3, "type": "mark", "map": "verdict"}}
TABLE = {"table": {"family": "inet", "name": "u", "handle": 4}}


def answers(words, given):
    """As `nft -j` does, which must not be asked for a table with flags."""
    assert words[:2] == ("nft", "-j")
    asked = json.loads(given)["nftables"][0]["list"] if given else words[-1]
    match asked:
        case "chains":
            return entries(OTHER, CHAIN)
        case "maps":
            return entries(MAP)
        case {"chain": {"family": "ip", "table": "t", "name": "c"}}:
            return entries(CHAIN, RULE)
        case {"table": {"family": "inet", "name": "u"}}:
            return entries(TABLE)
        case str():
            return entries()
    raise AssertionError(asked)


@pytest.fixture
def nft(monkeypatch):
    """Says what nft answers: a function of its words and its input, a text, a CompletedProcess, or an error."""

    def answer(how):
        def run(*words, given=None):
            if isinstance(how, BaseException):
                raise how
            if isinstance(how, CompletedProcess):
                return how
            return CompletedProcess(words, 0, how if isinstance(how, str) else how(words, given), "")

        monkeypatch.setattr(nft_listing, "run", run)

    return answer


def test_a_table_with_flags_is_put_together(nft):
    nft(answers)
    assert json.loads(nft_listing.listing(FLAGGED))["nftables"] == [
        {"table": {"family": "ip", "name": "t", "flags": ["dormant"]}},
        MAP,
        CHAIN,
        RULE,
        TABLE,
    ]


def test_without_flags_nft_is_asked_once(nft):
    nft("as it is")
    assert nft_listing.listing(PLAIN) == "as it is"


FAILURES = {
    "ends itself": (
        CompletedProcess((), -6, "", "nft: json.c:1: Assertion failed.\n"),
        PLAIN,
        "is not known: nft: json.c:1: Assertion failed",
    ),
    "ends without a word": (CompletedProcess((), -11, "", ""), PLAIN, "nft ended with -11, and without a word"),
    "prints a part": ('{"nftables": [{"table": {"flags": \n', FLAGGED, "what it lists is no JSON of nft's (Expecting value"),
    "prints something else": ("[1]", FLAGGED, "what it lists is no JSON of nft's"),
    "prints a part where nobody looks": ('{"nftables": [', PLAIN, "nft lists something that podnet_lab can't read (JSONDecodeError"),
    "is not there": (Missing("nft"), PLAIN, "nft is not installed here"),
    "does not end": (OSError(110, "nft did not end within 60 seconds"), PLAIN, "nft did not end within 60 seconds"),
}


@pytest.mark.parametrize("what", FAILURES)
def test_what_can_not_be_read_is_a_problem_in_words(nft, monkeypatch, what):
    how, flags, words = FAILURES[what]
    nft(how)
    monkeypatch.setattr(unmanaged_state, "table_flags", lambda: flags)
    monkeypatch.setattr(nft_program, "generation", lambda: 7)
    read = nft_program.read(0)
    assert read["generation"] == 7
    assert words in rules_read(read).problem


def test_a_ruleset_that_never_rests_is_read_no_more_than_a_few_times(nft, monkeypatch):
    numbers = iter(range(100))
    nft(entries())
    monkeypatch.setattr(unmanaged_state, "table_flags", lambda: PLAIN)
    monkeypatch.setattr(nft_program, "generation", lambda: next(numbers))
    assert nft_program.read(-1)["problem"] == "it changes faster than it can be read"
    assert next(numbers) == 2 * nft_program.MOST_READS
