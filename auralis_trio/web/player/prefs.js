/** What the page remembers in this browser; a browser that keeps nothing gives the fallback every time. */

const PREFIX = "auralis.";

export function recall(name, fallback) {
  try {
    return localStorage.getItem(PREFIX + name) ?? fallback;
  } catch {
    return fallback; // storage is switched off
  }
}

export function remember(name, value) {
  try {
    localStorage.setItem(PREFIX + name, value);
  } catch {
    // Storage is switched off or full: then it holds for this visit.
  }
}
