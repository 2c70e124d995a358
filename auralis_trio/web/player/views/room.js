/**
 * How much of the window is taken by what stays in it while the library is scrolled. The style sheet is told, so that
 * what has the focus is never behind that, however high it is just now.
 */

/** Tell, from now on. @param {{deck: HTMLElement, finder: HTMLElement}} parts */
export function tellRoom(parts) {
  const { style } = document.documentElement;
  const observer = new ResizeObserver(() => {
    for (const [name, part] of Object.entries(parts)) style.setProperty(`--${name}-height`, `${part.offsetHeight}px`);
  });
  for (const part of Object.values(parts)) observer.observe(part);
}
