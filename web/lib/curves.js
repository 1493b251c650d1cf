// Draws a track's curves: one lane a panel, a legend with the values at the playhead, gaps in red.

// on a dark node, and on a light one
const COLOURS = {
  yaw: ["#6ea8fe", "#2f62c9"],
  pitch: ["#5fd0a5", "#107a6e"],
  roll: ["#f2b155", "#a85f06"],
  jaw: ["#d79a6b", "#8a5a2b"],
  mouth: ["#f27fb2", "#b8326f"],
  eyes: ["#ab9aff", "#6247b5"],
};
const FONT = "11px Inter, system-ui, sans-serif";
const EDGE = 8; // px left and right
const HEAD = 17; // px of a lane's legend
const GAP = 6; // px between lanes

export const LANE = { degrees: 62, opening: 24 }; // px of a lane's curves

export function curvesHeight(panels) {
  return panels.reduce((sum, panel) => sum + HEAD + laneHeight(panel) + GAP, 0);
}

function laneHeight(panel) {
  return panel.label === "degrees" && panel.lines.length > 1 ? LANE.degrees : LANE.opening;
}

// The colours of the page's theme, as they are at the element.
function inksAt(element, ctx) {
  const style = getComputedStyle(element);
  const of = (name, otherwise) => style.getPropertyValue(name).trim() || otherwise;
  const text = of("--input-text", "#ddd");
  ctx.fillStyle = text;
  const [, r, g, b] = /^#(..)(..)(..)/.exec(ctx.fillStyle) ?? [];
  const light = 0.3 * parseInt(r, 16) + 0.6 * parseInt(g, 16) + 0.1 * parseInt(b, 16) < 128;
  return {
    text,
    soft: of("--descrip-text", "#999"),
    line: (name) => COLOURS[name]?.[light ? 1 : 0] ?? text,
  };
}

// The x of a frame's middle, and back.
function scale(width, frames) {
  const span = Math.max(1, frames - 1);
  const wide = width - 2 * EDGE;
  return {
    x: (frame) => EDGE + (frame / span) * wide,
    frame: (x) => Math.min(frames - 1, Math.max(0, Math.round(((x - EDGE) / wide) * span))),
  };
}

export function frameAt(x, width, frames) {
  return scale(width, frames).frame(x);
}

function range(panel) {
  let low = Infinity;
  let high = -Infinity;
  for (const line of panel.lines) {
    for (const value of line.values) {
      if (value < low) low = value;
      if (value > high) high = value;
    }
  }
  if (panel.label === "degrees") {
    // zero stays in the middle's reach and stillness stays still
    low = Math.min(low, -10);
    high = Math.max(high, 10);
  } else {
    low = Math.min(low, 0);
    high = Math.max(high, low + 0.05);
  }
  return [low, high];
}

function written(panel, value) {
  return panel.label === "degrees" ? `${value.toFixed(1)}°` : value.toFixed(2);
}

// The lines, which change only with the run and the size; the playhead is drawn over a copy.
function drawStill(ctx, run, width, inks) {
  const { x } = scale(width, run.frames);
  let top = 0;
  for (const panel of run.panels) {
    const height = laneHeight(panel);
    const above = top + HEAD;
    const [low, high] = range(panel);
    const y = (value) => above + height - ((value - low) / (high - low)) * height;
    ctx.globalAlpha = 0.07;
    ctx.fillStyle = inks.text;
    ctx.beginPath();
    ctx.roundRect(EDGE - 4, above - 2, width - 2 * EDGE + 8, height + 4, 4);
    ctx.fill();
    ctx.globalAlpha = 1;
    ctx.fillStyle = "rgba(240, 92, 76, 0.28)";
    const half = (x(1) - x(0)) / 2;
    for (const [first, last] of run.lost) {
      ctx.fillRect(x(first) - half, above - 2, x(last) - x(first) + 2 * half, height + 4);
    }
    if (panel.label === "degrees") {
      ctx.globalAlpha = 0.5;
      ctx.strokeStyle = inks.soft;
      ctx.lineWidth = 1;
      ctx.beginPath();
      ctx.moveTo(EDGE, y(0));
      ctx.lineTo(width - EDGE, y(0));
      ctx.stroke();
      ctx.globalAlpha = 1;
    }
    ctx.lineWidth = 1.5;
    ctx.lineJoin = "round";
    for (const line of panel.lines) {
      ctx.strokeStyle = inks.line(line.name);
      ctx.beginPath();
      line.values.forEach((value, frame) => ctx.lineTo(x(frame), y(value)));
      ctx.stroke();
    }
    top = above + height + GAP;
  }
}

// A line down each lane, clear of the legends.
function drawAt(ctx, run, at) {
  let top = 0;
  ctx.beginPath();
  for (const panel of run.panels) {
    const above = top + HEAD - 2;
    top += HEAD + laneHeight(panel) + GAP;
    ctx.moveTo(at, above);
    ctx.lineTo(at, top - GAP + 2);
  }
  ctx.stroke();
}

function drawHead(ctx, run, frame, width, inks) {
  const { x } = scale(width, run.frames);
  let top = 0;
  ctx.font = FONT;
  ctx.textBaseline = "middle";
  for (const panel of run.panels) {
    let left = EDGE - 2;
    for (const line of panel.lines) {
      ctx.fillStyle = inks.line(line.name);
      ctx.fillText(line.name, left, top + HEAD / 2);
      left += ctx.measureText(line.name).width + 5;
      ctx.fillStyle = inks.text;
      const value = written(panel, line.values[frame]);
      ctx.fillText(value, left, top + HEAD / 2);
      left += Math.max(ctx.measureText(value).width, 34) + 10;
    }
    top += HEAD + laneHeight(panel) + GAP;
  }
  ctx.setLineDash([2, 3]);
  ctx.strokeStyle = inks.soft;
  ctx.lineWidth = 1;
  drawAt(ctx, run, x(run.neutral));
  ctx.setLineDash([]);
  ctx.strokeStyle = inks.text;
  ctx.lineWidth = 1.25;
  drawAt(ctx, run, x(frame));
}

function sheet(width, height, ratio) {
  const canvas = document.createElement("canvas");
  canvas.width = Math.round(width * ratio);
  canvas.height = Math.round(height * ratio);
  const ctx = canvas.getContext("2d");
  ctx.scale(ratio, ratio);
  return { canvas, ctx };
}

// Draws onto a canvas element, keeping the lines between two calls with the same run and width.
export class CurvePlot {
  constructor(canvas) {
    this.canvas = canvas;
    this.kept = null;
  }

  draw(run, frame) {
    const width = this.canvas.clientWidth;
    const ctx = this.canvas.getContext("2d");
    const inks = inksAt(this.canvas, ctx);
    const height = curvesHeight(run.panels);
    if (!width) return;
    const ratio = 2 * (window.devicePixelRatio || 1); // nodes are looked at enlarged, too
    const same = (kept) => kept?.run === run && kept.width === width && kept.text === inks.text;
    if (!same(this.kept)) {
      const { canvas, ctx: still } = sheet(width, height, ratio);
      drawStill(still, run, width, inks);
      this.kept = { run, width, text: inks.text, still: canvas };
      this.canvas.width = canvas.width;
      this.canvas.height = canvas.height;
    }
    ctx.setTransform(1, 0, 0, 1, 0, 0);
    ctx.clearRect(0, 0, this.canvas.width, this.canvas.height);
    ctx.drawImage(this.kept.still, 0, 0);
    ctx.scale(ratio, ratio);
    drawHead(ctx, run, frame, width, inks);
  }
}
