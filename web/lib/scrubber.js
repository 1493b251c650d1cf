// The scrubber's elements: a picture, which view of it, the curves, a slider over the frames.
import { CurvePlot, curvesHeight, frameAt } from "./curves.js";
import { latest, post } from "./pictures.js";
import { make } from "./widget.js";

const LABELS = { frame: "Driver", mesh: "Mesh", result: "Result", portrait: "Portrait" };
const ALONE = { result: "This frame, as the gains stand" };
const ICONS = {
  play: "M4 2.5v11l9-5.5z",
  pause: "M5 3v10M11 3v10",
  face: "M2 5V2h3M11 2h3v3M14 11v3h-3M5 14H2v-3M5.5 8a2.5 2.5 0 1 0 5 0a2.5 2.5 0 1 0-5 0",
  fold: "M3.5 6l4.5 4.5L12.5 6",
};
const BAR = 24;
const SPACE = 6;
const PICTURE = 220;

function icon(name, title) {
  const button = make("button", "mp-icon");
  button.type = "button";
  button.title = title;
  setIcon(button, name);
  return button;
}

function setIcon(button, name) {
  button.innerHTML = `<svg viewBox="0 0 16 16"><path d="${ICONS[name]}"/></svg>`;
}

function inks(element) {
  const style = getComputedStyle(element);
  const of = (name, otherwise) => style.getPropertyValue(name).trim() || otherwise;
  return {
    text: of("--input-text", "#ddd"),
    soft: of("--descrip-text", "#999"),
    faint: of("--border-color", "#4e4e4e"),
    playhead: of("--input-text", "#fff"),
  };
}

export class Scrubber {
  // resized() is called when the height it needs has changed; sliders() gives the node's inputs;
  // folded and fold(yes) are what the user chose, undefined for nothing; room() says whether the
  // node can be as high as it needs
  constructor({ resized, sliders, folded, fold, room }) {
    Object.assign(this, { resized, sliders, fold, room });
    this.run = null;
    this.frame = 0;
    this.view = null;
    this.close = true;
    this.folded = folded;
    this.build();
    this.plot = new CurvePlot(this.curves);
    this.wish = latest(
      (what) => this.fetchPicture(what),
      (picture, what) => this.show(picture, what)
    );
    new ResizeObserver(() => this.draw()).observe(this.curves);
  }

  build() {
    this.views = make("div", "mp-views");
    this.face = icon("face", "Show the face alone, or the whole picture");
    this.face.classList.add("mp-on");
    this.foldButton = icon("fold", "Fold or unfold");
    this.image = make("img");
    this.image.alt = "";
    this.image.draggable = false;
    this.note = make("div", "mp-note");
    this.curves = make("canvas", "mp-curves");
    this.play = icon("play", "Play");
    this.range = make("input");
    Object.assign(this.range, { type: "range", min: "0", step: "1", value: "0" });
    this.where = make("span", "mp-where");
    this.element = make(
      "div",
      "mp-scrub",
      make("div", "mp-bar", this.views, this.face, this.foldButton),
      make("div", "mp-picture", this.image, this.note),
      this.curves,
      make("div", "mp-transport", this.play, this.range, this.where)
    );
    this.element.hidden = true;
    this.face.onclick = () => {
      this.close = !this.close;
      this.face.classList.toggle("mp-on", this.close);
      this.ask();
    };
    this.foldButton.onclick = () => {
      this.setFolded(!this.folded);
      this.fold(this.folded);
      this.ask();
    };
    this.play.onclick = () => (this.timer ? this.stop() : this.start());
    this.range.oninput = () => this.goTo(Number(this.range.value));
    this.curves.onpointerdown = (event) => {
      this.curves.setPointerCapture(event.pointerId);
      this.stop();
      this.goToPointer(event);
    };
    this.curves.onpointermove = (event) => {
      if (event.buttons & 1) this.goToPointer(event);
    };
  }

  height() {
    if (!this.run) return 0;
    if (this.folded) return BAR + 2 * SPACE;
    return 2 * BAR + PICTURE + curvesHeight(this.run.panels) + 5 * SPACE + 12;
  }

  async load(node) {
    const answer = await post("/magicportrait/curves", { node });
    if (!answer.ok) return;
    const first = !this.run;
    this.run = { ...(await answer.json()), node };
    if (!this.run.views.includes(this.view)) {
      this.view = this.run.views.includes("mesh") ? "mesh" : this.run.views.at(-1);
    }
    if (first || this.frame >= this.run.frames) this.frame = this.run.neutral;
    this.range.max = String(this.run.frames - 1);
    this.element.hidden = false;
    this.curves.style.height = `${curvesHeight(this.run.panels)}px`;
    this.element.style.minHeight = `${this.height()}px`;
    this.face.hidden = !this.run.views.includes("mesh");
    this.showViews();
    this.setFolded(this.folded ?? !this.room());
    this.goTo(this.frame);
  }

  showViews() {
    const alone = this.run.views.length === 1;
    this.views.classList.toggle("mp-alone", alone);
    if (alone) {
      this.views.replaceChildren(make("span", "", ALONE[this.view] ?? this.view));
      return;
    }
    this.views.replaceChildren(
      ...this.run.views.map((view) => {
        const button = make("button", "", LABELS[view] ?? view[0].toUpperCase() + view.slice(1));
        button.type = "button";
        button.dataset.view = view;
        button.classList.toggle("mp-on", view === this.view);
        button.onclick = () => {
          this.view = view;
          this.showViews();
          this.ask();
        };
        return button;
      })
    );
  }

  setFolded(folded) {
    this.folded = folded;
    this.element.classList.toggle("mp-shut", folded);
    this.element.style.minHeight = `${this.height()}px`;
    this.foldButton.style.transform = folded ? "" : "rotate(180deg)";
    if (folded) this.stop();
    this.resized();
    this.draw();
  }

  goToPointer(event) {
    const box = this.curves.getBoundingClientRect();
    const x = ((event.clientX - box.left) / box.width) * this.curves.clientWidth;
    this.goTo(frameAt(x, this.curves.clientWidth, this.run.frames));
  }

  goTo(frame) {
    this.frame = frame;
    this.range.value = String(frame);
    this.say("");
    this.where.replaceChildren(
      make("b", "", String(frame)),
      ` / ${this.run.frames - 1} · ${(frame / this.run.fps).toFixed(2)} s`
    );
    this.draw();
    this.ask();
  }

  // Over the picture: what went wrong, else whether this frame was seen.
  say(error) {
    const lost = this.run.lost.some(([first, last]) => first <= this.frame && this.frame <= last);
    this.note.textContent = error || (lost ? "No face seen here: this frame is filled in." : "");
  }

  start() {
    setIcon(this.play, "pause");
    let last = performance.now();
    let due = 0;
    const step = (now) => {
      due += ((now - last) / 1000) * this.run.fps;
      last = now;
      const whole = Math.floor(due);
      due -= whole;
      if (whole) this.goTo((this.frame + whole) % this.run.frames);
      this.timer = requestAnimationFrame(step);
    };
    this.timer = requestAnimationFrame(step);
  }

  stop() {
    cancelAnimationFrame(this.timer);
    this.timer = null;
    setIcon(this.play, "play");
  }

  draw() {
    if (this.run && !this.folded) this.plot.draw(this.run, this.frame, inks(this.element));
  }

  ask() {
    if (!this.run || this.folded) return;
    const { node, live } = this.run;
    const sliders = live ? this.sliders() : null;
    this.wish({ node, view: this.view, frame: this.frame, close: this.close, sliders });
  }

  async fetchPicture(what) {
    const answer = await post("/magicportrait/frame", what);
    this.say(answer.ok ? "" : await answer.text());
    return answer.ok ? answer.blob() : null;
  }

  async show(blob, what) {
    const before = this.image.src;
    this.image.src = URL.createObjectURL(blob);
    await this.image.decode();
    this.image.dataset.shown = `${what.view} ${what.frame}`;
    if (before.startsWith("blob:")) URL.revokeObjectURL(before);
  }
}
