"""What can be clicked, clicked: the live topology, a packet's player, a stage's panel and the matrix, in a real browser."""

import base64
import json
import os
import re
import subprocess
import sys

import pytest

from browser.desk import OPEN as OPEN_PATH

OPEN = "from podnet_lab import Lab\nlab = Lab.open()\nlab.goto({stage!r})"

OVERLAPS = """svg => {
  const texts = [...svg.querySelectorAll('text')].filter(one => one.textContent.trim());
  const boxes = texts.map(one => one.getBoundingClientRect());
  const found = [];
  const whole = svg.getBoundingClientRect();
  texts.forEach((one, at) => {
    const a = boxes[at];
    if (a.left < whole.left || a.right > whole.right || a.bottom > whole.bottom) found.push(`cut: ${one.textContent}`);
    for (let other = at + 1; other < texts.length; other += 1) {
      const b = boxes[other];
      const wide = Math.min(a.right, b.right) - Math.max(a.left, b.left);
      const high = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
      if (wide > 1 && high > 3) found.push(`${one.textContent} and ${texts[other].textContent}`);
    }
  });
  return found;
}"""
"""Words of a picture that lie on others, or are cut at its edge."""


def expect(one):
    """Playwright's, which waits; not imported where it may be missing, and these tests are only skipped by name."""
    from playwright.sync_api import expect

    return expect(one)


def part(cell, label):
    """A part of a live picture."""
    return cell.locator(f'.podnet-picture .part[aria-label="{label}"]')


def type_and_run(book, index, source):
    """Another cell's source, typed and run, as a shell on a node."""
    book.page.evaluate(
        """([index, source]) => {
          const panel = window.panel.content;
          panel.widgets[index].model.sharedModel.setSource(source);
          panel.activeCellIndex = index;
          window.jupyterapp.commands.execute('notebook:run-cell');
        }""",
        [index, source],
    )


def hops(cell):
    """Which hop of how many is shown."""
    return cell.locator(".podnet-count")


def test_a_shell_changes_the_kernel_and_the_picture_shows_it(opened):
    book = opened(OPEN.format(stage="done"), "lab.live_topology()", "'a shell'")
    cell = book.cell(1)
    expect(cell.locator(".podnet-picture")).not_to_contain_text("unplugged")
    type_and_run(book, 2, "%%node node1\nip link set dev veth-1-3-br nomaster")
    expect(cell.locator(".podnet-picture")).to_contain_text("unplugged")
    expect(cell.locator(".podnet-pane")).to_contain_text("node1: - veth-1-3-br (veth) is up, plugged into v-net-0")
    type_and_run(book, 2, "%%node node1\nip link set dev veth-1-3-br master v-net-0")
    expect(cell.locator(".podnet-picture")).not_to_contain_text("unplugged")
    type_and_run(book, 2, "%%node node2\nip netns add red")
    expect(part(cell, "Pod red")).to_contain_text("+ red")


def test_a_pod_and_its_cable_are_clicked_and_reached_by_keys(opened):
    book = opened(OPEN.format(stage="done"), "lab.live_topology()")
    cell = book.cell(1)
    pane = cell.locator(".podnet-pane")
    part(cell, "Pod pod-2-2").click()
    expect(pane).to_contain_text("a Pod on node2")
    expect(pane).to_contain_text("default via 10.244.2.1")
    expect(part(cell, "Pod pod-2-2")).to_have_class(re.compile("picked"))
    part(cell, "interface veth-2-2-br of node2").click()
    expect(pane).to_contain_text("port of the bridge v-net-0")
    pane.get_by_role("button", name="veth-2-2 in pod-2-2").click()
    expect(pane).to_contain_text("veth-2-2 in pod-2-2")
    part(cell, "bridge v-net-0 of node3").focus()
    book.page.keyboard.press("Enter")
    expect(pane).to_contain_text("v-net-0 in node3")
    expect(part(cell, "bridge v-net-0 of node3")).to_be_focused()


def test_a_trace_is_played_stepped_and_paused(opened):
    book = opened(OPEN.format(stage="done"), "lab.live_topology()")
    cell = book.cell(1)
    cell.get_by_label("from", exact=True).select_option("pod-1-2")
    cell.get_by_label("to", exact=True).select_option("pod-2-2")
    expect(cell.locator(".podnet-player")).to_be_hidden()
    cell.get_by_role("button", name="send a packet and follow it").click()
    expect(hops(cell)).to_have_text("1 of 16")
    expect(cell.locator(".podnet-hop")).to_contain_text("leaves by veth-1-2 of pod-1-2")
    for _ in range(3):
        cell.get_by_role("button", name="on one").click()
    expect(hops(cell)).to_have_text("4 of 16")
    expect(cell.locator(".podnet-hop")).to_contain_text("rewritten")
    cell.locator(".podnet-player").focus()
    book.page.keyboard.press("End")
    expect(hops(cell)).to_have_text("16 of 16")
    book.page.keyboard.press("ArrowLeft")
    expect(hops(cell)).to_have_text("15 of 16")
    book.page.keyboard.press("Home")
    at = cell.locator(".podnet-packet").get_attribute("transform")
    book.page.keyboard.press("Space")
    expect(hops(cell)).to_have_text("3 of 16")  # it goes on by itself
    assert cell.locator(".podnet-packet").get_attribute("transform") != at
    cell.get_by_role("button", name="pause").click()
    expect(cell.get_by_role("button", name="play", exact=True)).to_be_visible()
    stopped = hops(cell).inner_text()
    book.page.wait_for_timeout(1500)  # longer than a hop takes: nothing is to happen
    assert hops(cell).inner_text() == stopped
    cell.get_by_label("with ARP").check()
    expect(hops(cell)).to_have_text("ARP, before 1")
    expect(cell.locator(".podnet-hop")).to_contain_text("who has")
    cell.get_by_role("button", name="last", exact=True).click()
    expect(hops(cell)).to_have_text("16 of 16")  # as its badge says, whatever was asked in between
    cell.get_by_label("with ARP").uncheck()
    expect(hops(cell)).to_have_text("1 of 16")
    cell.get_by_role("button", name="on one").click()
    expect(hops(cell)).to_have_text("2 of 16")
    cell.get_by_role("button", name="send a packet and follow it").click()
    expect(hops(cell)).to_have_text("1 of 16")  # once more, from the start


def test_a_packet_that_is_lost_is_explained(opened):
    book = opened(OPEN.format(stage="done"), "lab.live_topology()", "'a shell'")
    cell = book.cell(1)
    type_and_run(book, 2, "%%node node1\nip route del 10.244.3.0/24")
    expect(cell.locator(".podnet-pane")).to_contain_text("node1: - route 10.244.3.0/24 via 192.168.1.13")
    cell.get_by_label("to", exact=True).select_option("pod-3-2")
    cell.get_by_role("button", name="say what is in the way").click()
    expect(cell.locator(".podnet-pane")).to_contain_text("node1 has no route to 10.244.3.2")
    cell.get_by_text("hint 3").click()
    expect(cell.locator(".podnet-pane")).to_contain_text("ip route add 10.244.3.0/24 via 192.168.1.13")


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
    book.page.set_viewport_size(book.desk.shape["viewport"])


def test_a_picture_whose_kernel_was_restarted_says_so_on_the_first_click(desk, written):
    with desk.notebook(written(OPEN.format(stage="done"), "lab.live_topology()", "lab.live_matrix()")) as book:
        book.run()
        desk.do("async () => { await window.panel.sessionContext.session.kernel.restart() }")
        part(book.cell(1), "Pod pod-2-2").click()
        expect(book.cell(1).locator(".podnet-note:visible")).to_have_text(re.compile("The kernel was restarted"), timeout=1000)
        book.cell(2).get_by_role("button", name="Try all again").click()
        expect(book.cell(2).get_by_text("The kernel was restarted")).to_be_visible(timeout=1000)


def test_the_panel_of_a_stage_is_clicked_through(opened):
    book = opened(OPEN.format(stage="bridge"), "lab.stage_panel('bridge')", "lab.check('bridge').summary")
    cell = book.cell(1)
    output = cell.locator(".jp-OutputArea")
    press = lambda words: output.get_by_role("button", name=words, exact=True).click()  # noqa: E731
    expect(output).to_contain_text("0 of 9 steps are done")
    press("Run")
    expect(output).to_contain_text("1 of 9 steps are done")
    expect(output).to_contain_text("+ v-net-0 (bridge) is down")
    press("Verify")
    expect(output).to_contain_text("v-net-0 is down")
    press("Run all")
    expect(output).to_contain_text("9 of 9 steps are done")
    press("Undo")
    expect(output).to_contain_text("1 of 9 steps are done")
    expect(output).to_contain_text("taken back:")
    press("Run all")
    expect(output).to_contain_text("9 of 9 steps are done")
    type_and_run(book, 2, "lab.check('bridge').summary")
    expect(book.outputs(2)).to_contain_text("9 of 9 checks hold")


def test_a_pair_of_the_matrix_is_clicked_explained_and_traced(opened):
    breaks = "from podnet_lab import link\nlab['node1'].run(link.down('veth-1-3-br'))"
    book = opened(OPEN.format(stage="done"), breaks, "lab.live_matrix()", "'a cell'")
    cell = book.cell(2)
    pane = cell.locator(".podnet-pane")
    cell.locator(f".part[data-key='{json.dumps(['pod-1-3', 'pod-2-2'])}']").click()
    expect(pane).to_contain_text("pod-1-3 → pod-2-2")
    expect(pane).to_contain_text("stopped at node1 (cable)")
    type_and_run(book, 3, "lab.undo()")
    pane.get_by_role("button", name="Try again").click()
    expect(pane).to_contain_text("reached, and pod-2-2 saw 10.244.1.3")
    pane.get_by_role("button", name="Trace").click()
    expect(pane).to_contain_text("one echo, answered")
    cell.get_by_role("button", name="Try all again").click()
    expect(cell.locator(".podnet-picture")).to_contain_text("30 of 30 ordered pairs reached")


@pytest.mark.parametrize(("nodes", "pods"), [(3, 3), (3, 30), (2, 1)])
def test_no_words_of_a_picture_lie_on_others(opened, nodes, pods):
    lab = f"from podnet_lab import Lab, link\nlab = Lab.open({nodes}, {pods})\nlab.build(); None"
    broken = "lab['node1'].run(link.down('veth-1-2', namespace='pod-1-2'), link.down('v-net-0'))\nlab['node2'].run(link.down('eth0'))"
    traced = "lab.live_topology(lab.trace('pod-1-2', 'pod-2-2'))"
    book = opened(lab, traced, broken, "lab.live_topology()", "lab.live_matrix()")
    for index in (1, 3, 4):
        assert book.cell(index).locator(".podnet-picture svg").evaluate(OVERLAPS) == []


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


def test_as_a_page_without_a_kernel_the_same_stands_still(desk, written, folder):
    """What nbconvert makes of a notebook that was saved here."""
    path = written(OPEN.format(stage="done"), "lab.live_topology()", "lab.stage_panel('bridge')", "lab.live_matrix()")
    with desk.notebook(path) as book:
        book.run()
    command = [sys.executable, "-m", "nbconvert", "--to", "html", "--output", "page.html", folder / path]
    subprocess.run(command, check=True, capture_output=True, env={**os.environ, "JUPYTER_CONFIG_DIR": str(folder)})
    page = desk.page.context.new_page()
    page.set_content((folder / "page.html").read_text(), wait_until="domcontentloaded")
    pictures = page.locator(".jp-RenderedSVG img")
    expect(pictures).to_have_count(2)
    for which, words in enumerate(("pod-3-3", "30 of 30 ordered pairs reached")):
        assert pictures.nth(which).evaluate("one => one.naturalWidth") > 300
        assert words in base64.b64decode(pictures.nth(which).get_attribute("src").partition("base64,")[2]).decode()
    expect(page.locator(".jp-OutputArea-output").filter(has_text="9 of 9 steps are done")).to_be_visible()
    page.close()
    desk.problems.clear()  # a page of nbconvert's asks for scripts of others, which were refused


TIMED = """async ([what, where]) => {
  const pane = document.querySelector(where);
  const changed = new Promise(done => {
    new MutationObserver((_, me) => { me.disconnect(); done(); }).observe(pane, { childList: true, subtree: true });
  });
  const began = performance.now();
  document.querySelector(what).dispatchEvent(new MouseEvent('click', { bubbles: true }));
  await changed;
  return performance.now() - began;
}"""


def test_a_click_is_answered(desk, written, record_property):
    """How fast is told, not asserted: it depends on the machine (docs/performance.md)."""
    with desk.notebook(written("from podnet_lab import Lab\nlab = Lab.open(3, 3)\nlab.build(); None", "lab.live_topology()")) as book:
        book.run()
        pods = [f"pod-{node}-{number}" for node in (1, 2, 3) for number in (2, 3, 4)]
        took = sorted(book.page.evaluate(TIMED, [f'.podnet-picture .part[aria-label="Pod {pod}"]', ".podnet-pane"]) for pod in pods)
        record_property("milliseconds from click to answer, median and worst", f"{took[4]:.0f}, {took[-1]:.0f}")
        print(f"\nclick to answer: median {took[4]:.0f} ms, worst {took[-1]:.0f} ms")
        assert "pod-3-4" in book.cell(1).locator(".podnet-pane").inner_text()
