"""Names as they are shown: one line, nothing but what can be printed, and the same bytes when they are given back."""

import subprocess

from hypothesis import given, settings
from hypothesis import strategies as st

from podnet_lab.printable_names import one_line, printable, quoted, quoted_words, raw, raw_path

BYTES = st.binary(min_size=1, max_size=15).filter(lambda name: b"\0" not in name)
HOSTILE = st.sampled_from(
    [b"a\nok", b"\x1b[31m", b"v\xff", b"\\", b"\\x41", b"\xe2\x80\xa8", b"\xe2\x80\xaeabc", b"'", b"$(id)", b"\xc3\xa9"]
)


@given(BYTES | HOSTILE)
def test_a_name_is_shown_on_one_line_and_given_back(name):
    shown = printable(name)
    assert shown.isprintable()
    assert shown.encode()
    assert raw(shown) == name


@given(BYTES)
def test_different_names_are_shown_differently(name):
    assert printable(name + b"\n") != printable(name + b"\\n") != printable(name + b"\\x0a") != printable(name + b"\n")


def test_tame_names_are_shown_as_they_are():
    assert [printable(name) for name in (b"pod-1-2", b"v-net-0", "é 1".encode())] == ["pod-1-2", "v-net-0", "é 1"]


@settings(max_examples=50)
@given(BYTES | HOSTILE)
def test_bash_reads_the_name_from_its_word(name):
    word = quoted(printable(name))
    assert word.isprintable()
    assert subprocess.run(["bash", "-c", f"printf %s {word}"], capture_output=True, check=True).stdout == name


def test_a_command_line_is_one_line_whatever_its_words_are():
    words = ["bash", "-c", "echo a\nok all good", r"a\.b", "\udcff"]
    assert quoted_words(words) == r"bash -c $'echo a\x0aok all good' 'a\.b' $'\xff'"
    printed = subprocess.run(["bash", "-c", f"printf '%s,' {quoted_words(words)}"], capture_output=True, check=True).stdout
    assert printed == b"bash,-c,echo a\nok all good,a\\.b,\xff,"


def test_paths_and_other_text():
    assert raw_path(r"/run/netns/a\xff") == "/run/netns/a\udcff"
    assert one_line("a\\b\nc\x1b") == r"a\b\x0ac\x1b"
