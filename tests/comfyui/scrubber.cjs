// node scrubber.cjs <server url> <screenshot folder> <classic|vue> <face|head> <dark|light>
// Runs one of two graphs once and uses every scrubber in it: each view at two frames, the slider by
// keys, the curves by pointer, a gain. Prints {status, error, renderer, nodes: {type: {first, views:
// {view: {frames, before, after}}, dragged, gain, label, value, tabs}}, left, stored, room, pageErrors}.
const { join } = require("node:path");
const { withPage, clickRun, orExit, useRenderer, usePalette, settle } = require("./page.cjs");
const { build, mark, firstShown, waitShown, cells } = require("./scrub_graphs.cjs");

const [url, folder, renderer, graph, palette] = process.argv.slice(2);
const GAINS = { MagicPortraitPreview: ["pose", "expression"], MagicPortraitMotionEdit: ["yaw", "jaw"] };

// Whether the first node may be 700 px high: as it stands, and with a node 400 px below its top.
async function rooms(type) {
  const { hasRoom } = await import("/extensions/ComfyUI-MagicPortrait/lib/widget.js");
  const { app, LiteGraph } = window;
  const node = app.graph.nodes.find((n) => n.type === type);
  const alone = hasRoom(node, 320, 700);
  const below = LiteGraph.createNode("MagicPortraitExample");
  below.pos = [node.pos[0] + 50, node.pos[1] + 400];
  app.graph.add(below);
  const crowded = hasRoom(node, 320, 700);
  app.graph.remove(below);
  return [alone, crowded];
}

function moveGains([type, names]) {
  const node = window.app.graph.nodes.find((n) => n.type === type);
  for (const value of [0.6, 0.2, 0]) {
    for (const widget of node.widgets.filter((w) => names.includes(w.name))) {
      widget.value = value;
      widget.callback(value);
    }
  }
}

// Each view is chosen, looked at, and looked at again some frames on, by the keys of the slider.
async function useViews(page, type) {
  const scrub = page.locator(`[data-node="${type}"]`);
  const slider = scrub.getByRole("slider", { name: "Frame" });
  const views = {};
  const buttons = scrub.locator(".mp-views button");
  for (const view of await buttons.evaluateAll((all) => all.map((b) => b.dataset.view))) {
    const button = scrub.locator(`.mp-views button[data-view="${view}"]`);
    if ((await button.getAttribute("aria-pressed")) === "false") await button.click();
    await slider.focus();
    await page.keyboard.press("Home");
    const frames = [await waitShown(page, type, view)];
    const before = await page.evaluate(cells, [type, view]);
    await page.keyboard.press("End");
    for (let i = 0; i < 5; i++) await page.keyboard.press("ArrowLeft");
    await page.waitForFunction(
      (type) => document.querySelector(`[data-node="${type}"] .mp-where b`).textContent !== "0",
      type
    );
    frames.push(await waitShown(page, type, view));
    views[view] = { frames, before, after: await page.evaluate(cells, [type, view]) };
  }
  await page.keyboard.press("Delete"); // of the slider's own: the node stays
  await buttons.first().focus();
  let tabs = 0; // from the first button to the slider
  for (; tabs < 20 && !(await slider.evaluate((e) => e === document.activeElement)); tabs++)
    await page.keyboard.press("Tab");
  const [label, value] = [await slider.getAttribute("aria-label"), await slider.getAttribute("aria-valuetext")];
  return { views, label, value, tabs };
}

async function drag(page, type, view) {
  const box = await page.locator(`[data-node="${type}"] .mp-curves`).boundingBox();
  await page.mouse.move(box.x + box.width / 2, box.y + box.height / 2);
  await page.mouse.down();
  await page.mouse.move(box.x + box.width / 4, box.y + box.height / 2, { steps: 5 });
  await page.mouse.up();
  return waitShown(page, type, view);
}

async function useScrubber(page, type) {
  const first = await firstShown(page, type);
  const used = await useViews(page, type);
  const [view] = Object.keys(used.views).slice(-1);
  const dragged = await drag(page, type, view);
  let gain = null;
  if (GAINS[type]) {
    const before = await page.evaluate(cells, [type, view]);
    await page.evaluate(moveGains, [type, GAINS[type]]);
    await page.waitForTimeout(4000);
    gain = { before, after: await page.evaluate(cells, [type, view]) };
  }
  return { first, ...used, dragged, gain };
}

orExit(
  withPage(url, async (page) => {
    await page.setViewportSize({ width: 1920, height: 1280 });
    const used = await useRenderer(page, renderer);
    if (used !== renderer) return { status: "execution_success", renderer: used };
    await usePalette(page, palette);
    const types = await page.evaluate(build, [graph]);
    await settle(page);
    const room = await page.evaluate(rooms, types[0]);
    const end = await clickRun(page);
    if (end.status !== "execution_success") return { ...end, renderer: used };
    await page.evaluate(mark);
    const nodes = {};
    for (const type of types) nodes[type] = await useScrubber(page, type);
    await settle(page);
    await page.screenshot({ path: join(folder, `scrubber_${graph}_${renderer}_${palette}.png`) });
    await usePalette(page, "dark");
    const { left, stored } = await page.evaluate((types) => {
      const { nodes } = window.app.graph.serialize();
      const mine = nodes.filter((node) => types.includes(node.type));
      return { left: mine.map((n) => n.type), stored: JSON.stringify(mine).includes("blob:") };
    }, types);
    return { ...end, renderer: used, nodes, left, stored, room };
  })
);
