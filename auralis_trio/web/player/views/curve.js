/** The curve of an equalizer, drawn into an SVG: dB over frequency, both on the scales that ears have. */

const SVG = "http://www.w3.org/2000/svg";
const [LOW_HZ, HIGH_HZ] = [20, 20_000];
const FREQUENCIES = [[50, "50"], [200, "200"], [1_000, "1k"], [5_000, "5k"]];
const LEAST_RANGE_DB = 6;
const [WIDTH, HEIGHT, MARGIN] = [400, 150, 18];

/**
 * @param {SVGElement} svg with a view of 400 x 150
 * @param {number[]} frequencies_hz where the curves are known
 * @param {{kind: string, gains_db: number[]}[]} curves `kind` becomes their class
 */
export function drawCurves(svg, frequencies_hz, curves) {
  const most_db = Math.max(LEAST_RANGE_DB, ...curves.flatMap(({ gains_db }) => gains_db.map(Math.abs)));
  const x = (hz) => (Math.log(hz / LOW_HZ) / Math.log(HIGH_HZ / LOW_HZ)) * WIDTH;
  const y = (db) => (HEIGHT - MARGIN) / 2 - (db / most_db) * (HEIGHT / 2 - MARGIN);
  const grid = [
    ...FREQUENCIES.map(([hz]) => part("line", { x1: x(hz), x2: x(hz), y1: 0, y2: HEIGHT - MARGIN, class: "grid" })),
    ...[-LEAST_RANGE_DB, 0, LEAST_RANGE_DB].map((db) =>
      part("line", { x1: 0, x2: WIDTH, y1: y(db), y2: y(db), class: db ? "grid" : "grid zero" }),
    ),
  ];
  const names = [
    ...FREQUENCIES.map(([hz, name]) => part("text", { x: x(hz), y: HEIGHT - 4, "text-anchor": "middle" }, name)),
    ...[-LEAST_RANGE_DB, LEAST_RANGE_DB].map((db) =>
      part("text", { x: 2, y: y(db) - 3 }, `${db < 0 ? "−" : "+"}${LEAST_RANGE_DB} dB`),
    ),
  ];
  const lines = curves.map(({ kind, gains_db }) => {
    const points = gains_db.map((gain_db, at) => `${x(frequencies_hz[at]).toFixed(1)},${y(gain_db).toFixed(1)}`);
    return part("polyline", { points: points.join(" "), class: `curve ${kind}` });
  });
  svg.replaceChildren(...grid, ...lines, ...names);
}

function part(name, attributes, text = "") {
  const element = document.createElementNS(SVG, name);
  for (const [attribute, value] of Object.entries(attributes)) element.setAttribute(attribute, value);
  element.textContent = text;
  return element;
}
