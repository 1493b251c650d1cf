// A line on the nodes that load models: which of their files are installed, and where to get the
// others. Optional: without it the node says the same when it runs.
import { api } from "../../scripts/api.js";
import { app } from "../../scripts/app.js";
import { Panel } from "./lib/panel.js";
import { addFoot, make } from "./lib/widget.js";

const KINDS = { MagicPortraitModelLoader: "model", MagicPortraitHeadLoader: "head" };
const HEIGHT = 36; // px of the badge and the space round it

function dot(file) {
  if (file.present) return "mp-dot mp-there";
  return file.needed ? "mp-dot" : "mp-dot mp-spare";
}

function fileLine(file) {
  const state = file.present ? "installed" : file.needed ? "missing" : "not installed";
  const mark = make("i", dot(file));
  mark.title = state;
  const line = make("li", "", mark, make("span", "", file.purpose));
  line.append(make("span", "mp-size", file.size ?? ""));
  const name = file.file.split("/").at(-1);
  const under = make("small", "", file.present ? `${name} · ${state}` : `${name} → ${file.folder} · `);
  if (!file.present) {
    const link = make("a", "", file.registration ? "register and download" : "where to get it");
    link.href = file.address;
    link.target = "_blank";
    link.rel = "noopener noreferrer";
    under.append(link);
    if (file.downloadable) under.append(", or set if_missing to download");
  }
  under.title = `${file.file}. Licence: ${file.licence}`;
  line.append(under);
  return line;
}

class Weights {
  constructor(kind) {
    this.kind = kind;
    this.mark = make("i", "mp-dot");
    this.text = make("span", "", "…");
    this.badge = make("button", "mp-badge", this.mark, this.text);
    this.badge.type = "button";
    this.badge.setAttribute("aria-haspopup", "dialog");
    this.badge.setAttribute("aria-expanded", "false");
    this.list = make("ul", "mp-files");
    this.element = make("div", "mp-weights", this.badge);
    this.panel = new Panel(this.badge, "Files of this node", this.list, (open) => {
      this.badge.setAttribute("aria-expanded", String(open));
      if (open) this.refresh();
    });
    this.badge.onclick = () => this.panel.set(!this.panel.open);
  }

  async refresh() {
    const answer = await api.fetchApi("/magicportrait/weights");
    if (!answer.ok) return;
    const { ready, summary, files } = (await answer.json())[this.kind];
    this.mark.classList.toggle("mp-there", ready);
    this.text.textContent = summary;
    // what must be had, then what may be had without a registration
    const rank = (file) => (file.needed ? 0 : 4) + (file.present ? 2 : 0) + (file.downloadable ? 0 : 1);
    const sorted = [...files].sort((a, b) => rank(a) - rank(b));
    this.list.replaceChildren(...sorted.map(fileLine));
  }
}

app.registerExtension({
  name: "MagicPortrait.Weights",
  nodeCreated(node) {
    const kind = KINDS[node.comfyClass];
    if (!kind || !node.addDOMWidget) return;
    const weights = new Weights(kind);
    addFoot(node, "weights", weights.element, () => HEIGHT);
    weights.refresh();
    const again = () => weights.refresh();
    api.addEventListener("execution_error", again);
    api.addEventListener("execution_success", again);
    const { onRemoved } = node;
    node.onRemoved = function () {
      onRemoved?.apply(this, arguments);
      weights.panel.set(false);
      api.removeEventListener("execution_error", again);
      api.removeEventListener("execution_success", again);
    };
  },
});
