"""What a student would call broken in a notebook that ran, found by a script in the page."""

SETTLED = """() => {
  const node = window.panel.content.node;
  return [...node.querySelectorAll('img')].every(image => image.complete)
    && ![...node.querySelectorAll('.jp-OutputArea-output')].some(output => output.textContent.includes('Loading widget'));
}"""
"""Whether nothing is on its way any more."""

FAULTS = r"""() => {
  const found = [];
  const raw = /(Error (displaying|creating) widget.*|Loading widget.*|Javascript Error.*|<[^<>\n]+ at 0x[0-9a-f]+>)/;
  const rich = ['text/html', 'image/svg+xml', 'image/png', 'text/markdown', 'application/vnd.jupyter.widget-view+json'];
  const output = (say, model, node) => {
    if (node === undefined) return say('an output is not shown');
    const said = raw.exec(node.textContent);
    if (said) say(`shows ${said[0]}`);
    if (node.getBoundingClientRect().height === 0) say('an output is shown without height');
    if (node.scrollWidth > node.clientWidth + 1) say(`an output is ${node.scrollWidth - node.clientWidth} pixels wider than the page`);
    const better = rich.find(mime => mime in model.data);
    if (better && node.dataset.mimeType === 'text/plain') say(`shows text instead of ${better}`);
  };
  window.panel.content.widgets.forEach((cell, index) => {
    const say = words => found.push(`cell ${index + 1}: ${words}`);
    for (const image of cell.node.querySelectorAll('img')) if (!image.naturalWidth) say(`an image did not load: ${image.src.slice(0, 80)}`);
    if (cell.model.type !== 'code' || !cell.model.sharedModel.source.trim()) return;
    if (cell.model.executionCount === null) say('did not run');
    const outputs = Array.from({ length: cell.model.outputs.length }, (_, at) => cell.model.outputs.get(at));
    const raised = outputs.find(one => one.type === 'error')?.toJSON();
    const expected = (cell.model.getMetadata('tags') ?? []).includes('raises-exception');
    if (raised && !expected) say(`raised ${raised.ename}: ${raised.evalue}`);
    if (!raised && expected) say('has the tag raises-exception but raised nothing');
    const nodes = cell.node.querySelectorAll('.jp-OutputArea-child > .jp-OutputArea-output');
    outputs.forEach((model, at) => output(say, model, nodes[at]));
  });
  return found;
}"""
"""The faults, in words, with the number of the cell counted from 1."""
