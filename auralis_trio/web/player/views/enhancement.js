/** The sound panel: mastered or as recorded, which preset, how much of it. Shows the settings, tells what is changed. */

const SETTLE_MS = 250;

/** Says `change` with the settings that were changed. */
export class EnhancementPanel extends EventTarget {
  #elements;
  #settling = null;

  /** @param {Record<string, HTMLElement>} elements by their ids */
  constructor(elements) {
    super();
    this.#elements = elements;
    const { mastered, presets, intensity, "match-loudness": match } = elements;
    mastered.addEventListener("change", () => this.#say({ enabled: mastered.checked }));
    match.addEventListener("change", () => this.#say({ match_loudness: match.checked }));
    presets.addEventListener("change", ({ target }) => this.#say({ preset: target.value }));
    intensity.addEventListener("input", () => this.#slid());
  }

  /** Offer these presets. */
  offer(presets) {
    const { presets: fieldset, "preset-choice": template } = this.#elements;
    const choices = presets.map(({ name, label, description }) => {
      const choice = template.content.firstElementChild.cloneNode(true);
      choice.querySelector("input").value = name;
      choice.querySelector("span").textContent = label;
      choice.title = description;
      return choice;
    });
    fieldset.append(...choices);
  }

  /**
   * Show the settings; those that cannot be changed just now are locked.
   * @param {object | null} settings null while the server has told none
   * @param {{comparing: boolean, blind: boolean}} stage
   */
  show(settings, { comparing, blind }) {
    const { mastered, presets, intensity, "match-loudness": match } = this.#elements;
    const locked = !settings || blind;
    mastered.disabled = locked || comparing;
    presets.disabled = intensity.disabled = match.disabled = locked;
    if (!settings) return;
    mastered.checked = settings.enabled;
    match.checked = settings.match_loudness;
    for (const choice of presets.querySelectorAll("input")) choice.checked = choice.value === settings.preset;
    if (this.#settling === null) intensity.value = Math.round(settings.intensity * 100);
    this.#showIntensity();
  }

  /** Each step is told to the server and begins a stream anew, so a slide is told once it rests. */
  #slid() {
    this.#showIntensity();
    clearTimeout(this.#settling);
    this.#settling = setTimeout(() => {
      this.#settling = null;
      this.#say({ intensity: Number(this.#elements.intensity.value) / 100 });
    }, SETTLE_MS);
  }

  #showIntensity() {
    const { intensity, "intensity-text": text } = this.#elements;
    intensity.style.setProperty("--part", Number(intensity.value) / 100);
    text.textContent = `${intensity.value} %`;
    intensity.setAttribute("aria-valuetext", text.textContent);
  }

  #say(changed) {
    this.dispatchEvent(new CustomEvent("change", { detail: changed }));
  }
}
