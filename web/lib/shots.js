// The pictures of one frame, side by side: of the driver, and of what is made of it.
import { latest, post } from "./pictures.js";
import { make } from "./widget.js";

const DRIVER = ["frame", "mesh"];
const LABELS = { frame: "Driver", mesh: "Mesh" };

export const label = (view) => LABELS[view] ?? view[0].toUpperCase() + view.slice(1);

export class Shots {
  constructor() {
    this.images = [make("img"), make("img")];
    for (const image of this.images) Object.assign(image, { alt: "", draggable: false, hidden: true });
    this.note = make("div", "mp-note");
    this.note.setAttribute("role", "status");
    this.element = make("div", "mp-picture", ...this.images, this.note);
    this.views = [];
    this.wish = latest(
      (what) => Promise.all(what.views.map((view) => this.fetch({ ...what, view }))),
      (pictures, what) => this.show(pictures, what)
    );
  }

  // What the run can show; the choice of before stays where it can.
  offer({ views, first }) {
    const kept = this.views.filter((view) => views.includes(view));
    this.views = kept.length ? kept : first.filter((view) => views.includes(view));
    if (!this.views.length) this.views = views.slice(-1);
  }

  // One view of the driver and one of the others may be on; one always is.
  toggle(view) {
    const ofDriver = DRIVER.includes(view);
    const others = this.views.filter((shown) => DRIVER.includes(shown) !== ofDriver);
    if (!this.views.includes(view)) this.views = ofDriver ? [view, ...others] : [...others, view];
    else if (others.length) this.views = others;
  }

  ask(what) {
    this.wish({ ...what, views: this.views });
  }

  async fetch({ run, view, frame, close, sliders }) {
    const answer = await post("/magicportrait/frame", { run, view, frame, close, sliders });
    return answer.ok ? { blob: await answer.blob() } : { error: await answer.text() };
  }

  async show(pictures, { views, frame, lost }) {
    for (const [i, image] of this.images.entries()) {
      const before = image.src;
      const blob = pictures[i]?.blob;
      if (!blob) {
        image.hidden = true;
        continue;
      }
      image.src = URL.createObjectURL(blob);
      await image.decode();
      image.alt = `${label(views[i])}, frame ${frame}`;
      image.dataset.shown = `${views[i]} ${frame}`;
      image.hidden = false;
      if (before.startsWith("blob:")) URL.revokeObjectURL(before);
    }
    const error = pictures.find((picture) => picture.error)?.error;
    this.note.textContent = error ?? (lost ? "No face seen here: this frame is filled in." : "");
  }
}
