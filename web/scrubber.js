// Curves and frames on the nodes that track, move and map; gains there are previewed on one frame.
// Optional: the nodes do all of their work without this file.
import { api } from "../../scripts/api.js";
import { app } from "../../scripts/app.js";
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

function give(node) {
  const scrubber = new Scrubber({
    resized: () => refit(node, WIDTH),
    sliders: () => slidersOf(node),
    folded: node.properties?.[FOLDED],
    fold: (folded) => (node.properties[FOLDED] = folded),
    room: () => hasRoom(node, WIDTH, node.computeSize()[1]),
  });
  addFoot(node, "scrubber", scrubber.element, () => scrubber.height());
  onSliders(node, () => scrubber.run?.live && scrubber.ask());
  const { onExecuted, onConfigure, onRemoved } = node;
  node.onExecuted = function (output) {
    onExecuted?.apply(this, arguments);
    const told = output?.magicportrait?.[0];
    if (told) scrubber.load(told.node);
  };
  node.onConfigure = function () {
    onConfigure?.apply(this, arguments);
    scrubber.folded = node.properties?.[FOLDED];
  };
  // a node that the host has cached does not run: after a reload its run is still there to look at
  const cached = ({ detail }) => {
    if (!scrubber.run && detail.nodes.includes(String(node.id))) scrubber.load(String(node.id));
  };
  api.addEventListener("execution_cached", cached);
  node.onRemoved = function () {
    onRemoved?.apply(this, arguments);
    scrubber.stop();
    api.removeEventListener("execution_cached", cached);
  };
}

app.registerExtension({
  name: "MagicPortrait.Scrubber",
  nodeCreated(node) {
    if (NODES.includes(node.comfyClass) && node.addDOMWidget) give(node);
  },
});
