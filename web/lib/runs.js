// Tells nodes of the runs that the server holds of them: after they ran, and where they did not run
// because the host had them cached or the page was just loaded.
import { api } from "../../../scripts/api.js";
import { app } from "../../../scripts/app.js";
import { post } from "./pictures.js";

const CAPTURES = /Webcam|Load3D|RecordAudio/; // of these nodes a prompt cannot be made in passing

const followers = new Map(); // node -> {seen, load}

// load(run) is called with the key of a run that is not what seen() gives; and whether the node has
// just run.
export function followRuns(node, { seen, load }) {
  followers.set(node, { seen, load });
  const { onExecuted, onRemoved } = node;
  node.onExecuted = function (output) {
    onExecuted?.apply(this, arguments);
    const told = output?.magicportrait?.[0];
    if (told) load(told.run, true);
  };
  node.onRemoved = function () {
    onRemoved?.apply(this, arguments);
    followers.delete(node);
  };
}

// Whether a prompt's id is the node's; a node in a subgraph has the ids of the nodes round it before.
function isAt(node, id) {
  const path = id.split(":");
  if (path.pop() !== String(node.id)) return false;
  let graph = node.graph?.rootGraph ?? app.graph;
  for (const step of path) graph = graph?.getNodeById(step)?.subgraph;
  return graph != null && graph.id === (node.graph ?? graph).id;
}

// The id that a prompt has the node under, as above; of a subgraph in use twice, the first.
export function promptId(node, graph = node.graph?.rootGraph ?? app.graph, around = "") {
  if (!node.graph || graph.id === node.graph.id) return `${around}${node.id}`;
  for (const { id, subgraph } of graph.nodes) {
    const found = subgraph && promptId(node, subgraph, `${around}${id}:`);
    if (found) return found;
  }
  return null;
}

async function find(asked, only = null) {
  const answer = await post("/magicportrait/runs", asked);
  if (!answer.ok) return;
  const held = Object.entries(await answer.json()).filter(([id]) => !only || only.includes(id));
  for (const [node, { seen, load }] of followers) {
    const run = held.find(([id]) => isAt(node, id))?.[1];
    if (run && run !== seen()) load(run, false);
  }
}

async function findAll() {
  if (!followers.size || app.graph.nodes.some((node) => CAPTURES.test(node.type))) return;
  const prompt = await app.graphToPrompt().then(({ output }) => output, () => null);
  if (prompt) await find({ prompt });
}

app.registerExtension({
  name: "MagicPortrait.Runs",
  setup() {
    api.addEventListener("execution_cached", ({ detail }) => {
      if (followers.size) find({ prompt_id: detail.prompt_id }, detail.nodes);
    });
  },
  afterConfigureGraph: findAll,
});
