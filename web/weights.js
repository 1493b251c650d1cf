// A line on the nodes that load models: which of their files are installed, and where to get the
// others. Optional: without it the node says the same when it runs.
import { api } from "../../scripts/api.js";
import { app } from "../../scripts/app.js";
import { addFoot, make, refit } from "./lib/widget.js";

const KINDS = { MagicPortraitModelLoader: "model", MagicPortraitHeadLoader: "head" };
const BADGE = 24;
const LIST = 230;
const SPACE = 12;
const WIDTH = 320;

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
  constructor(node, kind) {
    Object.assign(this, { node, kind, open: false });
    this.mark = make("i", "mp-dot");
    this.text = make("span", "", "…");
    this.badge = make("button", "mp-badge", this.mark, this.text);
    this.badge.type = "button";
    this.list = make("ul", "mp-files");
    this.element = make("div", "mp-weights", this.badge, this.list);
    this.badge.onclick = () => this.setOpen(!this.open);
    this.setOpen(false);
  }

  height() {
    return BADGE + SPACE + (this.open ? LIST : 0);
  }

  setOpen(open) {
    const change = (open ? 1 : 0) - (this.open ? 1 : 0);
    this.open = open;
    this.list.hidden = !open;
    this.badge.setAttribute("aria-expanded", String(open));
    this.element.style.minHeight = `${this.height()}px`;
    if (!change) return;
    if (change < 0) this.node.setSize([this.node.size[0], this.node.size[1] - LIST]);
    refit(this.node, WIDTH);
    if (open) this.refresh();
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
    const weights = new Weights(node, kind);
    addFoot(node, "weights", weights.element, () => weights.height());
    weights.refresh();
    const again = () => weights.refresh();
    api.addEventListener("execution_error", again);
    api.addEventListener("execution_success", again);
    const { onRemoved } = node;
    node.onRemoved = function () {
      onRemoved?.apply(this, arguments);
      api.removeEventListener("execution_error", again);
      api.removeEventListener("execution_success", again);
    };
  },
});
