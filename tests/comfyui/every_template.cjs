// node every_template.cjs <server url> <pack name> <folder for pictures> <classic|vue> <template to run>
//   <template ...>
// Opens each template of the pack from the template browser; runs one, made small.
// Prints {status, error, renderer, templates: {name: {nodes, unknown, note, words, placed}}, run,
// pageErrors}; words: whether a page of 1920x1080 px draws them when all of the graph is in view.
const { join } = require("node:path");
const { withPage, clickRun, orExit, useRenderer } = require("./page.cjs");

const [url, pack, folder, renderer, toRun, ...templates] = process.argv.slice(2);
const SMALL = { FLAMETrack: { size: 128 }, TemporalDenoise: { steps: 2 }, KSampler: { steps: 2 } };

async function pick(page, name) {
  await page.evaluate(() => window.app.graph.clear());
  await page.evaluate(() => window.app.extensionManager.command.execute("Comfy.BrowseTemplates"));
  await page.getByText(pack, { exact: true }).first().click();
  const card = page.locator(`[data-testid="template-workflow-${name}"]`);
  await card.waitFor();
  await page.waitForTimeout(500); // the cards are in their places
  await card.click();
  const loaded = () => window.app.graph.nodes.length > 1;
  return page.waitForFunction(loaded, null, { timeout: 20000 }).then(() => true, () => false);
}

async function open(page, name) {
  // a click on a card that still moves is lost
  if (!(await pick(page, name)) && !(await pick(page, name))) throw new Error(`${name} did not open`);
  await page.waitForTimeout(700);
  await page.evaluate(() => window.app.extensionManager.command.execute("Comfy.Canvas.FitView"));
  await page.waitForTimeout(700);
  await page.screenshot({ path: join(folder, `${name}_${renderer}.png`) });
  const there = await page.evaluate(() => {
    const nodes = window.app.graph.nodes;
    const known = window.LiteGraph.registered_node_types;
    return {
      nodes: nodes.length,
      unknown: nodes.map((node) => node.type).filter((type) => !(type in known)),
      note: nodes.some((node) => node.type === "MarkdownNote"),
      words: !window.app.canvas.low_quality,
    };
  });
  return { ...there, placed: await placed(page) };
}

// Which nodes lie over one another, which hang out of their group, which groups cross one another,
// and which scrubbers stand folded.
function placed(page) {
  return page.evaluate(() => {
    const TITLE = 30;
    const boxOf = ([x, y, wide, high]) => [x, y, x + wide, y + high];
    const meet = (a, b) => a[0] < b[2] && b[0] < a[2] && a[1] < b[3] && b[1] < a[3];
    const holds = (a, b) => a[0] <= b[0] && a[1] <= b[1] && a[2] >= b[2] && a[3] >= b[3];
    const nodes = window.app.graph.nodes.map(({ title, pos, size }) => ({
      title,
      box: boxOf([pos[0], pos[1] - TITLE, size[0], size[1] + TITLE]),
    }));
    const groups = window.app.graph.groups.map(({ title, pos, size }) => ({
      title,
      box: boxOf([...pos, ...size]),
    }));
    const pairs = (all) => all.flatMap((a, i) => all.slice(i + 1).map((b) => [a, b]));
    const over = (all) => pairs(all).filter(([a, b]) => meet(a.box, b.box)).map(([a, b]) => [a.title, b.title]);
    const hang = groups.flatMap((group) =>
      nodes.filter((node) => meet(group.box, node.box) && !holds(group.box, node.box)).map(({ title }) => title)
    );
    const folded = document.querySelectorAll(".mp-scrub.mp-shut:not([hidden])").length;
    return { over: [...over(nodes), ...over(groups)], hang, folded };
  });
}

orExit(
  withPage(url, async (page) => {
    await page.setViewportSize({ width: 1920, height: 1080 });
    const used = await useRenderer(page, renderer);
    if (used !== renderer) return { status: "execution_success", renderer: used };
    const seen = {};
    for (const name of [...templates.filter((name) => name !== toRun), toRun])
      seen[name] = await open(page, name);
    await page.evaluate((small) => {
      for (const node of window.app.graph.nodes)
        for (const widget of node.widgets ?? [])
          if (widget.name in (small[node.type] ?? {})) widget.value = small[node.type][widget.name];
    }, SMALL);
    const end = await clickRun(page);
    await page.waitForTimeout(3000); // the saved clip appears on its node
    await page.screenshot({ path: join(folder, `${toRun}_${used}_run.png`) });
    return { ...end, renderer: used, templates: seen, run: await placed(page) };
  })
);
