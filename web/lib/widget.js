// A widget made of page elements, at the foot of a node, in either of the host's node renderers.
import { app } from "../../../scripts/app.js";

const NOTE = 44; // px
const TITLE = 30; // px

let styled = false;

function addStyle() {
  if (styled) return;
  styled = true;
  const link = document.createElement("link");
  link.rel = "stylesheet";
  link.href = new URL("./scrubber.css", import.meta.url).href;
  document.head.append(link);
}

export function make(tag, className = "", ...inside) {
  const element = document.createElement(tag);
  if (className) element.className = className;
  element.append(...inside);
  return element;
}

// Adds `element` to the node; height() is the px it needs, 0 for none. Neither the workflow nor the
// prompt stores anything of it.
export function addFoot(node, name, element, height) {
  addStyle();
  const widget = node.addDOMWidget(name, "magicportrait", element, {
    serialize: false,
    hideOnZoom: false,
    selectOn: [],
    getValue: () => "",
    setValue: () => {},
    getMinHeight: height,
    getMaxHeight: () => (height() ? 4096 : 0),
  });
  widget.serialize = false;
  widget.computeLayoutSize = () => {
    const min = height();
    return { minHeight: min, maxHeight: min ? 4096 : 0, minWidth: 0 };
  };
  for (const kind of ["pointerdown", "pointermove", "pointerup", "dblclick"]) {
    element.addEventListener(kind, (event) => event.stopPropagation());
  }
  return widget;
}

// The node takes the size its widgets need; it never shrinks below what the user gave it.
// A warning on the node gets room for a few lines.
export function refit(node, least = 0) {
  const said = node.widgets?.some((widget) => widget.name === "$$node-text-preview");
  const needed = node.computeSize()[1] + (said ? 2 * NOTE : 0); // shared with the widget above
  const size = [Math.max(node.size[0], least), Math.max(node.size[1], needed)];
  if (size[0] !== node.size[0] || size[1] !== node.size[1]) node.setSize(size);
  app.graph?.setDirtyCanvas(true, true);
}

// Calls after(values) when any of the node's other widgets has been changed by the user.
export function onSliders(node, after) {
  for (const widget of node.widgets ?? []) {
    if (widget.type === "magicportrait") continue;
    const usual = widget.callback;
    widget.callback = function (...values) {
      const result = usual?.apply(this, values);
      after();
      return result;
    };
  }
}

// The node's inputs as they stand: of its widgets those that a prompt holds. The host adds others,
// which show notes and pictures.
export function slidersOf(node) {
  const stored = ({ serialize, options }) => serialize !== false && options?.serialize !== false;
  const own = (node.widgets ?? []).filter((widget) => widget.type !== "magicportrait" && stored(widget));
  return Object.fromEntries(own.map((widget) => [widget.name, widget.value]));
}

// Whether the node could be so high, px, without covering another.
export function hasRoom(node, width, height) {
  const [left, top] = node.pos;
  const right = left + Math.max(node.size[0], width);
  const bottom = top + height;
  const nodes = node.graph?.nodes ?? [];
  return !nodes.some((other) => {
    if (other === node) return false;
    const [x, y] = other.pos;
    return x < right && x + other.size[0] > left && y - TITLE < bottom && y > top;
  });
}
