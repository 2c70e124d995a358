/**
 * The line: the WebSocket to the server, kept open. Says `hello`, `message`, `packet` and `state` (connecting, open,
 * down). Messages are `{type, data}`; while the line is down nothing is kept for later. The server takes messages in
 * order, so a ping behind one that was sent is answered when that one has been carried out.
 */

const FIRST_WAIT_S = 0.5;
const LONGEST_WAIT_S = 15;
const SILENCE_S = 20;

export class Line extends EventTarget {
  #url;
  #socket = null;
  #failures = 0;
  #retry = null;
  #heard = false;
  #probing = null;
  #pings = 0;
  #pongs = 0;
  #hurry = () => this.hurry();

  /** @param {string} url of the WebSocket */
  constructor(url) {
    super();
    this.#url = url;
    this.state = "down";
    /** Why the line was closed, as far as the server said. */
    this.reason = "";
  }

  /** Connect, and connect again whenever the line drops. */
  open() {
    this.#connect();
    this.#probing = setInterval(() => this.#probe(), SILENCE_S * 1000);
    addEventListener("online", this.#hurry);
  }

  /** Hang up until it is opened again. */
  close() {
    clearTimeout(this.#retry);
    clearInterval(this.#probing);
    removeEventListener("online", this.#hurry);
    this.#hangUp();
    this.#failures = 0;
    this.#become("down");
  }

  /** Do not wait any longer before the next attempt. */
  hurry() {
    if (this.state === "down") this.#connect();
  }

  /** False says that the line is down and the message was not sent. */
  send(type, data = {}) {
    if (this.state !== "open" || this.#socket.readyState !== WebSocket.OPEN) return false;
    this.#socket.send(JSON.stringify({ type, data }));
    return true;
  }

  /** Ask for an answer to all that was sent so far; the ticket is for `answered`. */
  ping() {
    if (this.send("ping")) this.#pings += 1;
    return this.#pings;
  }

  /** Whether the server has come so far as it was when this ticket was given. */
  answered(ticket) {
    return this.#pongs >= ticket;
  }

  #connect() {
    clearTimeout(this.#retry);
    const socket = new WebSocket(this.#url);
    socket.binaryType = "arraybuffer";
    socket.onmessage = ({ data }) => this.#received(data);
    socket.onclose = ({ reason }) => this.#dropped(reason);
    this.#socket = socket;
    this.#become("connecting");
  }

  #received(data) {
    this.#heard = true;
    if (typeof data !== "string") return this.#say("packet", data);
    const message = JSON.parse(data);
    if (message.type === "pong") this.#pongs += 1;
    if (message.type !== "hello") return this.#say("message", message);
    this.#failures = 0;
    this.#pongs = this.#pings; // what was asked on an earlier line is never answered
    this.#become("open");
    return this.#say("hello", message.data);
  }

  #dropped(reason = "") {
    this.reason = reason;
    const wait_s = Math.min(LONGEST_WAIT_S, FIRST_WAIT_S * 2 ** this.#failures) * (0.75 + Math.random() / 2);
    this.#failures += 1;
    this.#retry = setTimeout(() => this.#connect(), wait_s * 1000);
    this.#become("down");
  }

  /** A line that stays silent after a ping is dead, even if nobody has closed it. */
  #probe() {
    if (this.state !== "open") return;
    if (!this.#heard) {
      this.#hangUp();
      this.#dropped();
      return;
    }
    this.#heard = false;
    this.ping();
  }

  #hangUp() {
    if (!this.#socket) return;
    this.#socket.onmessage = this.#socket.onclose = null;
    this.#socket.close();
  }

  #become(state) {
    this.state = state;
    this.#say("state", state);
  }

  #say(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }
}
