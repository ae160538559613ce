"""What a benchmark's run becomes: tables, plots, and the page, which says what the stored run says."""

import json
from statistics import median

import pytest

from bench import growth, networks, page, tables
from bench.aims import BATCHED, BUILT, VERIFIED
from podnet_lab.networks import registry
from podnet_lab.plan import MAX_PODS

STREAMS = {"one node": 20e9, "across nodes": 12.34e9}


def figures(name):
    found = {tables.network_figure(name, BUILT): 400.4, tables.network_figure(name, VERIFIED): 300.0}
    found |= {tables.network_figure(name, tables.WHOLE): 1.234, tables.network_figure(name, tables.WIRE): 148}
    for where, bits in STREAMS.items():
        found[tables.network_figure(name, tables.STREAM, where)] = bits
        found[tables.network_figure(name, tables.MEDIAN, where)] = 20.4e-6
        found[tables.network_figure(name, tables.P99, where)] = 99e-6
    return found


def test_every_network_has_a_row_and_the_generator_is_the_last():
    generator = {name: value for name, value in figures(tables.GENERATOR).items() if "one node" in name}
    found = generator | {name: value for network in registry.names() for name, value in figures(network).items()}
    wired, traffic = tables.networks(found).split("\n\n")
    assert [line.split(" | ")[0].strip("| ") for line in wired.splitlines()[2:]] == list(registry.names())
    assert "| flannel | 400 | 300 | 1.23 s |" in wired
    assert "| flannel | 20.0 Gbit/s | 20 µs, p99 99 µs | 12.3 Gbit/s | 20 µs, p99 99 µs | 148 |" in traffic
    assert traffic.splitlines()[-1] == "| (one Pod, over lo) | 20.0 Gbit/s | 20 µs, p99 99 µs | | | |"
    assert {line.count("|") for line in traffic.splitlines()} == {7}


def test_what_was_not_measured_is_an_empty_cell_or_no_table():
    assert tables.networks({}) == tables.growth({}) == ""
    assert "| calico | 5 | | |" in tables.networks({tables.network_figure("calico", BUILT): 5})


def test_growth_is_told_by_the_pod():
    found = {tables.growth_figure(3, 20, who): seconds for who, seconds in ((BATCHED, 0.03), (BUILT, 0.09), (VERIFIED, 0.12))}
    assert tables.growth(found).splitlines()[2] == "| 3 | 20 | 60 | 0.50 ms | 1.50 ms | 2.00 ms |"
    assert tables.growth_costs(found) == pytest.approx({"3 × 20 Pods": 2.0})
    assert (1, MAX_PODS) in growth.SIZES
    assert growth.size("10x20") == (10, 20)
    with pytest.raises(ValueError, match="invalid literal"):
        growth.size("10")


def test_figures_with_a_table_of_their_own_are_in_no_other():
    found = {**figures("flannel"), tables.growth_figure(3, 20, BUILT): 1.0, "open": 0.25}
    assert tables.medians(found).splitlines()[2:] == ["| open | 0.250 s |"]


def test_a_rate_is_what_arrived_in_the_time_it_took():
    assert networks.rate('{"bytes": 1000, "seconds": 0.5}\n') == 16000


def test_the_page_says_what_the_stored_run_says():
    run = json.loads((page.FOLDER / "bench.json").read_text())
    found = {name: median(values) for name, values in run["rounds"].items()}
    text = page.PAGE.read_text()
    made = page.parts(found, run["machine"])
    assert page.filled(text, made) == text, "python -m bench.page"
    assert all(text.count(f"<!-- made: {name} -->") == 1 for name in made)
    for name, chart in page.charts(found).items():
        assert not chart.values or (page.FOLDER / name).read_text() == chart.svg


def test_a_part_of_the_page_is_replaced_and_nothing_else():
    text = "Before.\n\n<!-- made: growth -->\n\nold\n\n<!-- end -->\n\nAfter."
    assert page.filled(text, {"growth": "| new |"}) == text.replace("old", "| new |")
    assert page.filled(text, {"growth": ""}) == text.replace("old", page.NONE)
    with pytest.raises(KeyError):
        page.filled(text, {"medians": ""})
