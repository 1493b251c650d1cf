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

// Opens the page, hands it to `use(page)`, prints what that returns and the page's own errors as
// one line of JSON.
async function withPage(url, use) {
  const browser = await chromium.launch({ executablePath: process.env.CHROMIUM, args: FLAGS });
  try {
    const page = await browser.newPage({ viewport: { width: 1600, height: 900 } });
    page.setDefaultTimeout(60000);
    const pageErrors = [];
    page.on("pageerror", (error) => pageErrors.push(error.stack || String(error)));
    await page.goto(url);
    await page.waitForFunction(() => window.app?.graph && window.app.extensionManager);
    console.log(JSON.stringify({ ...(await use(page)), pageErrors }));
  } finally {
    await browser.close();
  }
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

module.exports = { withPage, clickRun, orExit };
