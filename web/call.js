// One call: signalling in WHIP form, the control channel, and the figures of the line.

const GATHER_MS = 400;
const CONNECT_MS = 20000;
// A line that was silent this long does not come back by itself.
const SILENT_MS = 3000;
const LOST = "The connection was lost.";

/** What went wrong, in words for people. */
export class CallError extends Error {}

/** fetch that says what went wrong in words. */
export async function ask(path, token, options = {}) {
  const headers = { ...options.headers };
  if (token) headers.Authorization = `Bearer ${token}`;
  let response;
  try {
    response = await fetch(path, { ...options, headers });
  } catch {
    throw new CallError("The server does not answer. Is it still running?");
  }
  if (!response.ok) throw new CallError(await response.text());
  return response;
}

/** The microphone, or a CallError that says what to do. */
export async function openMicrophone(deviceId) {
  if (!navigator.mediaDevices) {
    throw new CallError(
      "Browsers give the microphone to https:// and localhost only. " +
        "Start the server with --cert and --key, or open it on its own machine.");
  }
  const audio = { echoCancellation: true, noiseSuppression: true, autoGainControl: true };
  if (deviceId) audio.deviceId = { exact: deviceId };
  try {
    return await navigator.mediaDevices.getUserMedia({ audio });
  } catch (error) {
    throw new CallError(microphoneTrouble(error));
  }
}

function microphoneTrouble(error) {
  switch (error.name) {
    case "NotAllowedError":
      return "The microphone was refused. Allow it at the left of the address bar, then press Start again.";
    case "NotFoundError":
    case "OverconstrainedError":
      return "No microphone was found. Plug one in or choose another, then press Start again.";
    case "NotReadableError":
      return "Another program holds the microphone. Close it, then press Start again.";
    default:
      return `The microphone could not be opened (${error.name}).`;
  }
}

export class Call {
  /**
   * @param {MediaStream} microphone
   * @param {string} token may be empty
   * @param {{message: Function, ended: Function}} on what to call with each message, and at the end
   */
  constructor(microphone, token, on) {
    this.microphone = microphone;
    this.token = token;
    this.on = on;
    this.stream = new MediaStream();
    this.location = "";
    this.unsent = [];
    this.ended = false;
    this.greeted = false;
    this.before = {};
  }

  /** Connects; raises CallError. @param {URLSearchParams} choice avatar, lookahead_ms, background */
  async start(choice) {
    const servers = await (await ask("ice", this.token)).json();
    const peer = new RTCPeerConnection({ iceServers: servers });
    this.peer = peer;
    this.channel = peer.createDataChannel("control");
    this.channel.onmessage = (event) => this.hear(JSON.parse(event.data));
    for (const track of this.microphone.getAudioTracks()) peer.addTrack(track, this.microphone);
    peer.addTransceiver("video", { direction: "recvonly" });
    peer.ontrack = ({ track, receiver }) => {
      receiver.jitterBufferTarget = 0;
      this.stream.addTrack(track);
    };
    peer.onicecandidate = ({ candidate }) => candidate && this.trickle(candidate);
    const connected = this.connected();
    connected.catch(() => {});
    await peer.setLocalDescription();
    await this.gathered();
    if (this.ended) return;
    this.unsent = [];
    const response = await ask(`whip?${choice}`, this.token, {
      method: "POST",
      headers: { "Content-Type": "application/sdp" },
      body: peer.localDescription.sdp,
    });
    this.location = response.headers.get("Location");
    await peer.setRemoteDescription({ type: "answer", sdp: await response.text() });
    await this.sendCandidates();
    await connected;
  }

  gathered() {
    return new Promise((done) => {
      if (this.peer.iceGatheringState === "complete") done();
      this.peer.addEventListener("icegatheringstatechange", () => {
        if (this.peer.iceGatheringState === "complete") done();
      });
      setTimeout(done, GATHER_MS);
    });
  }

  connected() {
    return new Promise((done, failed) => {
      const noPath = () => failed(new CallError(
        "No path for sound and picture was found: a firewall or router stands between. " +
          "Try another network, or start the server with a relay (--ice-server turn:…)."));
      const timer = setTimeout(noPath, CONNECT_MS);
      let silent = 0;
      let was = false;
      this.peer.onconnectionstatechange = () => {
        const state = this.peer.connectionState;
        clearTimeout(silent);
        if (state === "connected") {
          clearTimeout(timer);
          was = true;
          done();
        } else if (was && state === "disconnected") {
          silent = setTimeout(() => this.end(LOST, true), SILENT_MS);
        } else if (was && state === "failed") {
          this.end(LOST, true);
        } else if (state === "failed" && this.location) {
          clearTimeout(timer);
          noPath();
        }
      };
    });
  }

  trickle(candidate) {
    this.unsent.push(candidate);
    if (this.location) this.sendCandidates();
  }

  async sendCandidates() {
    const fragment = this.unsent.map((each) => `a=mid:${each.sdpMid}\r\na=${each.candidate}\r\n`);
    this.unsent = [];
    if (!fragment.length) return;
    await ask(this.location, this.token, {
      method: "PATCH",
      headers: { "Content-Type": "application/trickle-ice-sdpfrag" },
      body: fragment.join(""),
    });
  }

  hear(message) {
    if (message.type === "ended") this.end(message.text, message.again);
    else this.on.message(message);
  }

  /** Sends a message of the control channel, or a picture's bytes; false if it is not open. */
  say(message) {
    if (this.channel?.readyState !== "open") return false;
    this.channel.send(message instanceof ArrayBuffer ? message : JSON.stringify(message));
    return true;
  }

  /** Another microphone, without a new call. */
  async useMicrophone(microphone) {
    const [track] = microphone.getAudioTracks();
    await this.peer?.getSenders().find((sender) => sender.track?.kind === "audio")?.replaceTrack(track);
    this.microphone.getTracks().forEach((old) => old.stop());
    this.microphone = microphone;
  }

  /** Figures since the last call of this: {rtt, hold, decode} in ms, loss as a share, fps. */
  async figures() {
    const found = { rtt: 0, hold: 0, decode: 0, loss: 0, fps: 0 };
    let lost = 0;
    let arrived = 0;
    for (const report of (await this.peer.getStats()).values()) {
      if (report.type === "candidate-pair" && report.nominated) {
        found.rtt = (report.currentRoundTripTime ?? 0) * 1000;
      }
      if (report.type !== "inbound-rtp") continue;
      lost += this.since(report, "packetsLost");
      arrived += this.since(report, "packetsReceived");
      if (report.kind !== "video") continue;
      const shown = this.since(report, "jitterBufferEmittedCount") || 1;
      const decoded = this.since(report, "framesDecoded");
      found.hold = (this.since(report, "jitterBufferDelay") / shown) * 1000;
      found.decode = (this.since(report, "totalDecodeTime") / (decoded || 1)) * 1000;
      found.fps = decoded;
    }
    found.loss = Math.max(lost, 0) / (lost + arrived || 1);
    return found;
  }

  since(report, key) {
    const name = `${report.id} ${key}`;
    const now = report[key] ?? 0;
    const change = now - (this.before[name] ?? 0);
    this.before[name] = now;
    return change;
  }

  /**
   * Ends the call, once.
   * @param {string} reason told to the page
   * @param {boolean} again the microphone stays open, to call again
   */
  end(reason, again = false) {
    if (this.ended) return;
    this.ended = true;
    this.peer?.close();
    if (!again) this.microphone.getTracks().forEach((track) => track.stop());
    if (this.location && !again) {
      ask(this.location, this.token, { method: "DELETE", keepalive: true }).catch(() => {});
    }
    this.on.ended(reason, again);
  }
}
