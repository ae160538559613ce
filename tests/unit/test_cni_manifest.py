"""The manifest for a real cluster: Kubernetes' own schemas take it, and refuse a spoilt one; it holds this project's files."""

import copy
import hashlib

import kubernetes_validate
import pytest
import yaml
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from podnet_lab.cli import main
from podnet_lab.cni.installation import file
from podnet_lab.cni.manifest import MOST_BYTES, manifest
from podnet_lab.errors import BadInput

VERSIONS = ("1.25", "1.34", "1.37")
"""The first in which all of its API is as it is now, and what is supported when this was written, oldest and newest."""


def objects(text):
    """A manifest's objects by kind."""
    return {one["kind"]: one for one in yaml.safe_load_all(text)}


WHOLE = objects(manifest())


def pod(whole):
    return whole["DaemonSet"]["spec"]["template"]["spec"]


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("kind", WHOLE)
def test_it_is_what_kubernetes_takes(kind, version):
    assert kubernetes_validate.validate(WHOLE[kind], version, strict=True) == version


SPOILT = {
    "a field that there is not": ("DaemonSet", lambda it: pod({"DaemonSet": it}).update(hostNetworking=True)),
    "text for a truth value": ("DaemonSet", lambda it: pod({"DaemonSet": it}).update(hostNetwork="yes")),
    "no selector": ("DaemonSet", lambda it: it["spec"].pop("selector")),
    "a container without a name": ("DaemonSet", lambda it: pod({"DaemonSet": it})["initContainers"][0].pop("name")),
    "a host path without a path": ("DaemonSet", lambda it: pod({"DaemonSet": it})["volumes"][1]["hostPath"].pop("path")),
    "verbs that are no list": ("ClusterRole", lambda it: it["rules"][0].update(verbs="get")),
    "a binding to nothing": ("ClusterRoleBinding", lambda it: it.pop("roleRef")),
    "a plugin that is a number": ("ConfigMap", lambda it: it["data"].update({"podnet-by-hand": 7})),
}


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("spoil", SPOILT)
def test_a_spoilt_one_is_refused(spoil, version):
    kind, change = SPOILT[spoil]
    spoilt = copy.deepcopy(WHOLE[kind])
    change(spoilt)
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(spoilt, version, strict=True)


def test_it_holds_the_projects_own_files():
    assert WHOLE["ConfigMap"]["data"] == {name: file(path) for name, path in (
        ("podnet-by-hand", "examples/podnet-by-hand"), ("podnet-node", "manifest/podnet-node"))}  # fmt: skip
    assert "@" not in manifest().replace(file("examples/podnet-by-hand"), "").partition("kind: DaemonSet")[2]


def test_what_schemas_do_not_know_fits_together():
    account, role, binding = (WHOLE[kind] for kind in ("ServiceAccount", "ClusterRole", "ClusterRoleBinding"))
    assert binding["subjects"] == [{"kind": "ServiceAccount", **{key: account["metadata"][key] for key in ("name", "namespace")}}]
    assert binding["roleRef"]["name"] == role["metadata"]["name"]
    assert role["rules"] == [{"apiGroups": [""], "resources": ["nodes"], "verbs": ["get", "list"]}], "and no more than that"
    spec = pod(WHOLE)
    assert spec["serviceAccountName"] == account["metadata"]["name"]
    assert {"operator": "Exists"} in spec["tolerations"], "a node without a network is tainted"
    assert spec["hostNetwork"] is True
    volumes = {volume["name"]: volume for volume in spec["volumes"]}
    assert volumes["programs"]["configMap"]["name"] == WHOLE["ConfigMap"]["metadata"]["name"]
    for container in (*spec["initContainers"], *spec["containers"]):
        mounts = {mount["mountPath"]: volumes[mount["name"]] for mount in container["volumeMounts"]}
        used = {path for path in container["command"] if path.startswith("/")}
        assert {path for path in used if path not in mounts and path.rpartition("/")[0] not in mounts} == set()
        assert [variable["name"] for variable in container["env"]] == ["NODE_NAME"]
    labels = WHOLE["DaemonSet"]["spec"]["selector"]["matchLabels"]
    assert labels.items() <= WHOLE["DaemonSet"]["spec"]["template"]["metadata"]["labels"].items()
    names = {
        one["metadata"].get("namespace") for kind, one in WHOLE.items() if kind not in ("Namespace", "ClusterRole", "ClusterRoleBinding")
    }
    assert names == {WHOLE["Namespace"]["metadata"]["name"]}


@given(st.text(st.characters(codec="utf-8", exclude_categories=["C", "Z"], include_characters=" \n\t"), max_size=300))
def test_any_plugin_comes_out_as_it_went_in(text):
    plugin = f"#!/bin/sh\n{text}\n@IMAGE@ @PLUGIN@\n"
    whole = objects(manifest(plugin))
    assert whole["ConfigMap"]["data"]["podnet-by-hand"] == plugin
    digest = whole["DaemonSet"]["spec"]["template"]["metadata"]["annotations"]["podnet-lab/programs"]
    assert digest == hashlib.sha256(f"{plugin}\0{file('manifest/podnet-node')}".encode()).hexdigest()[:16]


@pytest.mark.parametrize(
    ("plugin", "said"),
    [
        ("", "first line"),
        ("echo\n", "first line"),
        ("#!/bin/sh", "no end"),
        ("#!/bin/sh\r\n", r"'\\r'"),
        ("#!/bin/sh\n\x1b\n", r"'\\x1b'"),
        ("#!/bin/sh\n\u2028\n", r"'\\u2028'"),
        ("#!/bin/sh\n" + "#" * MOST_BYTES + "\n", "larger"),
    ],
)
def test_a_plugin_that_would_not_come_out_as_it_went_in_is_refused(plugin, said):
    with pytest.raises(BadInput, match=said):
        manifest(plugin)


def test_in_a_terminal_with_ones_own_plugin_and_image(tmp_path):
    def podnet(*words):
        return CliRunner().invoke(main, ["cni-manifest", *words])

    assert podnet().output == manifest()
    mine = tmp_path / "mine"
    mine.write_text("#!/bin/sh\nexit 0\n")
    assert podnet("--plugin", str(mine), "--image", "my/python:1").output == manifest("#!/bin/sh\nexit 0\n", "my/python:1")
    mine.write_bytes(b"#!/bin/sh\n\xff\n")
    assert "no text in UTF-8" in podnet("--plugin", str(mine)).output
    with pytest.raises(BadInput, match="an image is named like"):
        manifest(image='a" b')
