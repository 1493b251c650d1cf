// node live_still.cjs <server url> <screenshot folder>
// Builds example -> still editor, runs it once, moves a slider, waits for the live picture.
// Prints {status, error, before, after, pageErrors}: the sources of the picture on the node.
const { join } = require("node:path");
const { withPage, clickRun, orExit } = require("./page.cjs");

const [url, folder] = process.argv.slice(2);

function build() {
  const { app, LiteGraph } = window;
  app.graph.clear();
  const example = LiteGraph.createNode("MagicPortraitExample");
  const editor = LiteGraph.createNode("MagicPortraitStillEditor");
  example.pos = [100, 100];
  editor.pos = [450, 100];
  app.graph.add(example);
  app.graph.add(editor);
  example.connect(0, editor, 0);
}

function source() {
  const editor = window.app.graph.nodes.find((n) => n.type === "MagicPortraitStillEditor");
  return editor.imgs?.[0]?.src ?? null;
}

function moveYaw() {
  const editor = window.app.graph.nodes.find((n) => n.type === "MagicPortraitStillEditor");
  for (const value of [5, 10, 15]) {
    const yaw = editor.widgets.find((widget) => widget.name === "yaw");
    yaw.value = value;
    yaw.callback(value);
  }
}

orExit(
  withPage(url, async (page) => {
    await page.evaluate(build);
    const end = await clickRun(page);
    await page.waitForFunction(source);
    const before = await page.evaluate(source);
    await page.evaluate(moveYaw);
    await page.waitForFunction((old) => {
      const editor = window.app.graph.nodes.find((n) => n.type === "MagicPortraitStillEditor");
      return editor.imgs?.[0]?.src !== old;
    }, before);
    await page.waitForTimeout(2000);
    const after = await page.evaluate(source);
    await page.screenshot({ path: join(folder, "still.png") });
    return { ...end, before, after };
  })
);
