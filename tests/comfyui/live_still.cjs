// node live_still.cjs <server url> <screenshot folder> <classic|vue> <root|subgraph>
// Builds example -> still editor, the latter folded into a subgraph where that is asked for, runs it
// once and moves a slider; then does so in the page reloaded, where nothing is run.
// Prints {status, error, renderer, depth, noted, fresh, reloaded, ran, pictures, pageErrors}: of
// fresh and reloaded each the cells of the picture on the node before and after; depth, of the editor
// in subgraphs; noted, the name of the widget that a note adds; pictures, how many the node shows.
const { join } = require("node:path");
const { withPage, clickRun, orExit, useRenderer, settle } = require("./page.cjs");

const [url, folder, renderer, place] = process.argv.slice(2);

// Runs in the page.
function build(inside) {
  const { app, LiteGraph } = window;
  app.graph.clear();
  const add = (type, pos) => {
    const node = LiteGraph.createNode(type);
    node.pos = pos;
    app.graph.add(node);
    return node;
  };
  const example = add("MagicPortraitExample", [20, 60]);
  const editor = add("MagicPortraitStillEditor", [400, 60]);
  editor.size = [360, 620];
  example.connect(0, editor, 0);
  if (inside && app.graph.convertToSubgraph) app.graph.convertToSubgraph(new Set([editor]));
}

// Runs in the page: defines editor(), the still editor and how deep it lies, wherever it does.
function define() {
  window.editor = (graph = window.app.graph, depth = 0) => {
    for (const node of graph.nodes) {
      if (node.type === "MagicPortraitStillEditor") return { node, depth };
      const found = node.subgraph && window.editor(node.subgraph, depth + 1);
      if (found) return found;
    }
    return null;
  };
  window.pictures = () => {
    const { node } = window.editor();
    if (!window.LiteGraph.vueNodesMode) return node.imgs ?? [];
    const shown = [...document.querySelectorAll(`[data-node-id="${node.id}"] img`)];
    return shown.filter((image) => image.complete && image.naturalWidth && image.offsetWidth);
  };
  window.source = () => (window.editor() && window.pictures().at(-1)?.src) ?? null;
  window.ran = false;
  window.app.api.addEventListener("execution_start", () => (window.ran = true));
}

// Runs in the page: shows the graph that the editor lies in.
function enter() {
  const { node, depth } = window.editor();
  if (depth) window.app.canvas.setGraph(node.graph);
}

// Runs in the page: as the host shows a node's note; the name of its widget.
async function note(text) {
  const { node, depth } = window.editor();
  const around = window.app.graph.nodes.find((one) => one.subgraph);
  const nodeId = depth ? `${around.id}:${node.id}` : String(node.id);
  window.app.api.dispatchEvent(new CustomEvent("progress_text", { detail: { nodeId, text } }));
  await new Promise((resolve) => setTimeout(resolve, 500));
  return node.widgets.map((widget) => widget.name).find((name) => name.startsWith("$$node-text"));
}

// Runs in the page.
function moveYaw(to) {
  const yaw = window.editor().node.widgets.find((widget) => widget.name === "yaw");
  for (const value of [to / 3, to / 1.5, to]) {
    yaw.value = value;
    yaw.callback(value);
  }
}

// Runs in the page: the means of the picture's pixels in 16 x 16 cells.
function cells() {
  const canvas = Object.assign(document.createElement("canvas"), { width: 16, height: 16 });
  const ctx = canvas.getContext("2d");
  ctx.drawImage(window.pictures().at(-1), 0, 0, 16, 16);
  return [...ctx.getImageData(0, 0, 16, 16).data].filter((_, i) => i % 4 < 3);
}

async function moved(page, to) {
  await page.waitForFunction(() => window.source());
  await page.waitForTimeout(1000);
  const before = await page.evaluate(() => window.source());
  const first = await page.evaluate(cells);
  await page.evaluate(moveYaw, to);
  await page.waitForFunction((old) => window.source() !== old, before);
  await page.waitForTimeout(2000);
  return [first, await page.evaluate(cells)];
}

orExit(
  withPage(url, async (page) => {
    const used = await useRenderer(page, renderer);
    if (used !== renderer) return { status: "execution_success", renderer: used };
    await page.evaluate(define);
    await page.evaluate(build, place === "subgraph");
    const depth = await page.evaluate(() => window.editor().depth);
    const end = await clickRun(page);
    await page.evaluate(enter);
    const noted = await page.evaluate(note, "A note.");
    const fresh = await moved(page, 15);
    await settle(page);
    await page.screenshot({ path: join(folder, `still_${place}_${renderer}.png`) });
    const count = () => page.evaluate(() => window.pictures().length);
    const pictures = [await count()];
    const ran = { fresh: await page.evaluate(() => window.ran) };

    await page.waitForTimeout(3000); // the page keeps its graph for the next time
    await page.reload();
    await page.waitForFunction(() => window.app?.graph?.nodes?.length > 1);
    await page.evaluate(define);
    await page.evaluate(enter);
    const reloaded = await moved(page, -15);
    await settle(page);
    await page.screenshot({ path: join(folder, `still_${place}_${renderer}_reloaded.png`) });
    ran.reloaded = await page.evaluate(() => window.ran);
    pictures.push(await count());
    return { ...end, renderer: used, depth, noted, fresh, reloaded, ran, pictures };
  })
);
