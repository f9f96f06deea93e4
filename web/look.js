// The look panel: colours, head and background, as they are wished for and as the call shows them.

import { ask } from "./call.js";

// What a slider says is sent no more often than this, ms.
const EVERY_MS = 100;
// A background picture is made smaller until one message holds it: sides, px, and bytes.
const SIDES = [1280, 960, 640, 400];
const MOST_BYTES = 60000;
const OWN = "own";
const USUAL = { yaw: 0, pitch: 0, roll: 0, sway: 1, blinks: 1 };

const one = (selector) => document.querySelector(selector);
const all = (selector) => [...document.querySelectorAll(selector)];

export class LookPanel {
  /**
   * @param {string} token may be empty
   * @param {Function} tell sends a message of the control channel; false if there is no call
   * @param {Function} complain says what went wrong, in words
   */
  constructor(token, tell, complain) {
    this.token = token;
    this.tell = tell;
    this.complain = complain;
    // Messages by kind: all that is wished for, and what is yet to be sent.
    this.wished = new Map();
    this.unsent = new Map();
    // The kind of the message that has no answer yet.
    this.asked = null;
    this.timer = 0;
    this.state = { background: "none", colours: {}, manner: null };
    this.avatar = "";
    for (const slider of all("#head input")) slider.addEventListener("input", () => this.hold());
    one("#usual").addEventListener("click", () => this.faceFront());
    one("#background").addEventListener("change", (event) => this.stand(event.target));
    this.showHead(USUAL);
  }

  // Messages: one at a time, of each kind the newest.

  wish(kind, message) {
    this.wished.set(kind, message);
    this.unsent.set(kind, message);
    this.send();
  }

  send() {
    if (this.asked || this.timer || !this.unsent.size) return;
    const [[kind, message]] = this.unsent;
    this.unsent.delete(kind);
    if (!this.tell(message)) return;
    this.asked = kind;
    one("#look").ariaBusy = "true";
    this.timer = setTimeout(() => {
      this.timer = 0;
      this.send();
    }, EVERY_MS);
  }

  /** A call has begun, or begun again: it is told all wishes. */
  begin(state) {
    this.unsent = new Map(this.wished);
    this.show(state);
  }

  /** What the call shows now. */
  show(state) {
    this.asked = null;
    this.state = state;
    this.send();
    if (this.asked || this.unsent.size) return;
    one("#look").ariaBusy = "false";
    this.showHead(state.manner ?? USUAL);
    this.showColours(state.colours);
    this.showBackground(state.background);
  }

  /** The last wish was refused. */
  refuse() {
    this.wished.delete(this.asked);
    this.show(this.state);
  }

  /** The words of the background that a call is to begin with, if any are wished for. */
  get background() {
    return this.wished.get("background")?.kind;
  }

  // Colours

  /** Thumbnails of a portrait in every colour there is. */
  async offer(avatar) {
    if (avatar === this.avatar) return;
    this.avatar = avatar;
    this.wished.delete("colours");
    const response = await ask("looks", this.token).catch(() => null); // There may be none.
    const colours = response ? await response.json() : {};
    const rows = Object.entries(colours).map(([part, names]) => this.row(part, names));
    one("#colours").replaceChildren(one("#colours legend"), ...rows);
    one("#colours").hidden = !rows.length;
    for (const picture of all("#colours img")) await this.load(picture, avatar);
  }

  row(part, names) {
    const row = Object.assign(document.createElement("div"), { className: "choices" });
    row.setAttribute("role", "radiogroup");
    row.setAttribute("aria-label", part);
    row.append(...[OWN, ...names].map((name) => this.swatch(part, name)));
    return row;
  }

  swatch(part, name) {
    const label = document.createElement("label");
    const input = Object.assign(document.createElement("input"), {
      type: "radio", name: part, value: name, checked: name === OWN });
    const picture = Object.assign(document.createElement("img"), { alt: "" });
    picture.dataset.path = `${part}/${name}`;
    input.addEventListener("change", () => this.colour());
    label.append(input, picture, `${name} ${part}`);
    return label;
  }

  /** One after another: the server makes them beside its calls. */
  async load(picture, avatar) {
    if (avatar !== this.avatar) return;
    const path = `looks/${encodeURIComponent(avatar)}/${picture.dataset.path}`;
    const response = await ask(path, this.token).catch(() => null);
    if (response) picture.src = URL.createObjectURL(await response.blob());
    else picture.parentElement.hidden = true; // This portrait shows no such part.
  }

  colour() {
    const chosen = all("#colours input:checked").filter((input) => input.value !== OWN);
    const colours = Object.fromEntries(chosen.map((input) => [input.name, input.value]));
    this.wish("colours", { type: "colours", ...colours });
  }

  showColours(colours) {
    for (const input of all("#colours input")) input.checked = input.value === (colours[input.name] ?? OWN);
  }

  // Head

  hold() {
    const manner = Object.fromEntries(all("#head input").map((slider) => [slider.name, Number(slider.value)]));
    this.showHead(manner);
    this.wish("manner", { type: "manner", ...manner });
  }

  faceFront() {
    this.showHead(USUAL);
    this.hold();
  }

  showHead(manner) {
    for (const slider of all("#head input")) {
      slider.value = manner[slider.name];
      const text = slider.max === "2" ? `${Math.round(slider.value * 100)} %` : `${slider.value}°`;
      slider.setAttribute("aria-valuetext", text);
      one(`output[for=${slider.id}]`).textContent = text;
    }
  }

  // Background

  /** Whatever of the background was changed is what is meant. */
  async stand(changed) {
    const radio = changed.type === "radio" ? changed : changed.closest("label").querySelector("[type=radio]");
    radio.checked = true;
    if (radio.value !== "picture") {
      const words = { none: "none", blur: `blur=${one("#blur").value}`, colour: one("#colour").value };
      this.wish("background", { type: "background", kind: words[radio.value] });
    } else if (one("#behind").files.length) {
      const picture = await shrunk(one("#behind").files[0]);
      if (picture) this.wish("background", picture);
      else this.complain("Expected a picture that this browser can read, found another file.");
    } else {
      one("#behind").click();
    }
  }

  showBackground(words) {
    const [kind, strength] = words.split("=");
    const value = kind.startsWith("#") ? "colour" : kind;
    one(`#background [value=${value}]`).checked = true;
    if (value === "colour") one("#colour").value = kind;
    if (strength) one("#blur").value = strength;
  }
}

/** A picture file as a JPEG that one message holds, an ArrayBuffer; null if it is none. */
async function shrunk(file) {
  let picture;
  try {
    picture = await createImageBitmap(file);
  } catch {
    return null;
  }
  for (const side of SIDES) {
    const scale = Math.min(1, side / Math.max(picture.width, picture.height));
    const canvas = new OffscreenCanvas(Math.ceil(picture.width * scale), Math.ceil(picture.height * scale));
    canvas.getContext("2d").drawImage(picture, 0, 0, canvas.width, canvas.height);
    const blob = await canvas.convertToBlob({ type: "image/jpeg", quality: 0.8 });
    if (blob.size <= MOST_BYTES) return blob.arrayBuffer();
  }
  return null;
}
