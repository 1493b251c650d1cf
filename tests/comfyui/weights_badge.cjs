// node weights_badge.cjs <server url> <screenshot folder> <classic|vue> <dark|light>
// Opens the list of files of each loader, with a node right below it, and closes it in every way.
// Prints {status, renderer, <type>: {summary, files, sizes, badge, opaque, covered, inside,
// scrolled, followed, above, closed, left}, pageErrors}.
const { join } = require("node:path");
const { withPage, orExit, useRenderer, usePalette, settle } = require("./page.cjs");

const [url, folder, renderer, palette] = process.argv.slice(2);
const TYPES = ["MagicPortraitModelLoader", "MagicPortraitHeadLoader"];

// Runs in the page: the loader, a node right below, one far aside.
// Newer pages keep the elements of a node whose id comes again: each try has ids of its own.
function build([type, first]) {
  const { app, LiteGraph } = window;
  app.graph.clear();
  app.graph.state.lastNodeId = first;
  const place = (type, pos) => {
    const node = LiteGraph.createNode(type);
    node.pos = pos;
    app.graph.add(node);
    return node;
  };
  const loader = place(type, [300, 60]);
  place("KSampler", [900, 60]);
  return new Promise((resolve) => {
    const below = () => place("CLIPTextEncode", [300, loader.pos[1] + loader.size[1] + 60]);
    setTimeout(() => resolve(below() && null), 1000); // by then the loader has its size
  });
}

// Runs in the page: every node's place and size.
const sizes = () => window.app.graph.nodes.map(({ pos, size }) => [...pos, ...size].map(Math.round));

// Runs in the page: what of the panel is not on top, whether it is opaque and within the window.
function look() {
  const panel = document.querySelector(".mp-panel");
  const box = panel.getBoundingClientRect();
  const covered = [];
  for (let y = box.top + 8; y < box.bottom - 4; y += 12)
    for (let x = box.left + 8; x < box.right - 4; x += 12) {
      const top = document.elementFromPoint(x, y);
      if (!panel.contains(top)) covered.push(top?.className ?? String(top));
    }
  const { backgroundColor: ground, opacity } = getComputedStyle(panel);
  const opaque = /^rgb\(|^#/.test(ground) && opacity === "1";
  const inside = box.left >= 0 && box.top >= 0 && box.right <= innerWidth && box.bottom <= innerHeight;
  return { opaque, covered, inside };
}

// Runs in the page: the height, px, in which the badge can be seen.
function shownHeight() {
  const badge = document.querySelector(".mp-badge");
  const { left, width, top, bottom } = badge.getBoundingClientRect();
  let seen = 0;
  for (let y = Math.ceil(top); y < bottom; y++)
    if (badge.contains(document.elementFromPoint(left + width / 2, y))) seen++;
  return seen;
}

// Runs in the page: moves the graph; how far the panel went with it.
async function move([dx, dy]) {
  const frames = async () => {
    for (let i = 0; i < 20; i++) await new Promise(requestAnimationFrame);
  };
  const panel = document.querySelector(".mp-panel");
  const before = panel.getBoundingClientRect();
  const { ds } = window.app.canvas;
  ds.offset = [ds.offset[0] + dx, ds.offset[1] + dy];
  window.app.canvas.setDirty(true, true);
  await frames();
  const after = panel.getBoundingClientRect();
  return [after.left - before.left, after.top - before.top].map(Math.round);
}

// Runs in the page: moves the graph until the badge is near the window's foot.
async function toFoot() {
  const { ds } = window.app.canvas;
  const badge = document.querySelector(".mp-badge").getBoundingClientRect();
  ds.offset = [ds.offset[0], ds.offset[1] + innerHeight - 120 - badge.bottom];
  window.app.canvas.setDirty(true, true);
  for (let i = 0; i < 20; i++) await new Promise(requestAnimationFrame);
}

async function closeEachWay(page, badge) {
  const panel = page.locator(".mp-panel");
  const ways = {
    badge: () => badge.click(),
    Escape: () => page.keyboard.press("Escape"),
    elsewhere: () => page.mouse.click(1200, 500),
    "out of sight": () => page.evaluate(move, [0, -5000]),
  };
  const closed = [];
  for (const [name, close] of Object.entries(ways)) {
    if (!(await panel.count())) await badge.click();
    await panel.waitFor();
    await close();
    const gone = panel.waitFor({ state: "detached", timeout: 5000 });
    if (await gone.then(() => true, () => false)) closed.push(name);
  }
  return closed;
}

async function tryBadge(page, type) {
  await page.evaluate(build, [type, 100 * TYPES.indexOf(type)]);
  await settle(page);
  const badge = page.locator(".mp-badge");
  await page.waitForFunction(() => /installed/.test(document.querySelector(".mp-badge")?.textContent));
  const before = await page.evaluate(sizes);
  await badge.click();
  await page.locator(".mp-files li").first().waitFor();
  await page.waitForTimeout(500);
  const seen = await page.evaluate(look);
  await page.screenshot({ path: join(folder, `weights_${type}_${renderer}_${palette}.png`) });
  const summary = await badge.locator("span").textContent();
  const files = await page.locator(".mp-files li").allInnerTexts();
  const after = await page.evaluate(sizes);
  const tall = await page.evaluate(shownHeight);
  await page.keyboard.press("Delete"); // of the panel's own: the nodes stay
  const followed = await page.evaluate(move, [-40, 150]);
  const panel = page.locator(".mp-panel");
  const { x, y } = await panel.boundingBox();
  await page.mouse.move(x + 50, y + 50);
  await page.mouse.wheel(0, 300);
  await page.waitForTimeout(500);
  const scrolled = await panel.evaluate((element) => element.scrollTop);
  await page.evaluate(toFoot);
  const above = await page.evaluate(look);
  const foot = (await panel.boundingBox()).y + (await panel.boundingBox()).height;
  above.above = foot <= (await badge.boundingBox()).y;
  const closed = await closeEachWay(page, badge);
  const left = await page.evaluate(() => window.app.graph.nodes.length);
  return { summary, files, sizes: [before, after], badge: tall, ...seen, followed, scrolled, above, closed, left };
}

orExit(
  withPage(url, async (page) => {
    const used = await useRenderer(page, renderer);
    if (used !== renderer) return { status: "execution_success", renderer: used };
    await usePalette(page, palette);
    const tried = {};
    for (const type of TYPES) tried[type] = await tryBadge(page, type);
    await usePalette(page, "dark");
    return { status: "execution_success", renderer: used, ...tried };
  })
);
