"""What tests of live things have in common: a lab to open, parts to click, cells to run as another person would."""

OPEN = "from podnet_lab import Lab\nlab = Lab.open()\nlab.goto({stage!r})"


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
