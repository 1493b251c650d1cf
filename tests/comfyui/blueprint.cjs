// node blueprint.cjs <server url> <part of the blueprint's name> <screenshot folder>
// Loads a blueprint of the pack from the server, wires the example and Save Video to it, clicks Run.
// Prints {status, error, names, nodes, pageErrors}; status "absent" where the host has no blueprints.
const { join } = require("node:path");
const { withPage, clickRun, orExit } = require("./page.cjs");

const [url, wanted, folder] = process.argv.slice(2);

orExit(
  withPage(url, async (page) => {
    const found = await page.evaluate(async (wanted) => {
      const answer = await window.app.api.fetchApi("/global_subgraphs");
      if (!answer.ok) return null;
      const listed = Object.entries(await answer.json());
      const names = listed.map(([, entry]) => entry.name).filter((n) => n.includes("MagicPortrait"));
      const [id] = listed.find(([, entry]) => entry.name.includes(wanted)) ?? [];
      if (!id) return { names };
      const whole = await (await window.app.api.fetchApi(`/global_subgraphs/${id}`)).json();
      await window.app.loadGraphData(JSON.parse(whole.data));
      const [folded] = window.app.graph.nodes;
      const add = (type, pos) => {
        const node = window.LiteGraph.createNode(type);
        node.pos = pos;
        window.app.graph.add(node);
        return node;
      };
      const example = add("MagicPortraitExample", [-300, 100]);
      const save = add("SaveVideo", [600, 100]);
      example.connect(0, folded, folded.inputs.findIndex((slot) => slot.name === "portrait"));
      example.connect(1, folded, folded.inputs.findIndex((slot) => slot.name === "driving"));
      folded.connect(0, save, 0);
      return { names, nodes: window.app.graph.nodes.map((node) => node.title) };
    }, wanted);
    if (!found?.nodes) return { status: "absent", ...found };
    const end = await clickRun(page);
    await page.waitForTimeout(1500);
    await page.screenshot({ path: join(folder, "blueprint.png") });
    return { ...end, ...found };
  })
);
