"""What is shown stays true, whole and in sight: when the network changes, the window is narrow, the kernel has gone."""

import re

import pytest

from browser.clicks import OPEN, expect, hops, part, type_and_run
from browser.desk import OPEN as OPEN_PATH


def test_the_envelope_goes_with_its_way_though_it_moves(opened):
    book = opened(OPEN.format(stage="done"), "lab.live_topology()", "'a shell'")
    cell = book.cell(1)
    cell.get_by_role("button", name="send a packet and follow it").click()
    expect(hops(cell)).to_have_text("1 of 16")
    cell.get_by_role("button", name="play", exact=True).click()
    expect(cell.locator(".podnet-packet")).to_have_count(1)
    type_and_run(book, 2, "%%node node1\nip link set dev veth-1-3-br down")
    expect(cell.locator(".podnet-player")).to_be_hidden()
    book.page.evaluate("() => new Promise(done => setTimeout(done, 500))")  # some frames: nothing is to be drawn again
    expect(cell.locator(".podnet-packet")).to_have_count(0)


def test_the_answer_to_a_click_is_in_sight(opened):
    """Be it below the picture in a narrow window, or below a player, with a long answer read to its end."""
    book = opened(OPEN.format(stage="done"), "lab.live_topology()")
    cell = book.cell(1)
    pane = cell.locator(".podnet-pane")
    for size in ({"width": 800, "height": 600}, {"width": 1280, "height": 600}):
        book.page.set_viewport_size(size)
        cell.get_by_role("button", name="send a packet and follow it").click()
        expect(hops(cell)).to_have_text("1 of 16")
        for pod in ("pod-1-2", "pod-3-2"):
            part(cell, f"Pod {pod}").click()
            expect(pane.locator("h4")).to_have_text(pod)
            expect(pane.locator("h4")).to_be_in_viewport()
            book.page.locator(".podnet-beside").evaluate("one => one.scrollTop = one.scrollHeight")
    book.widen()


def test_a_picture_whose_kernel_was_restarted_says_so_on_the_first_click(desk, written):
    with desk.notebook(written(OPEN.format(stage="done"), "lab.live_topology()", "lab.live_matrix()")) as book:
        book.run()
        desk.do("async () => { await window.panel.sessionContext.session.kernel.restart() }")
        part(book.cell(1), "Pod pod-2-2").click()
        expect(book.cell(1).locator(".podnet-note:visible")).to_have_text(re.compile("The kernel was restarted"), timeout=1000)
        book.cell(2).get_by_role("button", name="Try all again").click()
        expect(book.cell(2).get_by_text("The kernel was restarted")).to_be_visible(timeout=1000)


OUT_OF_REACH = """output => {
  const right = output.getBoundingClientRect().right;
  const has = one => ['auto', 'scroll'].includes(getComputedStyle(one).overflowX);
  const scrolls = one => one && output.contains(one) && (has(one) || scrolls(one.parentElement));
  return [...output.querySelectorAll('*')]
    .filter(one => one.getBoundingClientRect().right > right + 1 && !scrolls(one))
    .map(one => `${one.tagName} ${one.textContent.slice(0, 40)}`);
}"""
"""What of an output lies beyond its right edge, and can't be scrolled to."""

WRAPPED = """pre => {
  const high = parseFloat(getComputedStyle(pre).lineHeight);
  const padding = parseFloat(getComputedStyle(pre).paddingTop) + parseFloat(getComputedStyle(pre).paddingBottom);
  return (pre.clientHeight - padding) / high > pre.textContent.trimEnd().split('\\n').length + 0.5;
}"""
"""Whether a line of preformatted text was broken in two."""


@pytest.mark.parametrize("width", [800, 1280])
def test_nothing_is_cut_or_broken_in_a_narrow_window(opened, width):
    breaks = "from podnet_lab import link\nlab['node1'].run(link.down('veth-1-3-br'))"
    shown = ("lab.check()", "lab.trace('pod-1-2', 'pod-2-2')", "lab.topology()", "lab.live_topology()", "lab.live_matrix()")
    book = opened(OPEN.format(stage="done"), breaks, *shown, "lab.stage_panel('bridge')")
    book.page.set_viewport_size({"width": width, "height": 800})
    for index in range(2, 8):
        output = book.outputs(index)
        output.scroll_into_view_if_needed()
        assert output.evaluate(OUT_OF_REACH) == [], index
    matrix = book.outputs(2).locator("pre")
    assert not matrix.evaluate(WRAPPED)
    if width == 800:
        assert matrix.evaluate("one => one.scrollWidth > one.clientWidth"), "it has a scroll bar of its own"
        picture = book.cell(5).locator(".podnet-picture")
        assert picture.evaluate("one => one.scrollWidth > one.clientWidth"), "and is not made too small to read"
        for words in (book.cell(5), book.cell(6)):
            words.get_by_text("as text").click()
            assert not words.locator("details pre").evaluate(WRAPPED)
    book.widen()


@pytest.mark.parametrize("width", [800, 1280])
def test_a_stages_steps_stand_whole_in_the_page(opened, width):
    book = opened(OPEN.format(stage="addr"), "lab.stage_panel('addr')")
    book.page.set_viewport_size({"width": width, "height": 800})
    cell = book.cell(1)
    cell.get_by_role("button", name="Run all").click()
    expect(cell.get_by_text("24 of 24 steps are done")).to_be_visible()
    around = cell.locator("ol").locator("xpath=..")
    assert around.evaluate("one => one.scrollHeight") > 420
    assert around.evaluate("one => one.scrollHeight - one.clientHeight") == 0
    book.widen()


def test_closed_and_opened_again_while_its_kernel_runs_it_still_reacts(desk, written):
    """As when its tab was closed: what stands there is made anew from the kernel."""
    with desk.notebook(written(OPEN.format(stage="done"), "lab.live_topology()", "'a shell'")) as book:
        book.run()
        desk.do("async () => { await window.panel.context.save(); window.panel.dispose() }")
        desk.do(OPEN_PATH, "written.ipynb")
        cell = book.cell(1)
        part(cell, "Pod pod-2-2").click()
        expect(cell.locator(".podnet-pane")).to_contain_text("a Pod on node2")
        type_and_run(book, 2, "%%node node1\nip link set dev veth-1-3-br nomaster")
        expect(cell.locator(".podnet-picture")).to_contain_text("unplugged")


def test_saved_with_live_pictures_and_opened_without_its_kernel_it_shows_them(desk, written):
    """And so do the notebooks of a fresh clone, which nobody has run here."""
    with desk.notebook(written(OPEN.format(stage="done"), "lab.live_topology()", "lab.stage_panel('bridge')", "lab.live_matrix()")) as book:
        book.run()
        expect(book.cell(3).locator(".podnet-picture svg")).to_be_visible()
    with desk.notebook("written.ipynb") as book:
        for index in (1, 3):
            expect(book.cell(index).locator(".jp-RenderedSVG")).to_be_visible()
        expect(book.outputs(2)).to_contain_text("9 of 9 steps are done")
        expect(book.page.get_by_text("model not found")).to_have_count(0)
    with desk.notebook("02_bridge.ipynb") as book:
        where = book.begins("lab.topology()").locator(".jp-RenderedSVG")
        where.scroll_into_view_if_needed()
        expect(where).to_be_visible()


DEAF = """from podnet_lab.widgets.live_topology import LiveTopology
from podnet_lab.widgets.live_matrix import LiveMatrix
whole = LiveTopology.send_state
for kind in (LiveTopology, LiveMatrix):
    kind.send_state = lambda self, key=None: whole(self, key) if key is None else None"""
"""What a picture sends of its changes is lost; its whole state is not."""


def test_a_picture_that_lost_what_was_sent_to_it_asks_for_it(opened):
    book = opened(OPEN.format(stage="done"), DEAF, "lab.live_topology()", "lab.live_matrix()")
    expect(part(book.cell(2), "Pod pod-2-2")).to_be_visible(timeout=20000)
    expect(book.cell(3).locator(".podnet-picture svg")).to_be_visible(timeout=20000)
