// The scrubber's elements: pictures, which views of them, the curves, a slider over the frames.
import { CurvePlot, curvesHeight, frameAt } from "./curves.js";
import { post } from "./pictures.js";
import { label, Shots } from "./shots.js";
import { make } from "./widget.js";

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
const MARGIN = 20; // px that the classic nodes keep round a widget

function icon(name, title) {
  const button = make("button", "mp-icon");
  button.type = "button";
  setIcon(button, name, title);
  return button;
}

function setIcon(button, name, title) {
  button.title = title;
  button.setAttribute("aria-label", title);
  button.innerHTML = `<svg viewBox="0 0 16 16" aria-hidden="true"><path d="${ICONS[name]}"/></svg>`;
}

function setOn(button, on) {
  button.classList.toggle("mp-on", on);
  button.setAttribute("aria-pressed", String(on));
}

export class Scrubber {
  // resized() is called when the height it needs has changed; sliders() gives the node's inputs;
  // folded and fold(yes) are what the user chose, undefined for nothing; room() says whether the
  // node can be as high as it needs
  constructor({ resized, sliders, folded, fold, room }) {
    Object.assign(this, { resized, sliders, fold, room });
    this.run = null;
    this.frame = 0;
    this.close = true;
    this.folded = folded;
    this.build();
    this.plot = new CurvePlot(this.curves);
    new ResizeObserver(() => this.draw()).observe(this.curves);
  }

  build() {
    this.views = make("div", "mp-views");
    this.views.setAttribute("role", "group");
    this.views.setAttribute("aria-label", "What to look at");
    this.face = icon("face", "Show the face alone, or the whole picture");
    setOn(this.face, true);
    this.foldButton = icon("fold", "Fold or unfold");
    this.shots = new Shots();
    this.curves = make("canvas", "mp-curves");
    this.curves.setAttribute("role", "img");
    this.play = icon("play", "Play");
    this.range = make("input");
    Object.assign(this.range, { type: "range", min: "0", step: "1", value: "0" });
    this.range.setAttribute("aria-label", "Frame");
    this.where = make("span", "mp-where");
    this.element = make(
      "div",
      "mp-scrub",
      make("div", "mp-bar", this.views, this.face, this.foldButton),
      this.shots.element,
      this.curves,
      make("div", "mp-transport", this.play, this.range, this.where)
    );
    this.element.hidden = true;
    // a key pressed here is not one for the graph: Delete would remove the node
    this.element.addEventListener("keydown", (event) => event.key !== "Tab" && event.stopPropagation());
    this.face.onclick = () => {
      this.close = !this.close;
      setOn(this.face, this.close);
      this.ask();
    };
    this.foldButton.onclick = () => {
      this.setFolded(!this.folded);
      this.fold(this.folded);
      this.ask();
    };
    this.play.onclick = () => (this.timer ? this.stop() : this.start());
    this.range.oninput = () => {
      if (this.timer) this.stop();
      this.goTo(Number(this.range.value));
    };
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
    return 2 * BAR + PICTURE + curvesHeight(this.run.panels) + 3 * SPACE + MARGIN;
  }

  async load(key) {
    const answer = await post("/magicportrait/curves", { run: key });
    if (!answer.ok) return;
    const first = !this.run;
    this.run = { ...(await answer.json()), key };
    this.shots.offer(this.run);
    if (first || this.frame >= this.run.frames) this.frame = this.run.neutral;
    this.range.max = String(this.run.frames - 1);
    this.element.hidden = false;
    this.curves.style.height = `${curvesHeight(this.run.panels)}px`;
    const names = this.run.panels.flatMap((panel) => panel.lines.map((line) => line.name));
    this.curves.setAttribute("aria-label", `The driver's curves: ${names.join(", ")}`);
    this.face.hidden = !this.run.views.includes("mesh");
    this.showViews();
    this.setFolded(this.folded ?? !this.room());
    this.goTo(this.frame);
  }

  showViews() {
    const { views } = this.run;
    const alone = views.length === 1;
    this.views.classList.toggle("mp-alone", alone);
    if (alone) {
      this.views.replaceChildren(make("span", "", ALONE[views[0]] ?? label(views[0])));
      return;
    }
    const buttons = views.map((view) => {
      const button = make("button", "", label(view));
      button.type = "button";
      button.dataset.view = view;
      button.onclick = () => {
        this.shots.toggle(view);
        mark();
        this.ask();
      };
      return button;
    });
    const mark = () => buttons.forEach((b) => setOn(b, this.shots.views.includes(b.dataset.view)));
    mark();
    this.views.replaceChildren(...buttons);
  }

  setFolded(folded) {
    this.folded = folded;
    this.element.classList.toggle("mp-shut", folded);
    this.element.style.minHeight = `${folded ? BAR : this.height() - MARGIN}px`;
    this.foldButton.style.transform = folded ? "" : "rotate(180deg)";
    this.foldButton.setAttribute("aria-expanded", String(!folded));
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
    const [last, seconds] = [this.run.frames - 1, (frame / this.run.fps).toFixed(2)];
    this.range.value = String(frame);
    this.range.style.setProperty("--mp-at", `${(100 * frame) / Math.max(1, last)}%`);
    this.range.setAttribute("aria-valuetext", `frame ${frame} of ${last}, ${seconds} seconds`);
    this.where.replaceChildren(make("b", "", String(frame)), ` / ${last} · ${seconds} s`);
    this.draw();
    this.ask();
  }

  start() {
    setIcon(this.play, "pause", "Pause");
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
    setIcon(this.play, "play", "Play");
  }

  draw() {
    if (this.run && !this.folded) this.plot.draw(this.run, this.frame);
  }

  ask() {
    if (!this.run || this.folded) return;
    const { frame, close } = this;
    const { key, live, lost } = this.run;
    this.shots.ask({
      run: key,
      frame,
      close,
      sliders: live ? this.sliders() : null,
      lost: lost.some(([first, last]) => first <= frame && frame <= last),
    });
  }
}
