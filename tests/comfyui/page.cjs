// The page of a running server in headless Chromium, for the scripts beside this file.
const { join } = require("node:path");
const { chromium } = require(join(process.env.PLAYWRIGHT_CORE, "playwright-core"));

const FLAGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

// Opens the page and hands it to `use(page, open)`; open() makes another page, which knows nothing of
// the first. Prints what `use` returns, and the pages' own errors and those in their consoles, as one
// line of JSON.
async function withPage(url, use) {
  const browser = await chromium.launch({ executablePath: process.env.CHROMIUM, args: FLAGS });
  try {
    const pageErrors = [];
    const open = async () => {
      const page = await browser.newPage({ viewport: { width: 1600, height: 900 } });
      page.setDefaultTimeout(60000);
      page.on("pageerror", (error) => pageErrors.push(error.stack || String(error)));
      page.on("console", (message) => {
        const { url } = message.location();
        if (message.type() === "error") pageErrors.push(`${message.text()} (${url})`);
      });
      await page.goto(url);
      await page.waitForFunction(() => window.app?.graph && window.app.extensionManager);
      return page;
    };
    console.log(JSON.stringify({ ...(await use(await open(), open)), pageErrors }));
  } finally {
    await browser.close();
  }
}

// Chooses the node renderer, "classic" or "vue", where the page has both; which one is used. Pages
// before 1.30 have the second as an experiment that shows no widget made of page elements.
// Waits for the graph that a new page opens with, which would otherwise replace the test's own.
async function useRenderer(page, renderer) {
  const key = "Comfy.VueNodes.Enabled";
  const both = await page.evaluate((id) => {
    const [major, minor] = (window.__COMFYUI_FRONTEND_VERSION__ ?? "0.0").split(".").map(Number);
    const known = window.app.extensionManager.setting.get(id) !== undefined;
    return known && (major > 1 || minor >= 30);
  }, key);
  if (both) {
    await page.evaluate(
      ([id, on]) => window.app.extensionManager.setting.set(id, on),
      [key, renderer === "vue"]
    );
    await page.reload();
    await page.waitForFunction(() => window.app?.graph && window.app.extensionManager);
  }
  await page.waitForFunction(() => window.app.graph.nodes.length > 1, null, { timeout: 15000 }).catch(() => {});
  await page.waitForTimeout(1000);
  return both ? renderer : "classic";
}

// Chooses the page's colours, "dark" or "light".
async function usePalette(page, palette) {
  await page.evaluate(
    (name) => window.app.extensionManager.setting.set("Comfy.ColorPalette", name),
    palette
  );
  await page.waitForTimeout(500); // until the server has it, which keeps it for the next page
}

// Looks at the graph from its upper left corner, at its own size.
async function settle(page) {
  await page.evaluate(() => {
    const { ds } = window.app.canvas;
    ds.scale = 1;
    ds.offset = [40, 60];
    window.app.canvas.setDirty(true, true);
  });
  await page.waitForTimeout(500);
}

// Clicks Run and waits for the end of the execution.
async function clickRun(page) {
  const ended = page.evaluate(
    () =>
      new Promise((resolve) => {
        for (const name of ["execution_success", "execution_error", "execution_interrupted"])
          window.app.api.addEventListener(name, (event) =>
            resolve({ status: name, error: event.detail.exception_message || null })
          );
      })
  );
  await page.locator('[data-testid="queue-button"]').first().click();
  return ended;
}

function orExit(promise) {
  promise.catch((error) => {
    console.error(error);
    process.exit(1);
  });
}

module.exports = { withPage, clickRun, orExit, useRenderer, usePalette, settle };
