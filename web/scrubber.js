// Curves and frames on the nodes that track, move and map; gains there are previewed on one frame.
// Optional: the nodes do all of their work without this file.
import { api } from "../../scripts/api.js";
import { app } from "../../scripts/app.js";
import { post } from "./lib/pictures.js";
import { Scrubber } from "./lib/scrubber.js";
import { addFoot, hasRoom, onSliders, refit, slidersOf } from "./lib/widget.js";

const NODES = [
  "MagicPortraitTrackFace",
  "MagicPortraitPreview",
  "FLAMETrack",
  "MagicPortraitMotionEdit",
  "RenderGeometryMaps",
];
const FOLDED = "magicportrait_folded";
const WIDTH = 320; // px
const CAPTURES = /Webcam|Load3D|RecordAudio/; // of these nodes a prompt cannot be made in passing

const scrubbers = new Map(); // node -> its scrubber

function give(node) {
  const scrubber = new Scrubber({
    resized: () => refit(node, WIDTH),
    sliders: () => slidersOf(node),
    folded: node.properties?.[FOLDED],
    fold: (folded) => (node.properties[FOLDED] = folded),
    room: () => hasRoom(node, WIDTH, node.computeSize()[1]),
  });
  scrubbers.set(node, scrubber);
  addFoot(node, "scrubber", scrubber.element, () => scrubber.height());
  onSliders(node, () => scrubber.run?.live && scrubber.ask());
  const { onExecuted, onConfigure, onRemoved } = node;
  node.onExecuted = function (output) {
    onExecuted?.apply(this, arguments);
    const told = output?.magicportrait?.[0];
    if (told) scrubber.load(told.run);
  };
  node.onConfigure = function () {
    onConfigure?.apply(this, arguments);
    scrubber.folded = node.properties?.[FOLDED];
  };
  node.onRemoved = function () {
    onRemoved?.apply(this, arguments);
    scrubber.stop();
    scrubbers.delete(node);
  };
}

// Whether a prompt's id is the node's; a node in a subgraph has the ids of the nodes round it before.
function isAt(node, id) {
  const alone = node.graph?.isRootGraph ?? true;
  return alone ? id === String(node.id) : id.endsWith(`:${node.id}`);
}

// A node that the host has cached does not run, nor does one in a page just loaded: the server may
// still hold what such nodes were last seen to do.
async function find(asked, only = null) {
  const answer = await post("/magicportrait/runs", asked);
  if (!answer.ok) return;
  const held = Object.entries(await answer.json()).filter(([id]) => !only || only.includes(id));
  for (const [node, scrubber] of scrubbers) {
    const run = held.find(([id]) => isAt(node, id))?.[1];
    if (run && run !== scrubber.run?.key) scrubber.load(run);
  }
}

async function findAll() {
  if (!scrubbers.size || app.graph.nodes.some((node) => CAPTURES.test(node.type))) return;
  const prompt = await app.graphToPrompt().then(({ output }) => output, () => null);
  if (prompt) await find({ prompt });
}

app.registerExtension({
  name: "MagicPortrait.Scrubber",
  setup() {
    api.addEventListener("execution_cached", ({ detail }) => {
      if (scrubbers.size) find({ prompt_id: detail.prompt_id }, detail.nodes);
    });
    // the curves are drawn in the colours of the page's palette
    const repaint = () => scrubbers.forEach((scrubber) => scrubber.draw());
    const palette = new MutationObserver(() => requestAnimationFrame(repaint));
    palette.observe(document.documentElement, { attributeFilter: ["class", "style"] });
  },
  nodeCreated(node) {
    if (NODES.includes(node.comfyClass) && node.addDOMWidget) give(node);
  },
  afterConfigureGraph: findAll,
});
