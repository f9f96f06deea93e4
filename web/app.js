// The page: what can be pressed and seen, and what it means for the call.

import { ask, Call, CallError, openMicrophone } from "./call.js";
import { LookPanel } from "./look.js";
import { Plot } from "./plot.js";

const $ = (id) => document.getElementById(id);
const token = new URLSearchParams(location.hash.slice(1)).get("token") ?? "";
const plot = new Plot($("plot"));
const look = new LookPanel(token, (message) => call?.say(message) ?? false, complain);

// Seconds before each new try after a call broke: about a minute in all.
const WAITS_S = [0.5, 1, 2, 4, 8, 8, 8, 8, 8, 8];

let call = null;
// Whether a call that broke is being begun anew, and whether the caller was muted in it.
let calling = false;
let muteAgain = false;
let stats = null;
let listening = null;
let names = [];

const IDLE = "Press Start and speak. The microphone is heard by this server only. Headphones are best.";

function say(text) {
  $("status").textContent = text;
}

function complain(text) {
  $("trouble").textContent = text;
  $("trouble").hidden = !text;
}

function words(error) {
  return error instanceof CallError ? error.message : `Something unexpected went wrong: ${error.message}`;
}

// The call

function choice() {
  const query = new URLSearchParams({ avatar: chosen(), lookahead_ms: $("lookahead").value });
  if (look.background) query.set("background", look.background);
  return query;
}

async function start() {
  complain("");
  $("start").disabled = true;
  say("Asking for the microphone …");
  try {
    const microphone = await openMicrophone($("microphone").value);
    await listMicrophones();
    say("Connecting …");
    await connect(microphone, false);
  } catch (error) {
    complain(words(error));
    showIdle("");
  }
}

/** Raises CallError; with `again` the microphone stays open then. */
async function connect(microphone, again) {
  const begun = new Call(microphone, token, { message: onMessage, ended: onEnded });
  call = begun;
  showLevel(microphone);
  $("portrait").srcObject = begun.stream;
  try {
    await begun.start(choice());
  } catch (error) {
    begun.end("", again);
    throw error;
  }
  if (call === begun) showConnected();
}

/** A call that broke is begun anew, until it is there, too long gone or no longer wanted. */
async function callAgain(reason, microphone) {
  calling = true;
  $("start").textContent = "Stop calling";
  let trouble = "";
  for (const seconds of WAITS_S) {
    say(`${reason} Calling again …`);
    await new Promise((done) => setTimeout(done, seconds * 1000));
    if (!calling) break;
    try {
      await connect(microphone, true);
      if (!calling) call?.end("You hung up.");
      calling = false;
      return;
    } catch (error) {
      trouble = words(error);
    }
    if (!calling) break;
  }
  microphone.getTracks().forEach((track) => track.stop());
  stopLevel();
  if (calling) complain(trouble);
  calling = false;
  showIdle("");
}

function hear(microphone, on) {
  for (const track of microphone.getTracks()) track.enabled = on;
}

function showConnected() {
  say("Connected. Speak.");
  $("portrait").hidden = false;
  $("portrait").play().catch(() => {});
  $("start").textContent = "Hang up";
  for (const id of ["start", "mute", "interrupt", "sound"]) $(id).disabled = false;
}

function showIdle(text) {
  say(text || IDLE);
  $("portrait").hidden = true;
  $("start").textContent = "Start: use my microphone";
  $("start").disabled = false;
  for (const id of ["mute", "interrupt", "sound"]) $(id).disabled = true;
  pressed("mute", false);
  for (const id of ["delay", "loss", "fps"]) $(id).textContent = "–";
}

function onEnded(reason, again) {
  const { microphone } = call;
  const broken = again && reason && !calling;
  if (broken) muteAgain = isPressed("mute");
  call = null;
  stats = null;
  $("portrait").srcObject = null;
  plot.clear();
  if (broken) {
    showIdle(reason);
    hear(microphone, !muteAgain);
    callAgain(reason, microphone);
  } else if (!calling) {
    stopLevel();
    showIdle(reason && `${reason} Press Start to call again.`);
  }
}

function startOrStop() {
  if (call && !$("start").disabled && !calling) call.end("You hung up.");
  else if (calling) calling = false;
  else start();
}

function onMessage(message) {
  if (message.type === "stats") {
    stats = message;
    showFigures();
  } else if (message.type === "state") {
    if (muteAgain && !message.muted) call.say({ type: "mute", on: true });
    else if (muteAgain) hear(call.microphone, true);
    if (message.muted) muteAgain = false;
    pressed("mute", message.muted);
    if (call && !$("start").disabled) say(message.muted ? "Muted. Press M to be heard again." : "Connected. Speak.");
    choose(message.avatar);
    $("lookahead").value = message.lookahead_ms;
    complain("");
    if (call.greeted) look.show(message);
    else look.begin(message);
    call.greeted = true;
  } else if (message.type === "error") {
    complain(message.text);
    look.refuse();
  }
}

function pressed(id, on) {
  $(id).setAttribute("aria-pressed", String(on));
}

const isPressed = (id) => $(id).getAttribute("aria-pressed") === "true";

function toggleSound() {
  pressed("sound", !isPressed("sound"));
  $("portrait").muted = !isPressed("sound");
  $("sound").firstChild.textContent = isPressed("sound") ? "Sound on " : "Sound off ";
}

// Figures

async function showFigures() {
  if (!call?.peer) return;
  const line = await call.figures();
  if (!call || !stats) return;
  const terms = {
    "20 ms of sound in a packet": 20,
    "40 ms of sound in a frame, on average half": 20,
    "Network, both ways": line.rtt,
    "Looking ahead": stats.lookahead_ms,
    "Making and queueing the picture": stats.queue_ms,
    "Encoding it": stats.encode_ms,
    "Waiting in this browser": line.hold,
    "Decoding it": line.decode,
  };
  const delay = Object.values(terms).reduce((sum, term) => sum + term, 0);
  $("delay").textContent = `${Math.round(delay)} ms`;
  $("loss").textContent = `${(line.loss * 100).toFixed(1)} %`;
  $("fps").textContent = `${line.fps} /s`;
  $("terms").replaceChildren(...Object.entries(terms).flatMap(([name, ms]) => [
    element("dt", name), element("dd", `${Math.round(ms)} ms`)]));
  plot.add(delay, line.loss);
}

function element(tag, text) {
  const made = document.createElement(tag);
  made.textContent = text;
  return made;
}

// The microphone

async function listMicrophones() {
  const devices = await navigator.mediaDevices.enumerateDevices();
  const inputs = devices.filter((device) => device.kind === "audioinput" && device.label);
  const before = $("microphone").value;
  $("microphone").replaceChildren(
    new Option("The system's own choice", ""),
    ...inputs.map((device) => new Option(device.label, device.deviceId)));
  if (inputs.some((device) => device.deviceId === before)) $("microphone").value = before;
}

async function changeMicrophone() {
  if (!call) return;
  try {
    const microphone = await openMicrophone($("microphone").value);
    await call.useMicrophone(microphone);
    showLevel(microphone);
    complain("");
  } catch (error) {
    complain(words(error));
  }
}

function showLevel(microphone) {
  stopLevel();
  const context = new AudioContext();
  const analyser = new AnalyserNode(context, { fftSize: 1024 });
  context.createMediaStreamSource(microphone).connect(analyser);
  const samples = new Float32Array(analyser.fftSize);
  const timer = setInterval(() => {
    analyser.getFloatTimeDomainData(samples);
    const power = samples.reduce((sum, sample) => sum + sample * sample, 0) / samples.length;
    const decibels = 10 * Math.log10(power + 1e-9);
    $("level").value = Math.min(Math.max((decibels + 60) / 50, 0), 1);
  }, 100);
  listening = { context, timer };
}

function stopLevel() {
  if (!listening) return;
  clearInterval(listening.timer);
  listening.context.close();
  listening = null;
  $("level").value = 0;
}

// Portraits

const chosen = () => document.querySelector("#avatars input:checked")?.value ?? names[0];

function choose(name) {
  for (const input of document.querySelectorAll("#avatars input")) input.checked = input.value === name;
  showStill(name);
}

function showStill(name) {
  const thumbnail = [...document.querySelectorAll("#avatars img")].find((img) => img.dataset.name === name);
  if (thumbnail?.src) $("still").src = thumbnail.src;
  $("still").hidden = !thumbnail?.src;
  look.offer(name);
}

async function listAvatars() {
  const answer = await (await ask("avatars", token)).json();
  names = answer.names;
  $("own").hidden = !answer.upload;
  for (const label of document.querySelectorAll("#avatars label")) label.remove();
  $("avatars").append(...await Promise.all(names.map(avatarChoice)));
}

async function avatarChoice(name) {
  const label = document.createElement("label");
  const input = Object.assign(document.createElement("input"), { type: "radio", name: "avatar", value: name });
  const picture = Object.assign(document.createElement("img"), { alt: "" });
  picture.dataset.name = name;
  const response = await ask(`avatars/${encodeURIComponent(name)}`, token);
  picture.src = URL.createObjectURL(await response.blob());
  input.addEventListener("change", () => {
    showStill(name);
    call?.say({ type: "avatar", name });
  });
  label.append(input, picture, element("span", name));
  return label;
}

async function upload(event) {
  event.preventDefault();
  const query = new URLSearchParams({ name: $("name").value, consent: $("consent").checked ? "yes" : "no" });
  const button = $("upload").querySelector("button");
  button.disabled = true;
  $("progress").hidden = false;
  $("uploaded").textContent = "Sending the picture …";
  try {
    const response = await ask(`avatars?${query}`, token, { method: "POST", body: $("picture").files[0] });
    const made = await followed(response);
    await listAvatars();
    choose(made);
    call?.say({ type: "avatar", name: made });
    $("uploaded").textContent = "Ready: it speaks for you now.";
  } catch (error) {
    $("uploaded").textContent = words(error);
  } finally {
    button.disabled = false;
    $("progress").hidden = true;
  }
}

/** Shows the lines of progress as they come; the name of the portrait at the end. */
async function followed(response) {
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (let part = await reader.read(); !part.done; part = await reader.read()) {
    const lines = (rest + part.value).split("\n");
    rest = lines.pop();
    for (const line of lines.map((text) => JSON.parse(text))) {
      if (line.error) throw new CallError(line.error);
      if (line.name) return line.name;
      $("uploaded").textContent = line.text;
      $("progress").value = line.done;
    }
  }
  throw new CallError("The server stopped answering while it prepared the portrait.");
}

// Wiring

$("start").addEventListener("click", startOrStop);
$("mute").addEventListener("click", () => call?.say({ type: "mute", on: !isPressed("mute") }));
$("interrupt").addEventListener("click", () => call?.say({ type: "interrupt" }));
$("sound").addEventListener("click", toggleSound);
$("lookahead").addEventListener("change", () => call?.say({ type: "lookahead", ms: Number($("lookahead").value) }));
$("microphone").addEventListener("change", changeMicrophone);
$("upload").addEventListener("submit", upload);
window.addEventListener("pagehide", () => call?.end(""));
document.addEventListener("keydown", (event) => {
  if (event.target.matches("input, select") || event.ctrlKey || event.metaKey || event.altKey) return;
  const button = { m: "mute", Escape: "interrupt", s: "sound" }[event.key];
  if (button && !$(button).disabled) $(button).click();
});

try {
  await listAvatars();
  choose(names[0]);
  showIdle("");
} catch (error) {
  say("");
  complain(words(error));
}
