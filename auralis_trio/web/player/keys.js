/** The keyboard. Fields and focused controls keep the keys that are theirs. */

const TEXT = "input[type=search], input[type=text], select";
const PRESSABLE = "button, select, input[type=checkbox], input[type=radio]";
const CLICKED = "button, input[type=checkbox], input[type=radio]";
const SLIDER = "input[type=range], input[type=radio]";

/**
 * @param {Record<string, (event: KeyboardEvent) => void>} actions by key; "Shift+" before it where that is held
 */
export function listenToKeys(actions) {
  document.addEventListener("keydown", (event) => {
    const { key } = event;
    // For a moment the focus stays behind in a dialog that has been closed: what is not seen keeps no keys.
    const target = event.target.checkVisibility() ? event.target : document.body;
    if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
    if (target.closest("dialog, [popover]") || target.matches(TEXT)) return;
    if (key === " " && target.matches(PRESSABLE)) return;
    if (key.startsWith("Arrow") && target.matches(SLIDER)) return;
    const name = key.length === 1 ? key.toLowerCase() : key;
    const action = actions[event.shiftKey && key.startsWith("Arrow") ? `Shift+${key}` : name];
    if (!action) return;
    event.preventDefault();
    action(event);
  });
  // After a click the keys are the player's again; whoever came by Tab keeps the focus.
  let byPointer = false;
  document.addEventListener("pointerdown", () => (byPointer = true), true);
  document.addEventListener("keydown", () => (byPointer = false), true);
  document.addEventListener("click", ({ target }) => {
    if (byPointer) target.closest?.(CLICKED)?.blur();
  });
}
