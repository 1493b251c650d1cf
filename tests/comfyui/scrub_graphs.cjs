// The two graphs whose scrubbers are tried, built in the page, and the tries that they share.

// Runs in the page: builds one of the graphs; the types of its nodes with a scrubber, in order. A
// smoothing that no run had before keeps the host from having any of it cached.
function build([name, smoothing = Math.random()]) {
  const { app, LiteGraph } = window;
  app.graph.clear();
  const place = (type, x, values = {}, y = 60) => {
    const node = LiteGraph.createNode(type);
    node.pos = [x, y];
    app.graph.add(node);
    for (const [key, value] of Object.entries(values))
      node.widgets.find((widget) => widget.name === key).value = value;
    return node;
  };
  const example = place("MagicPortraitExample", 20);
  let nodes, video;
  if (name === "face") {
    const track = place("MagicPortraitTrackFace", 340, { smoothing });
    const preview = place("MagicPortraitPreview", 720);
    example.connect(1, track, 0);
    example.connect(0, preview, 0);
    track.connect(0, preview, 1);
    nodes = [track, preview];
    video = [preview, 1];
  } else {
    const cut = { file: "act.mp4", select_every_nth: 4 };
    const load = place("LoadDrivingVideo", 20, cut, 220);
    const track = place("FLAMETrack", 340, { size: 256, smoothing });
    const edit = place("MagicPortraitMotionEdit", 720);
    const maps = place("RenderGeometryMaps", 1160);
    load.connect(0, track, 0);
    example.connect(0, track, 1);
    track.connect(1, edit, 0);
    edit.connect(0, maps, 0);
    nodes = [track, edit, maps];
    video = [maps, 5];
  }
  const save = place("SaveVideo", name === "face" ? 1100 : 1540);
  video[0].connect(video[1], save, 0);
  return nodes.map((node) => node.type);
}

// Runs in the page: marks each scrubber's element with its node's type.
function mark() {
  for (const node of window.app.graph.nodes) {
    const widget = node.widgets?.find((one) => one.name === "scrubber");
    if (widget) widget.element.dataset.node = node.type;
  }
}

// What a scrubber shows as soon as it shows anything: each picture's "view frame".
async function firstShown(page, type, timeout = 60000) {
  const shown = await page.waitForFunction(
    (type) => {
      const images = document.querySelectorAll(`[data-node="${type}"] .mp-picture img`);
      const now = [...images].filter((image) => !image.hidden).map((image) => image.dataset.shown);
      return now.length && now;
    },
    type,
    { timeout }
  );
  return shown.jsonValue();
}

// Waits until a scrubber shows a view at the frame that its number says.
async function waitShown(page, type, view) {
  const found = await page.waitForFunction(
    ([type, view]) => {
      const scrub = document.querySelector(`[data-node="${type}"]`);
      const frame = scrub?.querySelector(".mp-where b")?.textContent;
      const image = scrub?.querySelector(`img[data-shown="${view} ${frame}"]`);
      return image && !image.hidden && frame;
    },
    [type, view]
  );
  return Number(await found.jsonValue());
}

// Runs in the page: the means of a view's pixels in 16 x 16 cells, to tell pictures apart.
function cells([type, view]) {
  const image = document.querySelector(`[data-node="${type}"] img[data-shown^="${view} "]`);
  const canvas = Object.assign(document.createElement("canvas"), { width: 16, height: 16 });
  const ctx = canvas.getContext("2d");
  ctx.drawImage(image, 0, 0, 16, 16);
  return [...ctx.getImageData(0, 0, 16, 16).data].filter((_, i) => i % 4 < 3);
}

module.exports = { build, mark, firstShown, waitShown, cells };
