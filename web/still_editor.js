// The still editor's live preview: a moved slider asks the server for the picture and shows it on
// the node. One request is under way at a time; the latest values wait for it.
import { api } from "../../scripts/api.js";
import { app } from "../../scripts/app.js";

const SLIDERS = ["yaw", "pitch", "roll", "blink", "smile", "mouth", "brows"];

async function fetchPicture(node) {
  const widgets = node.widgets.filter((widget) => SLIDERS.includes(widget.name));
  const sliders = Object.fromEntries(widgets.map((widget) => [widget.name, widget.value]));
  const body = JSON.stringify({ client: api.clientId, node: String(node.id), sliders });
  const headers = { "Content-Type": "application/json" };
  const answer = await api.fetchApi("/magicportrait/still", { method: "POST", headers, body });
  return answer.ok ? answer.blob() : null;
}

async function show(node, blob) {
  const picture = new Image();
  picture.src = URL.createObjectURL(blob);
  await picture.decode();
  const before = node.imgs?.[0]?.src;
  node.imgs = [picture];
  node.imageIndex = 0;
  node.setDirtyCanvas(true, true);
  if (before?.startsWith("blob:")) URL.revokeObjectURL(before);
}

function follow(node) {
  let busy = false;
  let waiting = false;
  return async () => {
    if (busy) {
      waiting = true;
      return;
    }
    busy = true;
    try {
      do {
        waiting = false;
        const blob = await fetchPicture(node);
        if (blob) await show(node, blob);
      } while (waiting);
    } finally {
      busy = false;
    }
  };
}

app.registerExtension({
  name: "MagicPortrait.StillEditor",
  nodeCreated(node) {
    if (node.comfyClass !== "MagicPortraitStillEditor") return;
    const moved = follow(node);
    for (const widget of node.widgets) {
      if (!SLIDERS.includes(widget.name)) continue;
      const usual = widget.callback;
      widget.callback = function (...values) {
        const result = usual?.apply(this, values);
        moved();
        return result;
      };
    }
  },
});
