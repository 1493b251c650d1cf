// node one_click.cjs <server url> <pack name> <template> <screenshot folder>
// Opens the template browser, picks the pack's template, clicks Run, waits for the end.
// Prints {status, error, thumbnail, nodes, pageErrors}.
const { join } = require("node:path");
const { withPage, clickRun, orExit } = require("./page.cjs");

const [url, pack, template, folder] = process.argv.slice(2);

async function openTemplate(page) {
  await page.evaluate(() => window.app.extensionManager.command.execute("Comfy.BrowseTemplates"));
  await page.getByText(pack, { exact: true }).first().click();
  const card = page.locator(`[data-testid="template-workflow-${template}"]`);
  await card.waitFor();
  await card.scrollIntoViewIfNeeded(); // lazy pictures come as they are seen
  const thumbnail = await card.locator("img").first().evaluate(async (img) => {
    // a lazy image is "complete" before it has a source: wait for pixels, 20 s at most
    for (let i = 0; i < 200 && !img.naturalWidth; i++) await new Promise((end) => setTimeout(end, 100));
    return [img.naturalWidth, img.naturalHeight];
  });
  await page.screenshot({ path: join(folder, "templates.png") });
  await card.click();
  await page.waitForFunction(() => window.app.graph.nodes.length > 1);
  return thumbnail;
}

orExit(
  withPage(url, async (page) => {
    const thumbnail = await openTemplate(page);
    const end = await clickRun(page);
    await page.waitForTimeout(3000); // the saved clip appears on its node
    const nodes = await page.evaluate(() => window.app.graph.nodes.map((node) => node.type));
    await page.screenshot({ path: join(folder, "run.png") });
    return { ...end, thumbnail, nodes };
  })
);
