// node weights_badge.cjs <server url> <screenshot folder> <classic|vue>
// Puts a head loader on the page and opens its list of files.
// Prints {status, renderer, summary, files, pageErrors}.
const { join } = require("node:path");
const { withPage, orExit, useRenderer, settle } = require("./page.cjs");

const [url, folder, renderer] = process.argv.slice(2);

orExit(
  withPage(url, async (page) => {
    const used = await useRenderer(page, renderer);
    if (used !== renderer) return { status: "execution_success", renderer: used };
    await page.evaluate(() => {
      const { app, LiteGraph } = window;
      app.graph.clear();
      const node = LiteGraph.createNode("MagicPortraitHeadLoader");
      node.pos = [300, 80];
      app.graph.add(node);
    });
    await settle(page);
    const badge = page.locator(".mp-badge");
    await page.waitForFunction(() => /installed/.test(document.querySelector(".mp-badge")?.textContent));
    await badge.click();
    await page.locator(".mp-files li").first().waitFor();
    await page.screenshot({ path: join(folder, `weights_${renderer}.png`) });
    const summary = await badge.locator("span").textContent();
    const files = await page.locator(".mp-files li").allInnerTexts();
    return { status: "execution_success", renderer: used, summary, files };
  })
);
