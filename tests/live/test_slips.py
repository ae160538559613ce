"""What somebody types by mistake, or in the wrong moment, is told in words that he knows."""

import pytest

from live.helpers import podnet
from podnet_lab import Lab
from podnet_lab.backends import running_labs
from podnet_lab.backends.joined import JoinedNetns
from podnet_lab.errors import NoLab


@pytest.mark.parametrize("words", [("ipp link",), ("ipp", "link")])
def test_a_command_that_there_is_not_is_told_as_bash_does(running, words):
    done = podnet("shell", "node1", *words)
    assert (done.returncode, done.stdout) == (127, "")
    assert done.stderr.endswith(": ipp: command not found\n")
    assert podnet("shell", "node1", "echo", "a  b", "$HOME", "*").stdout == "a  b $HOME *\n"


def test_a_lab_that_has_just_ended_is_told_as_such(capfd):
    """Whoever joins it in that moment hears one sentence, whatever it met."""
    with Lab.open(nodes=2, name="ending", where="namespaces") as ending:
        entry = next(one for one in running_labs.labs() if one.name == "ending")
        raw, pids = running_labs.baseline(entry), running_labs.host_pids(entry.nodes)
        ending.close()
        with pytest.raises(NoLab, match=r"could not be joined: it ended this moment$"):
            JoinedNetns(entry, raw, pids)
    assert capfd.readouterr().err == ""


def test_a_node_is_not_an_attribute(lab):
    with pytest.raises(AttributeError, match=r"a lab has no .node1.: it is lab\[.node1.\]"):
        lab.node1  # noqa: B018
