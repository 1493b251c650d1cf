// node scrubber_again.cjs <server url> <screenshot folder> <classic|vue>
// Runs the graph of faces once, then looks where its scrubbers come back without running anything:
// the graph opened again, the page reloaded, another page, and one whose run finds all cached.
// Prints {status, error, renderer, types, opened, reloaded, other, changed, before,
// cached, ran, pageErrors}.
const { join } = require("node:path");
const { withPage, clickRun, orExit, useRenderer, settle } = require("./page.cjs");
const { build, mark, firstShown } = require("./scrub_graphs.cjs");

const [url, folder, renderer] = process.argv.slice(2);
const NEVER = 6000; // ms: what is found is there long before

// The types whose scrubbers show something, soon.
async function back(page, types, timeout = 30000) {
  await page.evaluate(mark);
  const shown = (type) => firstShown(page, type, timeout).then(() => true, () => false);
  const found = await Promise.all(types.map(shown));
  return types.filter((_, i) => found[i]);
}

const openGraph = (page, graph) => page.evaluate((saved) => window.app.loadGraphData(saved), graph);

function withValue(graph, type, place, value) {
  const copy = structuredClone(graph);
  copy.nodes.find((node) => node.type === type).widgets_values[place] = value;
  return copy;
}

orExit(
  withPage(url, async (page, open) => {
    const used = await useRenderer(page, renderer);
    if (used !== renderer) return { status: "execution_success", renderer: used };
    const smoothing = Math.random();
    const types = await page.evaluate(build, ["face", smoothing]);
    const end = await clickRun(page);
    if (end.status !== "execution_success") return { ...end, renderer: used };
    await back(page, types);
    const saved = await page.evaluate(() => window.app.graph.serialize());

    await openGraph(page, saved);
    const opened = await back(page, types);
    await page.waitForTimeout(3000); // the page keeps its graph for the next time
    await page.reload();
    await page.waitForFunction(() => window.app?.graph?.nodes?.length > 1);
    await page.waitForTimeout(1000);
    const reloaded = await back(page, types);
    await settle(page);
    await page.screenshot({ path: join(folder, `scrubber_reloaded_${renderer}.png`) });

    const second = await open();
    await useRenderer(second, renderer);
    await openGraph(second, saved);
    const other = await back(second, types);
    await openGraph(second, withValue(saved, types[1], 0, 0.3));
    const changed = { gain: await back(second, types) };
    await openGraph(second, withValue(saved, types[0], 2, smoothing / 2));
    changed.smoothing = await back(second, types, NEVER);

    const third = await open();
    await useRenderer(third, renderer);
    await third.evaluate(build, ["face", smoothing]);
    await third.evaluate(() => {
      window.ran = [];
      window.app.api.addEventListener("executing", ({ detail }) => detail && window.ran.push(detail));
    });
    const before = await back(third, types, 3000);
    const again = await clickRun(third);
    const cached = await back(third, types);
    const ran = await third.evaluate(() => window.ran);
    return { ...again, renderer: used, types, opened, reloaded, other, changed, before, cached, ran };
  })
);
