// A panel that floats above the page beside an element of a node, for what a node has no room for.
// It follows the element as the graph is moved, and is closed by Escape or a press elsewhere.
import { make } from "./widget.js";

const GAP = 4; // px to the element
const EDGE = 8; // px to the window's edges
const WIDTH = 380;
const HEIGHT = 420;

export class Panel {
  // anchor: the element; turned(open) is called after each opening and closing
  constructor(anchor, label, inside, turned) {
    Object.assign(this, { anchor, turned, open: false });
    this.element = make("div", "mp-panel", inside);
    this.element.tabIndex = -1;
    this.element.setAttribute("role", "dialog");
    this.element.setAttribute("aria-label", label);
    // a key pressed here is not one for the graph: Delete would remove the node
    this.element.addEventListener("keydown", (event) => event.key !== "Tab" && event.stopPropagation());
    this.pressed = ({ target }) => {
      if (!this.element.contains(target) && !anchor.contains(target)) this.set(false);
    };
    this.typed = (event) => {
      if (event.key !== "Escape") return;
      event.stopPropagation();
      this.set(false);
      anchor.focus({ preventScroll: true });
    };
  }

  set(open) {
    if (open === this.open) return;
    this.open = open;
    const listen = open ? "addEventListener" : "removeEventListener";
    window[listen]("pointerdown", this.pressed, true);
    window[listen]("keydown", this.typed, true);
    this.turned(open);
    if (open) {
      document.body.append(this.element);
      this.element.focus({ preventScroll: true });
      this.follow();
    } else {
      cancelAnimationFrame(this.timer);
      this.element.remove();
    }
  }

  // Below the anchor where there is room, else above; closed with an anchor that is out of sight.
  follow() {
    const box = this.anchor.getBoundingClientRect();
    const [right, bottom] = [window.innerWidth - EDGE, window.innerHeight - EDGE];
    if (!box.width || box.bottom < 0 || box.top > bottom || box.right < 0 || box.left > right) {
      this.set(false);
      return;
    }
    const below = bottom - box.bottom - GAP;
    const above = box.top - GAP - EDGE;
    const up = below < HEIGHT / 2 && above > below;
    const width = Math.min(Math.max(box.width, WIDTH), right - EDGE);
    const { style } = this.element;
    style.width = `${width}px`;
    style.maxHeight = `${Math.min(HEIGHT, up ? above : below)}px`;
    style.left = `${Math.max(EDGE, Math.min(box.left, right - width))}px`;
    style.top = up ? "" : `${box.bottom + GAP}px`;
    style.bottom = up ? `${window.innerHeight - box.top + GAP}px` : "";
    this.timer = requestAnimationFrame(() => this.follow());
  }
}
