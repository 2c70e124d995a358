/**
 * A deck: one feed that sounds, as a node of an AudioContext. In a worklet where the browser allows it; a page that
 * came over plain HTTP from another machine gets none, and runs the same feed in a script node.
 */

import { newFeed } from "./twin.js";

const SCRIPT_NODE_FRAMES = 4096;

/** What both decks do: take commands, give reports, and fall silent when closed. */
class Deck {
  constructor(node, onReport) {
    this.node = node;
    this.onReport = onReport;
  }

  push(planes) {
    this.command("push", planes, planes.map((plane) => plane.buffer));
  }

  close() {
    this.onReport = () => {};
    this.node.disconnect();
    this.command("close");
  }
}

class WorkletDeck extends Deck {
  constructor(context, settings, onReport) {
    const { channels } = settings;
    super(
      new AudioWorkletNode(context, "feed", {
        numberOfInputs: 0,
        outputChannelCount: [channels],
        processorOptions: settings,
      }),
      onReport,
    );
    this.node.port.onmessage = ({ data }) => this.onReport(data);
  }

  command(command, value = null, transfer = []) {
    this.node.port.postMessage({ command, value }, transfer);
  }
}

class ScriptDeck extends Deck {
  #feed;

  constructor(context, settings, onReport) {
    super(context.createScriptProcessor(SCRIPT_NODE_FRAMES, 0, settings.channels), onReport);
    this.#feed = newFeed(settings);
    const channels = Array.from({ length: settings.channels }, (_, channel) => channel);
    this.node.onaudioprocess = ({ outputBuffer }) => {
      this.#feed.render(channels.map((channel) => outputBuffer.getChannelData(channel)));
      this.#report();
    };
  }

  command(command, value = null) {
    if (command === "close") this.node.onaudioprocess = null;
    else this.#feed[command](value);
    this.#report();
  }

  #report() {
    const report = this.#feed.report();
    if (report) this.onReport(report);
  }
}

/** Make `context` ready for decks; once for each context. */
export async function prepareDecks(context) {
  await context.audioWorklet?.addModule(new URL("worklet.js", import.meta.url));
}

/** A deck on a context that was prepared; `settings` are those of the feed. */
export function openDeck(context, settings, onReport) {
  const Kind = context.audioWorklet ? WorkletDeck : ScriptDeck;
  return new Kind(context, settings, onReport);
}
