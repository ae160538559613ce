"""What YAML's words mean is what Kubernetes makes of them, and what can't be read is BadInput, with its line."""

import math

import pytest

from podnet_lab import policies
from podnet_lab.errors import BadInput
from podnet_lab.policies.yaml_documents import documents

POD = "apiVersion: v1\nkind: Pod\nmetadata:\n  name: pod-1-2\n"


def load(text):
    (found,) = policies.load(text)
    return found


def said(text):
    with pytest.raises(BadInput) as raised:
        policies.load(text)
    return str(raised.value)


@pytest.mark.parametrize(
    ("text", "meaning"),
    [
        # as sigs.k8s.io/yaml reads it: goyaml.v2/resolve_test.go, and what its decode.go makes of a time
        ("2024-01-01", "2024-01-01"),
        ("2024-13-01", "2024-13-01"),
        ("2024-02-30T99:99:99Z", "2024-02-30T99:99:99Z"),
        ("22:22", "22:22"),
        ("190:20:30.15", "190:20:30.15"),
        ("0b_", "0b_"),
        ("0x_", "0x_"),
        ("0b1010_0111", 167),
        ("0x_0A_74", 2676),
        ("-0b101010", -42),
        ("02472256", 685230),
        ("0o17", 15),
        ("08", 8),
        ("685_230", 685230),
        ("+685230", 685230),
        ("80.0", 80),
        ("1e3", 1000),
        ("1.5", 1.5),
        (".5", 0.5),
        ("1.2.3", "1.2.3"),
        ("1e999", "1e999"),
        ("18446744073709551615", 18446744073709551615),
        ("18446744073709551616", math.inf),
        ("-.inf", -math.inf),
        ("y", True),
        ("Off", False),
        ("oN", "oN"),
        ("~", None),
        ("=", "="),
        ("'80'", "80"),
        ("!!str 80", "80"),
        ("! 80", 80),
        ("!!int '80'", 80),
        ("!!float 80", 80),
        ("{1: a, yes: b, 0x10: c}", {"1": "a", "true": "b", "16": "c"}),
        ("{a: &a {x: 1, y1: 2}, b: {<<: *a, x: 3}}", {"a": {"x": 1, "y1": 2}, "b": {"y1": 2, "x": 3}}),
        ("[&a {x: 1}, &b {x: 2, z: 2}, {<<: [*a, *b]}]", [{"x": 1}, {"x": 2, "z": 2}, {"x": 1, "z": 2}]),
        ("{'<<': 1}", {"<<": 1}),
    ],
)
def test_a_word_means_what_kubernetes_makes_of_it(text, meaning):
    (found,) = documents(text)
    assert found == meaning
    assert type(found) is type(meaning)


@pytest.mark.parametrize("value", ["2024-13-01", "2024-02-30", "v1.2", "22-22"])
def test_a_date_is_a_labels_value(value):
    assert load(f"{POD}  creationTimestamp: 2024-01-01T10:00:00Z\n  labels: {{release: {value}}}").labels == {"release": value}


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("!!int http", "line 5: 'http' is no !!int"),
        ("!!float x", "line 5: 'x' is no !!float"),
        ("!!int yes", "line 5: 'yes' is no !!int"),
        ("!!bool maybe", "line 5: 'maybe' is no !!bool"),
        ("!!null x", "line 5: 'x' is no !!null"),
        ("!!timestamp x", "line 5: !!timestamp is nothing that JSON has a word for"),
        ("!!set {a}", "line 5: !!set is nothing that JSON has a word for"),
        ("!!python/name:os.system x", "line 5: !!python/name:os.system is nothing"),
        ("!mine {}", "line 5: !mine is nothing"),
        ("[" * 3000, "line 5: more than 100 lists and objects stand in each other"),
        ("[" * 150 + "]" * 150, "line 5: more than 100 lists and objects stand in each other"),
        ("{a: " * 600 + "}" * 600, "line 5: more than 100 lists and objects stand in each other"),
        ("&a [*a]", "line 5: more than 100 lists"),
        ("&a {<<: *a}", "line 5: more than 100 lists"),
        ("{<<: [1]}", "line 5: what << brings in is an object, or a list of them"),
        ("{[a]: b}", "line 5: a key is text, not ['a']"),
        ("{null: b}", "line 5: a key is text, not None"),
        ("{a: 1, b: 2, a: 3}", "line 5: the key 'a' is there twice: the first is in line 5"),
        ("{1: a, '1': b}", "line 5: the key '1' is there twice"),
        ('"\\UFFFFFFFF"', "line 5: this is no YAML"),
        ("1" * 5001, "metadata.labels: must be an object, not inf"),
        ("{a: " + "1" * 5001 + "}", "metadata.labels.a: must be text, not inf"),
        ("{a: 0x" + "1" * 5001 + "}", "metadata.labels.a: must be text, not inf"),
        ("{a: 0x10}", "metadata.labels.a: must be text, not 16: does it need quotes?"),
        ("{a: no}", "metadata.labels.a: must be text, not False: does it need quotes?"),
        ("{a: [" + "longer, " * 1000 + "]}", "metadata.labels.a: must be text, not ['longer', 'longer'"),
    ],
)
def test_what_cannot_be_read_is_bad_input(value, words):
    found = said(f"{POD}  labels: {value}")
    assert found.startswith(words)
    assert len(found) < 500


def test_a_key_twice_is_refused_with_both_lines():
    assert said(f"{POD}  labels: {{}}\n  name: pod-1-3") == "line 6: the key 'name' is there twice: the first is in line 4"


def test_what_anchors_stand_for_does_not_fill_the_memory():
    doubled = "".join(f"b{level}: &b{level} [{', '.join([f'*b{level - 1}'] * 9)}]\n" for level in range(1, 12))
    assert "this comes to more than 1,000,000 values" in said(f"b0: &b0 [x]\n{doubled}")


def test_a_time_of_day_is_no_ports_number():
    text = (
        "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: p}\n"
        "spec: {podSelector: {}, ingress: [{ports: [{port: 22:22}]}]}"
    )
    assert said(text).startswith("spec.ingress[0].ports[0].port: '22:22' is no port's name")
    assert load(text.replace("22:22", "0x50")).ingress[0].ports[0].port == 80
