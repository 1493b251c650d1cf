// node every_template.cjs <server url> <pack name> <folder for pictures> <template to run> <template ...>
// Opens each template of the pack from the template browser; runs one, made small.
// Prints {status, error, templates: {name: {nodes, unknown, note}}, pageErrors}.
const { join } = require("node:path");
const { withPage, clickRun, orExit } = require("./page.cjs");

const [url, pack, folder, toRun, ...templates] = process.argv.slice(2);
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
  await page.screenshot({ path: join(folder, `${name}.png`) });
  return page.evaluate(() => {
    const nodes = window.app.graph.nodes;
    const known = window.LiteGraph.registered_node_types;
    return {
      nodes: nodes.length,
      unknown: nodes.map((node) => node.type).filter((type) => !(type in known)),
      note: nodes.some((node) => node.type === "MarkdownNote"),
    };
  });
}

orExit(
  withPage(url, async (page) => {
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
    await page.screenshot({ path: join(folder, `${toRun}_run.png`) });
    return { ...end, templates: seen };
  })
);
