// node pictures.cjs <server url> <folder of workflows> <folder for pictures>
// A screenshot of every graph, fitted to the page, as NAME.png.
const { readdirSync, readFileSync } = require("node:fs");
const { join } = require("node:path");
const { withPage, orExit } = require("../../tests/comfyui/page.cjs");

const [url, workflows, folder] = process.argv.slice(2);

orExit(
  withPage(url, async (page) => {
    await page.setViewportSize({ width: 3000, height: 1500 }); // words are drawn at this zoom
    await page.evaluate(() => window.app.extensionManager.setting.set("Comfy.Minimap.Visible", false));
    const names = readdirSync(workflows).filter((name) => name.endsWith(".json")).sort();
    for (const name of names) {
      const graph = JSON.parse(readFileSync(join(workflows, name)));
      await page.evaluate((g) => window.app.loadGraphData(g), graph);
      await page.waitForTimeout(500);
      await page.evaluate(() => window.app.extensionManager.command.execute("Comfy.Canvas.FitView"));
      await page.waitForTimeout(1200);
      await page.screenshot({ path: join(folder, name.replace(".json", ".png")) });
    }
    return { names };
  })
);
