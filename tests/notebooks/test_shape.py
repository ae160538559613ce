"""What every notebook of the lesson is like, and that all of the source is in them."""

import json
import re
from pathlib import Path

import pytest

from podnet_lab.networks.flannel import names
from podnet_lab.plan import plan

FOLDER = Path(__file__).parents[2] / "notebooks"
BOOKS = sorted(FOLDER.glob("*.ipynb"))

SOURCE = """
After having configured our master and worker nodes and their networking,
our Kubernetes cluster is soon going to have a large number of Pods and services running on it.
How are the Pods addressed?
How do they communicate with each other?
How do you access the services running on these Pods internally from within the cluster, as well as externally from outside the cluster?
Kubernetes does not come with a built-in solution for this.
It expects you to implement a networking solution that solves these challenges.
every Pod to get its own unique IP address,
every Pod should be able to reach every other Pod within the same node using that IP address.
every Pod should be able to reach every other Pod on other nodes as well, using the same IP address.
It doesn't care what IP address that is and what range or subnet it belongs to.
As long as you can implement a solution that takes care of automatically assigning IP addresses
and establish connectivity between the Pods in a node as well as parts on different nodes,
you're good, without having to configure any net rules.
Weave works, Flannel, Cilium, VMware NSX, Calico
let us understand how to manage them manually.
Let us assume, we have a three node cluster. It doesn't matter which one is master or worker.
As far as networking is concerned, we're going to consider all of them as the same.
The nodes are part of an external network, and has IP addresses in the 192.168.1. series.
Node one is assigned 11, node two is 12, and node three is 13.
when containers are created, Kubernetes creates network namespaces for them.
To enable communication between them, we attach these namespaces to a network. But what network?
We've learned about bridge networks that can be created within nodes to attach namespaces.
So we create a bridge network on each node and then bring them up.
It's time to assign an IP address to the bridge interfaces, or networks. But what IP address?
We decide that each bridge network will be on its own subnet.
Choose any private address range, say, 10.244.1, 10.244.2, and 10.244.3.
we set the IP address for the bridge interface.
To attach a container to the network we need a pipe, or virtual network cable. We create that using the ip link add command.
We then attach one end to the container, and another end to the bridge using
We then assign IP address using the ip addr command and add a route to the default gateway.
# ip -n <namepace> addr add ...
# ip -n <namepace> route add ...
we will assume the IP address of the container on the node1 as 10.244.1.2
""".strip().splitlines()
"""Every sentence of the source page that states a requirement or a step."""

WHERE = {
    "we attach these namespaces to a network": "02",
    "veth": "03",
    "To attach a container to the network we need a pipe": "03",
    "10.244.1.2": "04",
    "# ip -n <namepace> route add ...": "05",
}


def cells(book):
    return json.loads(book.read_text())["cells"]


def code(book):
    return [cell for cell in cells(book) if cell["cell_type"] == "code"]


def plain(text):
    """Words alone, without Markdown's marks and lines."""
    return " ".join(re.sub(r"[<>*`+]|\n", " ", text).split())


def typed_macs(book):
    """MACs that the notebook itself gives."""
    return set(re.findall(r"(?:[0-9a-f]{2}:){5}[0-9a-f]{2}", "".join("".join(cell["source"]) for cell in cells(book))))


def words(book):
    return plain("\n".join("".join(cell["source"]) for cell in cells(book) if cell["cell_type"] == "markdown"))


def test_there_is_a_notebook_for_each_stage_and_each_other_network_two_about_plugins_and_one_about_policies():
    assert [book.name[:2] for book in BOOKS] == ["00", "01", "02", "03", "04", "05", "06", "07", "08", "09", "10", "11", "12", "13", "14"]


@pytest.mark.parametrize("sentence", SOURCE)
def test_a_sentence_of_the_source_stands_in_a_notebook(sentence):
    assert [book.name for book in BOOKS if plain(sentence) in words(book)]


@pytest.mark.parametrize(("words_of_it", "number"), WHERE.items())
def test_a_step_of_the_source_stands_where_it_is_done(words_of_it, number):
    (book,) = [book for book in BOOKS if book.name.startswith(number)]

    assert plain(words_of_it) in words(book)


@pytest.mark.parametrize("book", BOOKS, ids=lambda book: book.stem)
def test_a_notebook_brings_itself_to_its_stage_before_anything_else(book):
    opening = next(cell for cell in code(book) if "Lab.open(" in "".join(cell["source"]))
    before = code(book)[: code(book).index(opening)]

    assert "lab.goto(" in "".join(opening["source"])
    assert not any("lab" in re.sub(r"podnet_lab|Lab", "", "".join(cell["source"])) for cell in before)


@pytest.mark.parametrize("book", BOOKS, ids=lambda book: book.stem)
def test_a_cell_is_short_enough_to_be_read(book):
    """But for a program that is written there as a text: it is read line by line."""
    long = [source for cell in code(book) if len((source := "".join(cell["source"]).strip()).splitlines()) > 7]
    long = [source for source in long if not re.fullmatch(r'\w+ \+?= """\n.*\n"""', source, re.DOTALL)]

    assert long == []


@pytest.mark.parametrize("book", BOOKS[1:6], ids=lambda book: book.stem)
def test_a_stage_is_short_enough_to_be_gone_through_at_once(book):
    assert len(cells(book)) <= 45


def test_what_an_exercise_is_stands_in_the_first_notebook_that_has_one_and_the_others_refer_to_it():
    with_exercises = [book for book in BOOKS if any("".join(cell["source"]).startswith("task = lab.exercise(") for cell in code(book))]
    said = [book for book in with_exercises if "brings the lab to the start of an exercise" in words(book)]
    referred = [book for book in with_exercises if f"({said[0].name}#Exercises)" in words(book)]

    assert (said, referred) == (with_exercises[:1], with_exercises[1:])


@pytest.mark.parametrize("book", BOOKS, ids=lambda book: book.stem)
def test_a_notebook_asks_for_predictions_and_has_both_ways_of_doing_it(book):
    sources = ["".join(cell["source"]) for cell in code(book)]

    assert words(book).count("Predict:") >= 4
    assert any(source.startswith("%%node") for source in sources)
    assert any("node1.run(" in source for source in sources) or book.stem == "00_the_plan"


@pytest.mark.parametrize("book", BOOKS[1:], ids=lambda book: book.stem)
def test_a_notebook_breaks_something_and_mends_it(book):
    assert "## Break it" in "\n".join("".join(cell["source"]) for cell in cells(book))


@pytest.mark.parametrize("book", BOOKS, ids=lambda book: book.stem)
def test_stored_outputs_hold_nothing_of_the_machine_they_were_made_on(book):
    stored = json.dumps([cell["outputs"] for cell in code(book)])

    assert not re.findall(r"/(?:root|home|tmp|work)/|0x[0-9a-f]{8,}", stored)
    assert set(re.findall(r"(?:[0-9a-f]{2}:){5}[0-9a-f]{2}", stored)) <= typed_macs(book) | {
        names.tunnel_mac(node) for node in plan().nodes
    }


@pytest.mark.parametrize("book", BOOKS, ids=lambda book: book.stem)
def test_an_unexpected_error_is_never_stored(book):
    for cell in code(book):
        errors = [out for out in cell["outputs"] if out["output_type"] == "error"]

        assert bool(errors) == ("raises-exception" in cell["metadata"].get("tags", []))
