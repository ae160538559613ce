"""Kubernetes' programs: which version is given what, where they are found, how they are fetched and built."""

import functools
import hashlib
import http.server
import shutil
import threading
from pathlib import Path

import pytest

from podnet_lab.errors import BadInput, CannotRun
from podnet_lab.kubernetes import binaries, build, fetch
from podnet_lab.kubernetes.versions import Version, flags, settings

OLD, NEW = Version(1, 20, 2), Version(1, 34, 1)


@pytest.fixture(autouse=True)
def caches(tmp_path, monkeypatch):
    """A cache of this test's own, and nobody else's."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(binaries, "EVERYBODYS", tmp_path / "everybodys")
    monkeypatch.delenv(binaries.VARIABLE, raising=False)
    return tmp_path / "cache/podnet-lab/kubernetes"


def fill(folder, version="v1.20.2", leave_out=()):
    folder.mkdir(parents=True, exist_ok=True)
    for name in set(binaries.PROGRAMS) - set(leave_out):
        (folder / name).write_text(f"#!/bin/sh\necho Kubernetes {version}\n")
        (folder / name).chmod(0o755)
    return folder


# Versions


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("1.20.2", "1.20.2"),
        ("v1.34.1", "1.34.1"),
        ("1.33", "1.33.0"),
        ("Kubernetes v1.20.2\n", "1.20.2"),
        ("Kubernetes v1.31.0-rc.1+k3s1", "1.31.0"),
    ],
)
def test_a_version_is_read_as_it_is_written(written, read):
    assert str(Version.read(written)) == read


@pytest.mark.parametrize("written", ["", "latest", "1", "x1.2.3", "1.2.3.4", None, "1.2/../../x"])
def test_what_is_no_version_is_bad_input(written):
    with pytest.raises(BadInput, match="is no version of Kubernetes"):
        Version.read(written)


def test_what_was_tried_is_said():
    assert OLD.tried
    assert not NEW.tried
    assert NEW > OLD


def test_the_table_knows_what_came_and_what_went():
    values = {"endpoint": "unix:///e", "pause": "p:1"}
    old, new = (flags("kubelet", version, **values) for version in (OLD, NEW))
    assert old == ("--container-runtime=remote", "--container-runtime-endpoint=unix:///e", "--pod-infra-container-image=p:1")
    assert new == ()
    assert settings(OLD, **values) == {}
    assert settings(NEW, **values) == {
        "containerRuntimeEndpoint": "unix:///e",
        "featureGates": {"KubeletInUserNamespace": True},
        "localStorageCapacityIsolation": False,
        "failCgroupV1": False,
    }
    assert settings(Version(1, 26), **values).keys() == {"featureGates", "localStorageCapacityIsolation"}
    for program in ("kube-scheduler", "kube-controller-manager"):
        assert [flags(program, Version(1, minor)) for minor in (22, 23)] == [("--port=0",), ()]


# Where programs are


def test_a_folder_that_is_named_is_taken_and_asked_its_version(tmp_path):
    folder = fill(tmp_path / "mine", "v1.31.4")
    found = binaries.find(folder)
    assert (str(found.version), found.path("kubelet")) == ("1.31.4", f"{folder}/kubelet")
    assert str(found) == f"Kubernetes 1.31.4 in {folder}"


def test_a_folder_that_lacks_some_says_which(tmp_path):
    with pytest.raises(BadInput, match="has no kubelet that can be run"):
        binaries.find(fill(tmp_path / "mine", leave_out=["kubelet"]))
    folder = fill(tmp_path / "other")
    (folder / "kube-proxy").chmod(0o644)
    with pytest.raises(BadInput, match="has no kube-proxy that can be run"):
        binaries.find(folder)
    (fill(folder) / "kube-apiserver").write_text("#!/bin/sh\nexit 1\n")
    with pytest.raises(BadInput, match="does not say its version"):
        binaries.find(folder)


def test_the_environment_names_a_folder_too(tmp_path, monkeypatch):
    monkeypatch.setenv(binaries.VARIABLE, str(fill(tmp_path / "mine")))
    assert binaries.find().folder == tmp_path / "mine"


def test_without_any_it_is_said_how_to_get_them(caches):
    with pytest.raises(CannotRun, match=r"make kubernetes.*podnet kubernetes fetch.*--binaries DIR"):
        binaries.find()


def test_of_several_in_the_cache_what_was_tried_comes_first_then_the_newest(caches):
    fill(caches / "1.33.2")
    fill(caches / "1.34.0", leave_out=["kubelet"])
    fill(caches / ".1.35.0-half")
    assert str(binaries.find().version) == "1.33.2"
    fill(binaries.EVERYBODYS / "1.20.2")
    assert binaries.find().folder == binaries.EVERYBODYS / "1.20.2"
    fill(caches / "1.20.2")
    assert binaries.find().folder == caches / "1.20.2"


def test_roots_cache_is_everybodys(monkeypatch):
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setattr(binaries.os, "geteuid", lambda: 0)
    assert binaries.cache() == binaries.EVERYBODYS
    monkeypatch.setattr(binaries.os, "geteuid", lambda: 1000)
    assert binaries.cache() == Path.home() / ".cache/podnet-lab/kubernetes"


def test_a_cache_is_complete_or_absent(caches):
    with pytest.raises(ZeroDivisionError), binaries.filling(OLD) as folder:
        len(fill(folder).name) / 0  # an error in the midst of it
    assert list(caches.iterdir()) == []
    with pytest.raises(CannotRun, match="kube-proxy was not made"), binaries.filling(OLD) as folder:
        fill(folder, leave_out=["kube-proxy"])
    assert list(caches.iterdir()) == []
    fill(caches / "1.20.2", leave_out=["kubelet"])  # somebody has deleted one
    for _ in range(2):  # the second finds that another was first
        with binaries.filling(OLD) as folder:
            fill(folder)
    assert [path.name for path in caches.iterdir()] == ["1.20.2"]
    assert not binaries.missing(caches / "1.20.2")


# A release


class Quiet(http.server.SimpleHTTPRequestHandler):
    """A server of files that says nothing, and sends of one only the half that it has announced."""

    cut = ""

    def log_message(self, *_):
        pass

    def copyfile(self, source, outputfile):
        content = source.read()
        outputfile.write(content[: len(content) // 2] if self.cut and self.path.endswith(self.cut) else content)


@pytest.fixture
def release(tmp_path, monkeypatch):
    """A server with the layout of the project's own: v1.34.1/bin/linux/amd64/kubelet, and its checksum beside it."""
    monkeypatch.setattr(fetch.platform, "machine", lambda: "x86_64")
    folder = fill(tmp_path / "release/v1.34.1/bin/linux/amd64", "v1.34.1")
    for name in binaries.PROGRAMS:
        (folder / f"{name}.sha256").write_text(hashlib.sha256((folder / name).read_bytes()).hexdigest())
    monkeypatch.setattr(Quiet, "cut", "")
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(tmp_path / "release")))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    yield f"http://127.0.0.1:{server.server_port}", folder
    server.shutdown()
    server.server_close()
    thread.join()


def test_a_release_is_fetched_once(release, caches):
    url, folder = release
    told = []
    found = fetch.fetch(url=f"{url}/", tell=told.append)
    assert (found.version, found.folder) == (NEW, caches / "1.34.1")
    assert told == [f"fetching {name} 1.34.1" for name in binaries.PROGRAMS]
    assert (found.folder / "kubelet").read_bytes() == (folder / "kubelet").read_bytes()
    assert binaries.find().version == NEW
    shutil.rmtree(folder)
    assert fetch.fetch(url=url).folder == found.folder


def test_a_checksum_may_be_of_the_longer_kind(release):
    url, folder = release
    (folder / "kubelet.sha256").unlink()
    (folder / "kubelet.sha512").write_text(f"{hashlib.sha512((folder / 'kubelet').read_bytes()).hexdigest()}  kubelet\n")
    assert fetch.fetch(url=url)


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda folder: (folder / "kubelet.sha256").write_text("0" * 64), "kubelet is not what its sha256 says: .* instead of 0000"),
        (lambda folder: (folder / "kubelet.sha256").write_text("<html>"), "kubelet.sha256 is no checksum"),
        (lambda folder: (folder / "kubelet.sha256").unlink(), "there is no .*kubelet with a checksum beside it"),
        (lambda folder: (folder / "kubelet").unlink(), "there is no .*kubelet, though"),
        (lambda folder: setattr(Quiet, "cut", "kubelet"), "kubelet is not what its sha256 says|could not be read"),
        (lambda folder: shutil.rmtree(folder), "there is no .*is this version of Kubernetes released"),
    ],
)
def test_what_is_wrong_absent_or_cut_leaves_nothing(release, caches, spoil, words):
    url, folder = release
    spoil(folder)
    with pytest.raises(CannotRun, match=words):
        fetch.fetch(url=url)
    assert list(caches.iterdir()) == []


def test_who_does_not_answer_and_what_is_no_address():
    with pytest.raises(CannotRun, match=r"kube-apiserver.sha256 could not be read"):
        fetch.fetch(url="http://127.0.0.1:1")
    for url in ("file:///etc", "ftp://x", ""):
        with pytest.raises(BadInput, match="a release is at an address"):
            fetch.fetch(url=url)


def test_a_processor_that_has_no_release(monkeypatch):
    monkeypatch.setattr(fetch.platform, "machine", lambda: "vax")
    with pytest.raises(CannotRun, match="no programs for vax"):
        fetch.fetch()


# A build


def test_a_build_says_what_is_missing(monkeypatch, tmp_path):
    (tmp_path / "bin").mkdir()
    for tool in set(build.TOOLS) - {"go", "dpkg-source"}:
        (tmp_path / "bin" / tool).symlink_to("/bin/true")
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    with pytest.raises(CannotRun, match=r"needs dpkg-source, go: sudo apt install dpkg-dev golang-go"):
        build.build()


def test_a_build_needs_room(monkeypatch, tmp_path):
    monkeypatch.setattr(build, "ROOM", 1 << 60)
    with pytest.raises(CannotRun, match=r"takes .* GB for a while, and the disk of .* set XDG_CACHE_HOME"):
        build.require_room(tmp_path)


def test_a_source_that_can_not_be_had_names_the_mirror(monkeypatch, tmp_path):
    monkeypatch.setenv(build.MIRROR_VARIABLE, "http://127.0.0.1:1/debian")
    monkeypatch.setattr(build, "_run", lambda words, folder, why, *more: (_ for _ in ()).throw(CannotRun(why)))
    with pytest.raises(CannotRun, match=r"could not be had from http://127.0.0.1:1/debian; .* by PODNET_DEBIAN_MIRROR"):
        build._download(tmp_path)
    assert "deb-src" in (tmp_path / "apt/sources/debian.sources").read_text()


def test_a_build_goes_on_where_it_was(monkeypatch, caches):
    monkeypatch.setattr(build, "require_tools", lambda: None)
    monkeypatch.setattr(build, "require_room", lambda folder: None)
    work, done = caches / ".build-1.20.2", []

    def run(words, folder, why, settings=None):
        done.append(words[0])
        if words[0] == "dpkg-source":
            Path(words[-1]).mkdir()
        elif words[:2] == ["apt-get", "-q"] and "source" in words:
            (folder / "kubernetes_1.dsc").touch()
        elif words[0] == "make":
            if done.count("make") == 1:
                raise KeyboardInterrupt
            assert settings["GOPROXY"] == "off"
            fill(folder / "_output/bin")

    monkeypatch.setattr(build, "_run", run)
    with pytest.raises(KeyboardInterrupt):
        build.build()
    assert (work / build.UNPACKED).is_dir()
    assert binaries.cached() == {}
    assert build.build().folder == caches / "1.20.2"
    assert done == ["apt-get", "apt-get", "dpkg-source", "make", "make"]
    assert [path.name for path in caches.iterdir()] == ["1.20.2"]
    assert build.build()
    assert len(done) == 5
