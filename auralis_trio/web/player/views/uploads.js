/** Uploads: files that are chosen or dropped are sent one after the other, where the server takes any. */

import { ApiError, fetchUploads, sendFile } from "../api.js";
import { countText } from "../format.js";

const SHOWN_PROBLEMS = 5;

export class UploadPanel {
  #elements;
  #rules = { allowed: false };
  #waiting = [];
  #sending = null; // an AbortController while files are sent
  #drags = false; // something of the page itself

  /** @param {Record<string, HTMLElement>} elements by their ids */
  constructor(elements) {
    this.#elements = elements;
    const { upload, "upload-files": field, "upload-stop": stop } = elements;
    upload.addEventListener("click", () => field.click());
    field.addEventListener("change", () => {
      const files = [...field.files];
      field.value = ""; // so that the same files can be chosen again
      this.send(files);
    });
    stop.addEventListener("click", () => (this.#sending ? this.#sending.abort() : this.#close()));
    addEventListener("dragstart", () => (this.#drags = true));
    addEventListener("dragend", () => (this.#drags = false));
    for (const type of ["dragenter", "dragover"]) addEventListener(type, (event) => this.#offer(event));
    addEventListener("dragleave", ({ relatedTarget }) => relatedTarget ?? this.#mark(false));
    addEventListener("drop", (event) => this.#take(event));
  }

  /** Ask whether the server takes files; where it does not, nothing of this is shown. */
  async ask() {
    try {
      this.#rules = await fetchUploads();
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      return; // the line says that the server is away
    }
    this.#elements.upload.hidden = !this.#rules.allowed;
    this.#elements["upload-files"].accept = this.#rules.extensions.join(",");
  }

  /** Send files, behind those that are being sent. @param {File[]} files */
  async send(files) {
    this.#waiting.push(...files);
    if (this.#sending || !this.#waiting.length) return;
    const outcome = { stored: 0, known: 0, problems: [], unsent: 0 };
    this.#sending = new AbortController();
    this.#elements["upload-stop"].textContent = "Stop";
    this.#elements.uploads.hidden = this.#elements["upload-progress"].hidden = false;
    try {
      await this.#sendAll(outcome, this.#sending.signal);
    } finally {
      this.#sending = null;
      this.#waiting = [];
      this.#elements["upload-progress"].hidden = true;
      this.#elements["upload-stop"].textContent = "Close";
      this.#elements["upload-text"].textContent = outcomeText(outcome);
    }
  }

  async #sendAll(outcome, signal) {
    for (let done = 0; done < this.#waiting.length; done += 1) {
      const file = this.#waiting[done];
      this.#show(done, 0);
      try {
        signal.throwIfAborted();
        this.#check(file);
        const { duplicate } = await sendFile(file, { signal, onProgress: (sent) => this.#show(done, sent) });
        outcome[duplicate ? "known" : "stored"] += 1;
      } catch (error) {
        if (error.name === "AbortError") {
          outcome.unsent = this.#waiting.length - done;
          return;
        }
        if (!(error instanceof ApiError)) throw error;
        outcome.problems.push(`“${file.name}”: ${error.message}`);
      }
    }
  }

  /** What the server would refuse need not be sent first. */
  #check({ name, size }) {
    const { extensions, max_bytes: most } = this.#rules;
    if (!extensions.some((extension) => name.toLowerCase().endsWith(extension))) {
      throw new ApiError("This is not a kind of music file that can be played.");
    }
    if (size > most) throw new ApiError(`It is larger than the ${Math.floor(most / 2 ** 20).toLocaleString("en")} MiB that are taken.`);
  }

  /** How far it is: so many files, and a share of the next. */
  #show(done, share) {
    const count = this.#waiting.length;
    const text = `Uploading “${this.#waiting[done].name}”${count > 1 ? `, ${done + 1} of ${count}` : ""}`;
    const shown = this.#elements["upload-text"];
    if (shown.textContent !== text) shown.textContent = text;
    this.#elements["upload-progress"].value = (done + share) / count;
  }

  #offer(event) {
    if (!this.#isMeant(event)) return;
    event.preventDefault();
    event.dataTransfer.dropEffect = "copy";
    this.#mark(true);
  }

  #take(event) {
    if (!this.#isMeant(event)) return;
    event.preventDefault();
    this.#mark(false);
    this.send([...event.dataTransfer.files]);
  }

  /** Whether files from outside are dragged over the page, and taken. */
  #isMeant({ dataTransfer }) {
    return this.#rules.allowed && !this.#drags && dataTransfer.types.includes("Files");
  }

  #mark(over) {
    this.#elements.library.classList.toggle("dropping", over);
  }

  #close() {
    this.#elements.uploads.hidden = true;
    this.#elements.upload.focus();
  }
}

/** What came of the files, in sentences. */
export function outcomeText({ stored, known, problems, unsent }) {
  const were = (count, what) => `${countText(count, "file")} ${count === 1 ? "was" : "were"} ${what}.`;
  const more = problems.length - SHOWN_PROBLEMS;
  return [
    stored && were(stored, "uploaded"),
    known && were(known, "in the library already"),
    unsent && were(unsent, "not sent"),
    ...problems.slice(0, SHOWN_PROBLEMS),
    more > 0 && were(more, "refused as well"),
  ].filter(Boolean).join("\n");
}
