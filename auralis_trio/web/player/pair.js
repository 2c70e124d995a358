/**
 * Two ways to the loudspeakers that end in one deck: what is sent down either is kept in step with the other, and one
 * of the two is heard. Both begin at the same frame of the same track.
 */

/** An output for two playbacks; `ways` has one for each, with the face of an output. */
export class PairedOutput {
  #output;
  #pair = null;
  #heard = 0;

  /** @param {import("./output.js").Output} output */
  constructor(output) {
    this.#output = output;
    this.ways = [0, 1].map((side) => ({
      wake: (sampleRate) => output.wake(sampleRate),
      suspend: () => output.suspend(),
      addEventListener: (...listener) => output.addEventListener(...listener),
      openDeck: (tape, onReport) => this.#openHalf(side, tape, onReport),
    }));
  }

  /** Hear this side from the next frame on. */
  hear(side) {
    this.#heard = side;
    this.#pair?.hear(side);
  }

  /** The second one to ask joins the first one's deck. @throws {import("./output.js").OutputError} */
  async #openHalf(side, tape, onReport) {
    if (!this.#pair?.awaits(side, tape)) {
      this.#pair = new Pair(this.#output, tape);
      this.#pair.hear(this.#heard);
    }
    const pair = this.#pair;
    pair.listeners[side] = onReport;
    return new Half(pair, await pair.deck, side);
  }
}

/** A deck for two, from the first one's request on. */
class Pair {
  closed = false;
  listeners = [null, null];
  #place;

  constructor(output, tape) {
    const { sampleRate, channels } = tape;
    this.#place = placeOf(tape);
    this.deck = output.openDeck({ sampleRate, channels, twin: true }, (report) => this.#tell(report));
  }

  /** Whether this side is missing, and would begin where the other one did. */
  awaits(side, tape) {
    return !this.closed && !this.listeners[side] && placeOf(tape) === this.#place;
  }

  hear(side) {
    this.deck.then(
      (deck) => deck.command("hear", side),
      () => {}, // whoever has asked for the deck learns of it
    );
  }

  #tell(report) {
    for (const onReport of this.listeners) onReport?.(report);
  }
}

function placeOf({ sampleRate, channels, heard }) {
  return [heard.track.id, heard.startFrame, sampleRate, channels].join(" ");
}

/** One side of a deck, with the face of a whole one. */
class Half {
  #pair;
  #deck;
  #side;

  constructor(pair, deck, side) {
    this.#pair = pair;
    this.#deck = deck;
    this.#side = side;
  }

  push(planes) {
    const block = { side: this.#side, planes };
    this.#deck.command("push", block, planes.map((plane) => plane.buffer));
  }

  command(command, value = null) {
    this.#deck.command(command, command === "cut" ? { side: this.#side, frame: value } : value);
  }

  /** One side alone says nothing: the whole deck falls silent. */
  close() {
    this.#pair.closed = true;
    this.#pair.listeners[this.#side] = null;
    this.#deck.close();
  }
}
