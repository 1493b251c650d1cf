// The still editor's live preview: a moved slider asks the server for the picture and shows it on
// the node. One request is under way at a time; the latest values wait for it.
import { api } from "../../scripts/api.js";
import { app } from "../../scripts/app.js";
import { latest, post } from "./lib/pictures.js";
import { followRuns, promptId } from "./lib/runs.js";
import { onSliders, slidersOf } from "./lib/widget.js";

async function fetchPicture(what) {
  const answer = await post("/magicportrait/still", what);
  return answer.ok ? answer.blob() : null;
}

async function show(node, blob) {
  if (!blob) return;
  if (window.LiteGraph?.vueNodesMode) {
    // as a sampler's preview, which the host shows and clears away; such nodes draw no node.imgs
    const id = promptId(node);
    const none = { node: id, display_node: id, output: {} }; // else the run's stays above it
    api.dispatchEvent(new CustomEvent("executed", { detail: none }));
    const detail = { blob, nodeId: id, displayNodeId: id };
    api.dispatchEvent(new CustomEvent("b_preview_with_metadata", { detail }));
    return;
  }
  const picture = new Image();
  picture.src = URL.createObjectURL(blob);
  await picture.decode();
  const before = node.imgs?.[0]?.src;
  node.imgs = [picture];
  node.imageIndex = 0;
  node.setDirtyCanvas(true, true);
  if (before?.startsWith("blob:")) URL.revokeObjectURL(before);
}

function give(node) {
  let run = null; // the key of what the server holds
  const wish = latest(fetchPicture, (blob) => show(node, blob));
  const ask = () => run && wish({ run, sliders: slidersOf(node) });
  onSliders(node, ask);
  followRuns(node, {
    seen: () => run,
    load(key, ran) {
      run = key;
      if (!ran && !node.imgs?.length) ask();
    },
  });
}

app.registerExtension({
  name: "MagicPortrait.StillEditor",
  nodeCreated(node) {
    if (node.comfyClass === "MagicPortraitStillEditor") give(node);
  },
});
