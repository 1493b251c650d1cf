// node scrubber.cjs <server url> <screenshot folder> <classic|vue>
// Example -> track -> preview, run once; then the scrubber, the views and a gain are used.
// Prints {status, error, renderer, atRest, scrubbed, before, after, stored, height, room, pageErrors}.
const { join } = require("node:path");
const { withPage, clickRun, orExit, useRenderer, settle } = require("./page.cjs");

const [url, folder, renderer] = process.argv.slice(2);

function build() {
  const { app, LiteGraph } = window;
  app.graph.clear();
  const place = (type, x) => {
    const node = LiteGraph.createNode(type);
    node.pos = [x, 60];
    app.graph.add(node);
    return node;
  };
  const example = place("MagicPortraitExample", 40);
  const track = place("MagicPortraitTrackFace", 310);
  const preview = place("MagicPortraitPreview", 680);
  const save = place("SaveVideo", 1050);
  track.widgets.find((w) => w.name === "smoothing").value = Math.random(); // never cached
  example.connect(1, track, 0);
  example.connect(0, preview, 0);
  track.connect(0, preview, 1);
  preview.connect(1, save, 0);
}

// The mean of a picture's pixels in each of 8 x 8 cells: enough to tell two frames apart.
function cells(index) {
  const image = document.querySelectorAll(".mp-picture img")[index];
  const canvas = Object.assign(document.createElement("canvas"), { width: 8, height: 8 });
  const ctx = canvas.getContext("2d");
  ctx.drawImage(image, 0, 0, 8, 8);
  return [...ctx.getImageData(0, 0, 8, 8).data];
}

function moveGain() {
  const preview = window.app.graph.nodes.find((n) => n.type === "MagicPortraitPreview");
  for (const value of [0.6, 0.2, 0]) {
    for (const name of ["pose", "expression"]) {
      const widget = preview.widgets.find((w) => w.name === name);
      widget.value = value;
      widget.callback(value);
    }
  }
}

// Whether the track node may be 700 px high: as it stands, and with a node 400 px below its top.
async function rooms() {
  const { hasRoom } = await import("/extensions/ComfyUI-MagicPortrait/lib/widget.js");
  const { app, LiteGraph } = window;
  const track = app.graph.nodes.find((n) => n.type === "MagicPortraitTrackFace");
  const alone = hasRoom(track, 320, 700);
  const below = LiteGraph.createNode("MagicPortraitExample");
  below.pos = [track.pos[0] + 50, track.pos[1] + 400];
  app.graph.add(below);
  const crowded = hasRoom(track, 320, 700);
  app.graph.remove(below);
  return [alone, crowded];
}

const shown = (page, index) => page.locator(".mp-picture img").nth(index).getAttribute("data-shown");

orExit(
  withPage(url, async (page) => {
    const used = await useRenderer(page, renderer);
    if (used !== renderer) return { status: "execution_success", renderer: used };
    await page.evaluate(build);
    await settle(page);
    const room = await page.evaluate(rooms);
    const end = await clickRun(page);
    for (const index of [0, 1]) {
      await page.waitForFunction(
        (i) => document.querySelectorAll(".mp-picture img")[i]?.dataset.shown,
        index
      );
    }
    const atRest = [await shown(page, 0), await shown(page, 1)];
    for (const index of [0, 1]) {
      const box = await page.locator(".mp-curves").nth(index).boundingBox();
      await page.mouse.move(box.x + box.width / 2, box.y + box.height / 2);
      await page.mouse.down();
      await page.mouse.move(box.x + box.width / 4, box.y + box.height / 2, { steps: 5 });
      await page.mouse.up();
      await page.waitForFunction(
        ([i, old]) => {
          const image = document.querySelectorAll(".mp-picture img")[i];
          const where = document.querySelectorAll(".mp-where b")[i].textContent;
          return image.dataset.shown !== old && image.dataset.shown.endsWith(` ${where}`);
        },
        [index, atRest[index]]
      );
    }
    const scrubbed = [await shown(page, 0), await shown(page, 1)];
    const before = await page.evaluate(cells, 1);
    await page.screenshot({ path: join(folder, `scrubber_${renderer}.png`) });
    await page.evaluate(moveGain);
    await page.waitForTimeout(4000);
    const after = await page.evaluate(cells, 1);
    await page.locator('.mp-views button[data-view="frame"]').first().click();
    await page.waitForFunction(() =>
      document.querySelector(".mp-picture img").dataset.shown.startsWith("frame ")
    );
    const stored = await page.evaluate(() => {
      const track = window.app.graph.serialize().nodes.find((n) => n.type === "MagicPortraitTrackFace");
      return track.widgets_values.length;
    });
    const height = await page.evaluate(
      () => window.app.graph.nodes.find((n) => n.type === "MagicPortraitTrackFace").size[1]
    );
    return { ...end, renderer: used, atRest, scrubbed, before, after, stored, height, room };
  })
);
