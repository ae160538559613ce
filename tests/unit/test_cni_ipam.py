"""Addresses in host-local's files: none twice, all that are free, and what is given back comes last."""

import os
import threading
from contextlib import suppress
from ipaddress import IPv4Address

import pytest

pytest.importorskip("fcntl", reason="podnet_lab.cni needs a Unix")

from hypothesis import given
from hypothesis import strategies as st

from podnet_lab.cni.call import Call, CniError
from podnet_lab.cni.ipam import Leases, Pool, pool_of, wanted_address

CONTAINERS = ("a", "b", "c", "d", "e")
subnets = st.sampled_from(["10.0.0.0/30", "10.0.0.0/29", "10.0.0.0/28"])


@st.composite
def ipams(draw):
    pool = pool_of({"ipam": {"subnet": draw(subnets)}})
    hosts = list(map(str, pool.subnet.hosts()))
    start, end = sorted((draw(st.integers(0, len(hosts) - 1)), draw(st.integers(0, len(hosts) - 1))))
    return {"subnet": str(pool.subnet), "rangeStart": hosts[start], "rangeEnd": hosts[end], "gateway": draw(st.sampled_from(hosts))}


@given(ipams(), st.lists(st.tuples(st.sampled_from(["take", "give"]), st.sampled_from(CONTAINERS), st.sampled_from(["eth0", "net1"]))))
def test_no_address_is_given_out_twice_and_none_is_refused_while_one_is_free(tmp_path_factory, ipam, calls):
    pool = pool_of({"ipam": ipam})
    leases, model = Leases("n", str(tmp_path_factory.mktemp("ipam")), pool), {}
    for what, *whose in calls:
        holder = tuple(whose)
        if what == "give":
            leases.give_back(*holder)
            model.pop(holder, None)
        elif holder in model:
            with pytest.raises(CniError, match="already") as refused:
                leases.take(*holder)
            assert refused.value.code == 100
        elif len(model) == leases.total:
            with pytest.raises(CniError, match="no address is left") as refused:
                leases.take(*holder)
            assert refused.value.code == 11
        else:
            taken = leases.take(*holder)
            assert taken.ip in pool
            assert taken.network == pool.subnet
            assert taken.ip not in model.values()
            model[holder] = taken.ip
        assert {tuple(rest): IPv4Address(ip) for ip, *rest in leases.held()} == model
        assert leases.full() == (len(model) >= leases.total)
    assert leases.total == len(list(pool))


def leases(tmp_path, subnet="10.244.1.0/29", **ipam):
    return Leases("n", str(tmp_path), pool_of({"ipam": {"subnet": subnet, **ipam}}))


def taken(given_out, *containers):
    return [str(given_out.take(container, "eth0").ip) for container in containers]


def test_one_that_was_given_back_is_not_given_out_again_at_once(tmp_path):
    given_out = leases(tmp_path)
    assert taken(given_out, "a", "b", "c") == ["10.244.1.2", "10.244.1.3", "10.244.1.4"]
    given_out.give_back("a", "eth0")
    assert taken(given_out, "d", "e", "f") == ["10.244.1.5", "10.244.1.6", "10.244.1.2"]
    with pytest.raises(CniError, match=r"no address is left in 10\.244\.1\.0/29"):
        given_out.take("g", "eth0")


def test_the_files_are_host_locals(tmp_path):
    given_out = leases(tmp_path)
    given_out.take("web", "eth0")
    folder = tmp_path / "n"
    assert (folder / "10.244.1.2").read_bytes() == b"web\r\neth0"
    assert (folder / "last_reserved_ip.0").read_bytes() == b"10.244.1.2"
    assert {path.name: path.stat().st_mode & 0o777 for path in folder.iterdir()}["10.244.1.2"] == 0o600
    (folder / "10.244.1.3").write_bytes(b"db\r\neth0")  # another program's
    (folder / "note").write_text("no address")
    assert given_out.held() == [("10.244.1.2", "web", "eth0"), ("10.244.1.3", "db", "eth0")]
    assert taken(given_out, "x") == ["10.244.1.4"]


def test_a_last_address_that_is_none_of_the_pool_is_passed_over(tmp_path):
    (tmp_path / "n").mkdir()
    for nonsense in ("10.9.9.9", "nonsense", ""):
        (tmp_path / "n" / "last_reserved_ip.0").write_text(nonsense)
        assert taken(leases(tmp_path), "a") == ["10.244.1.2"]
        leases(tmp_path).give_back("a", "eth0")


def test_many_at_once_get_different_addresses(tmp_path):
    given_out, got, start = leases(tmp_path, "10.244.1.0/27"), [], threading.Barrier(24)

    def take(number):
        start.wait()
        got.append(given_out.take(f"pod{number}", "eth0").ip)

    threads = [threading.Thread(target=take, args=[number]) for number in range(24)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(got)) == 24


def test_an_address_that_is_asked_for_is_given_or_refused(tmp_path):
    given_out = leases(tmp_path)
    assert given_out.take("a", "eth0", IPv4Address("10.244.1.5")).ip == IPv4Address("10.244.1.5")
    for wanted, words in (("10.244.1.5", "given out already"), ("10.244.1.1", "is not one"), ("10.9.9.9", "is not one")):
        with pytest.raises(CniError, match=words):
            given_out.take("b", "eth0", IPv4Address(wanted))
    assert [holder for _, holder, _ in given_out.held()] == ["a"]


@pytest.mark.parametrize(
    ("config", "args", "wanted"),
    [
        ({}, {}, None),
        ({}, {"IP": "10.244.1.9"}, "10.244.1.9"),
        ({"runtimeConfig": {"ips": ["10.244.1.8/24"]}}, {"IP": "10.244.1.9"}, "10.244.1.8"),
    ],
)
def test_where_a_runtime_says_which_address_it_wants(config, args, wanted):
    assert wanted_address(Call("ADD", config, args=args)) == (wanted and IPv4Address(wanted))


@pytest.mark.parametrize(("config", "code"), [({"runtimeConfig": {"ips": ["x"]}}, 7), ({}, 4)])
def test_an_address_that_is_none_is_refused(config, code):
    with pytest.raises(CniError, match="is no IPv4 address") as refused:
        wanted_address(Call("ADD", config, args={"IP": "x"}))
    assert refused.value.code == code


def test_a_disk_without_room_leaves_no_address_of_nobodys(tmp_path, monkeypatch):
    given_out = leases(tmp_path)
    (tmp_path / "n" / "last_reserved_ip.0").mkdir(parents=True)  # it can't be written
    with suppress(OSError):
        given_out.take("a", "eth0")
    assert given_out.held() == []


def test_one_range_may_be_written_as_ranges():
    pool = pool_of({"ipam": {"ranges": [[{"subnet": "10.244.1.0/24", "rangeStart": "10.244.1.128"}]]}})
    assert isinstance(pool, Pool)
    assert (str(pool.first), str(pool.last), str(pool.gateway)) == ("10.244.1.128", "10.244.1.254", "10.244.1.1")


@pytest.mark.parametrize("length", [4089, 4090, 4091, 8192, 131_000])
def test_a_container_may_have_a_long_id(tmp_path, length):
    given_out = leases(tmp_path)
    given_out.take("a" * length, "eth0")
    assert given_out.held() == [("10.244.1.2", "a" * length, "eth0")]
    given_out.give_back("a" * length, "eth0")
    assert given_out.held() == []


def test_a_pipe_in_the_place_of_the_last_address_is_an_error_that_holds_nobody(tmp_path):
    given = leases(tmp_path)
    given.take("a", "eth0")
    last = tmp_path / "n" / "last_reserved_ip.0"
    last.unlink()
    os.mkfifo(last)
    with pytest.raises(OSError, match="No such device or address"):
        given.take("b", "eth0")
    assert [container for _, container, _ in given.held()] == ["a"]
