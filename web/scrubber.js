// Curves and frames on the nodes that track, move and map; gains there are previewed on one frame.
// Optional: the nodes do all of their work without this file.
import { app } from "../../scripts/app.js";
import { followRuns } from "./lib/runs.js";
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
const WIDTH = 290; // px

const scrubbers = new Set();

function give(node) {
  const scrubber = new Scrubber({
    resized: () => refit(node, WIDTH),
    sliders: () => slidersOf(node),
    folded: node.properties?.[FOLDED],
    fold: (folded) => (node.properties[FOLDED] = folded),
    room: () => hasRoom(node, WIDTH, node.computeSize()[1]),
  });
  scrubbers.add(scrubber);
  followRuns(node, { seen: () => scrubber.run?.key, load: (run) => scrubber.load(run) });
  addFoot(node, "scrubber", scrubber.element, () => scrubber.height());
  onSliders(node, () => scrubber.run?.live && scrubber.ask());
  const { onConfigure, onRemoved } = node;
  node.onConfigure = function () {
    onConfigure?.apply(this, arguments);
    scrubber.folded = node.properties?.[FOLDED];
  };
  node.onRemoved = function () {
    onRemoved?.apply(this, arguments);
    scrubber.stop();
    scrubbers.delete(scrubber);
  };
}

app.registerExtension({
  name: "MagicPortrait.Scrubber",
  setup() {
    // the curves are drawn in the colours of the page's palette
    const repaint = () => scrubbers.forEach((scrubber) => scrubber.draw());
    const palette = new MutationObserver(() => requestAnimationFrame(repaint));
    palette.observe(document.documentElement, { attributeFilter: ["class", "style"] });
  },
  nodeCreated(node) {
    if (NODES.includes(node.comfyClass) && node.addDOMWidget) give(node);
  },
});
