"""Steps read from text: what notebooks write is a step, and nothing else is run."""

import inspect
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from podnet_lab import address, bridge, forwarding, link, nft, route, statements, veth
from podnet_lab.cli import step_parser
from podnet_lab.errors import BadInput
from podnet_lab.steps.base import Step

GOOD = {
    'bridge.add("v-net-0")': bridge.add("v-net-0"),
    " link.up( 'v-net-0' ) ": link.up("v-net-0"),
    'address.add("10.244.1.1/24", dev="v-net-0")': address.add("10.244.1.1/24", dev="v-net-0"),
    'route.add("default", via="10.244.1.1", namespace="pod-1-2")': route.add("default", via="10.244.1.1", namespace="pod-1-2"),
    'forwarding.setting("all", "rp_filter", 2)': forwarding.setting("all", "rp_filter", 2),
    "forwarding.on()": forwarding.on(),
    'link.change("veth-1-2", namespace="pod-1-2", mtu=1400, arp=False)': link.change("veth-1-2", namespace="pod-1-2", mtu=1400, arp=False),
    'veth.move("veth-1-2", to=None, namespace="pod-1-2")': veth.move("veth-1-2", to=None, namespace="pod-1-2"),
    'nft.rule("services", statements.masquerade())': nft.rule("services", statements.masquerade()),
    'nft.set_rules("a", [[statements.mark()], [statements.jump("b")]])': nft.set_rules("a", [[statements.mark()], [statements.jump("b")]]),
}


@pytest.mark.parametrize("text", GOOD)
def test_a_step_as_notebooks_write_it(text):
    assert step_parser.read(text) == (None, [GOOD[text]])
    assert step_parser.read(f"node1: {text}") == step_parser.read(f"node1:{text}") == ("node1", [GOOD[text]])
    assert step_parser.read(f'lab["node2"].run({text})') == step_parser.read(f"node2.run({text})") == ("node2", [GOOD[text]])


def test_several_in_one_run():
    text = 'node1.run(bridge.add("v-net-0"), link.up("v-net-0"))'
    assert step_parser.read(text) == ("node1", [bridge.add("v-net-0"), link.up("v-net-0")])


def test_every_public_step_function_can_be_called_and_nothing_else():
    found = step_parser.functions()
    assert {"namespace.add", "veth.plug", "neighbour.add", "route.blackhole", "nft.table", "forwarding.off"} <= set(found)
    assert not [name for name, one in found.items() if name.partition(".")[2].startswith("_") or not inspect.isfunction(one)]
    assert not {"address.interface_address", "link.quote", "veth.replace", "nft.nft_name", "statements.text"} & set(found)
    for name, one in found.items():
        assert one.__doc__, name
        assert "By hand" in one.__doc__ or name == "nft.transaction", f"{name} is a step"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('brige.add("x")', "did you mean bridge.add"),
        ('bridge.ad("x")', "did you mean bridge.add"),
        ('bridge.xyzzy("x")', "there are bridge.hairpin, bridge.add, bridge.remove"),
        ('spam("x")', "there are steps of namespace, link, bridge"),
        ("bridge.add(v-net-0)", r"'v - net - 0' is no plain value.*needs quotes"),
        ("bridge.add()", r"missing a required argument: 'name'; it is bridge.add\(name\)"),
        ('bridge.add("x", "y")', "too many positional arguments"),
        ('route.add("default", vai="10.0.0.1")', r"unexpected keyword argument 'vai'; it is route.add\(to, via=None"),
        ('bridge.add("a name of more than 15")', "interface's name"),
        ("bridge.add(3)", "needs a name|can't be"),
        ("link.change('a', mtu='x')", "an MTU is"),
        ("", "a step is missing"),
        ("node1:", "a step is missing"),
        ("bridge.add('x'", "is no step"),
        ("bridge.add('x'); link.up('x')", "is no step"),
        ("import os", "is no step"),
        ("bridge", "a step is a call"),
        ("3", "a step is a call"),
        ("(lambda: 1)()", "no step is called"),
        ("node1.run(3)", "a step is a call"),
        ("node1.run(node2.run(bridge.add('x')))", "no step is called 'node2.run'"),
        ("open('x').run(bridge.add('x'))", "is no node"),
        ("lab[0].run(bridge.add('x'))", "is no node"),
        ("bridge.add(**{'name': 'x'})", "one by one"),
        ("bridge.add(*['x'])", "no plain value"),
        ("bridge.add(f'{1}')", "no plain value"),
        ("bridge.add(open('x'))", "no step is called 'open'"),
        ("bridge.add('x'.upper())", "no step is called"),
        ("bridge.add('x' * 10**9)", "no plain value"),
        ("bridge.add.__globals__['os'].system('id')", "no step is called"),
        ("bridge.AddBridge('x')", "no step is called"),
        ("nft.rule('a', statements.__builtins__)", "no plain value"),
        ("statements.masquerade()", "no step is called"),
        ("IPv4Address('10.0.0.1')", "no step is called"),
        ("x" * 20_000, "at most 10000 characters"),
        ("(" * 500 + ")" * 500, "is no step"),
    ],
)
def test_what_is_no_step_is_told_why(text, words):
    with pytest.raises(BadInput, match=words):
        step_parser.read(text)


def test_nothing_that_is_read_is_run(tmp_path):
    """What `eval` would have done, in every place where a text can have an expression."""
    trap = f"__import__('os').mkdir({str(tmp_path / 'trap')!r})"
    for text in (trap, f"{trap}.run(bridge.add('x'))", f"bridge.add({trap})", f"nft.set_rules('a', [[{trap}]])", f"lab[{trap}].run()"):
        with pytest.raises(BadInput):
            step_parser.read(text)
    assert os.listdir(tmp_path) == []


@given(st.text(max_size=60) | st.from_regex(r"[a-z.]{1,9}\([\"'a-z0-9,=\[\]()]{0,20}\)", fullmatch=True))
def test_any_text_is_steps_or_bad_input(text):
    try:
        _, steps = step_parser.read(text)
    except BadInput:
        return
    assert all(isinstance(one, Step) for one in steps)
