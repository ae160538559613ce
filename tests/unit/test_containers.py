"""Images, messages and words of a container runtime, without one."""

import hashlib
import io
import json
import subprocess
import tarfile
import tomllib

import pytest

from podnet_lab.containers import cri, images
from podnet_lab.containers.pods import ContainerPod, Ran, attached_pod, lab_name
from podnet_lab.daemons import containerd
from podnet_lab.daemons.base import Daemon
from podnet_lab.errors import LabError, PluginFailed
from podnet_lab.kernel import written_conflists


def opened(content):
    with tarfile.open(fileobj=io.BytesIO(content)) as tar:
        return {member.name: (member, tar.extractfile(member).read() if member.isfile() else b"") for member in tar}


def test_an_image_is_one_layer_whose_digests_are_right():
    whole = opened(images.busybox(b"#!program", ["busybox", "sh", "sleep"], "aarch64"))
    (manifest,) = json.loads(whole["manifest.json"][1])
    config, (layer,) = whole[manifest["Config"]][1], manifest["Layers"]
    assert manifest["RepoTags"] == [images.BUSYBOX]
    assert manifest["Config"] == f"{hashlib.sha256(config).hexdigest()}.json"
    said = json.loads(config)
    assert said["architecture"] == "arm64"
    assert said["config"]["Cmd"] == ["/bin/sleep", "inf"]
    assert said["rootfs"]["diff_ids"] == [f"sha256:{hashlib.sha256(whole[layer][1]).hexdigest()}"]
    files = opened(whole[layer][1])
    assert sorted(files) == ["bin", "bin/busybox", "bin/sh", "bin/sleep", "etc", "tmp"]
    assert (files["bin/busybox"][0].mode, files["bin/busybox"][1]) == (0o755, b"#!program")
    assert (files["bin/sh"][0].linkname, files["tmp"][0].mode) == ("busybox", 0o1777)


def test_the_same_files_make_the_same_image():
    assert images.busybox(b"a", ["sh"]) == images.busybox(b"a", ["sh"]) != images.busybox(b"b", ["sh"])


def test_containerd_keeps_all_in_its_own_places():
    read = tomllib.loads(containerd.config("/run/podnet/containerd", "/run/cni/bin", "localhost/pause:1"))
    runtime = read["plugins"]["io.containerd.grpc.v1.cri"]
    assert {read["root"], read["state"], read["grpc"]["address"]} == {
        "/run/podnet/containerd/root",
        "/run/containerd",
        "/run/containerd/containerd.sock",
    }
    assert runtime["cni"] == {"bin_dir": "/run/cni/bin", "conf_dir": "/run/cni/net.d"}
    assert runtime["sandbox_image"] == "localhost/pause:1"
    assert runtime["containerd"]["runtimes"]["runc"]["options"] == {"BinaryName": "/run/podnet/containerd/crun"}


def test_containerd_is_a_daemon_whose_setup_is_run_before_it():
    server = containerd.server(("/run/cni/bin", "/usr/lib/cni"), "localhost/pause:1", setup=["mount --bind /a /b"])
    assert dict(server.files)["setup"] == "mount --bind /a /b\n"
    start = dict(server.files)["start"].splitlines()
    assert start.index('. "$place/setup"') < start.index('exec containerd --config "$place/config.toml"')
    assert server.command[-5:] == (
        "/run/podnet/containerd/start",
        "/run/podnet/containerd",
        "/run/containerd",
        "/run/cni/bin",
        "/usr/lib/cni",
    )
    assert Daemon.of(json.dumps(server.spec)) == server
    assert containerd.beside(["kubelet", "--v 2"])[-1].endswith("--mount kubelet '--v 2'")


@pytest.mark.parametrize(
    ("pod", "namespace", "name"), [("web", "default", "web"), ("web", "", "web"), ("coredns-1", "kube-system", "coredns-1.kube-system")]
)
def test_a_pod_is_called_as_in_kubernetes(pod, namespace, name):
    assert lab_name(pod, namespace) == name
    assert attached_pod({"cniArgs": [["K8S_POD_NAME", pod], ["K8S_POD_NAMESPACE", namespace]]}) == name


def test_what_no_kubernetes_pod_has_attached_has_no_pods_name():
    assert attached_pod({"cniArgs": None}) == attached_pod({"cniArgs": [["IP", "10.0.0.1"]]}) == ""


def test_what_is_given_back_reads_well():
    pod = ContainerPod("web", "node1", "10.244.1.128", True, ("web",), "0123")
    assert repr(pod) == "<Pod web on node1: 10.244.1.128, ready, web>"
    assert "no address, not ready, no container" in repr(ContainerPod("web", "node1", "", False, (), "0123"))
    assert repr(Ran("web", ("hostname",), "web\n", "", 0)) == "web"
    failed = Ran("web", ("false",), "", "", 1)
    assert not failed
    assert repr(failed) == "(exit status 1)"


def test_a_plugins_refusal_is_told_from_the_runtimes():
    words = 'failed to setup network for sandbox "1": plugin type="podnet-cni" name="podnet" failed (add): no address is free'
    refused = cri.refusal("RunPodSandbox", "UNKNOWN", words)
    assert isinstance(refused, PluginFailed)
    assert words in str(refused)
    assert type(cri.refusal("CreateContainer", "NOT_FOUND", 'image "x": not found')) is LabError


def test_messages_are_read_from_the_proto_file():
    pytest.importorskip("google.protobuf")
    from podnet_lab.containers.proto import messages

    made = messages("cri.proto")
    request = made["CreateContainerRequest"](pod_sandbox_id="s", config={"metadata": {"name": "web"}, "command": ["sleep", "inf"]})
    again = made["CreateContainerRequest"].FromString(request.SerializeToString())
    assert (again.pod_sandbox_id, list(again.config.command)) == ("s", ["sleep", "inf"])
    # By hand, as in api.proto: log_path is field 11, a text of one letter.
    assert made["ContainerConfig"](log_path="x").SerializeToString() == bytes([11 << 3 | 2, 1]) + b"x"
    assert all(f"{name.removesuffix('Request')}Response" in made for name in made if name.endswith("Request"))


def test_a_conflist_that_was_written_goes_unless_somebody_has_changed_it(tmp_path):
    mine, record = tmp_path / "10 podnet.conflist", tmp_path / "written"
    for change, stays in (("", False), ("#", True)):
        mine.write_text("{}")
        subprocess.run(["sh", "-c", written_conflists.noted(str(mine), str(record))], check=True)
        mine.write_text("{}" + change)
        written_conflists.remove(str(record))
        assert mine.exists() is stays
        assert not record.exists()
    written_conflists.remove(str(record))
    assert mine.exists(), "what is not noted is somebody's own"


def test_without_the_packages_it_is_said_how_to_get_them(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "grpc", None)
    with pytest.raises(LabError, match=r"pip install 'podnet-lab\[containers\]'"):
        cri.Cri("/nowhere")
