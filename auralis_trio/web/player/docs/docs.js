/** The page on every route: drawn from the OpenAPI document of the server that it comes from. */

import { curl } from "./curl.js";
import { kindOf, membersOf, recordOf } from "./schema.js";

const NOTHING = "Nothing is found.";

/** An element with its attributes and what stands in it. */
function element(name, attributes = {}, ...inside) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...inside);
  return made;
}

/** A text in which what stands between backticks is code. */
function prose(text) {
  return text.split("`").map((part, number) => (number % 2 ? element("code", {}, part) : part));
}

function section(title, ...inside) {
  return inside.length ? [element("h3", {}, title), ...inside] : [];
}

/** A record's name, which opens to its members: they are drawn when they are first looked at, for records nest. */
function record(document_, schema) {
  const found = recordOf(document_, schema);
  if (!found) return element("span", { class: "kind" }, kindOf(document_, schema));
  const shown = element("details", { class: "record" }, element("summary", {}, kindOf(document_, schema)));
  shown.addEventListener("toggle", () => {
    if (!shown.open || shown.children.length > 1) return;
    if (found.description) shown.append(element("p", {}, ...prose(found.description)));
    shown.append(element("ul", { class: "fields" }, ...membersOf(found).map((one) => member(document_, one))));
  });
  return shown;
}

function member(document_, { name, schema, required }) {
  return element(
    "li",
    {},
    element("code", { class: "name" }, name),
    required ? element("span", { class: "mark" }, " (required) ") : " ",
    record(document_, schema),
  );
}

function parameters(document_, all) {
  if (!all.length) return [];
  const lines = all.map((one) => member(document_, one));
  return [element("ul", { class: "fields" }, ...lines)];
}

function contents(document_, content) {
  return Object.entries(content).map(([kind, { schema }]) =>
    element("li", {}, element("code", {}, kind), " ", ...(schema ? [record(document_, schema)] : [])),
  );
}

function answers(document_, responses) {
  return Object.entries(responses).map(([status, said]) => {
    const told = said.$ref ? document_.components.responses[said.$ref.split("/").pop()] : said;
    const problem = Boolean(said.$ref);
    return element(
      "li",
      {},
      element("code", { class: "name" }, status),
      " ",
      ...told.description.split("\n\n").map((line) => element("span", { class: "kind" }, ...prose(line), " ")),
      ...(problem ? [] : contents(document_, told.content ?? {})),
    );
  });
}

/** A line for the shell with a button that copies it; where the browser does not allow that, the line is marked. */
function command(line) {
  const shown = element("pre", { tabindex: "0" }, line);
  const button = element("button", { type: "button" }, "Copy");
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(line);
      button.textContent = "Copied";
    } catch {
      getSelection().selectAllChildren(shown);
      button.textContent = "Marked";
    }
  });
  return element("div", { class: "command" }, shown, button);
}

function inside(document_, route) {
  const { operation } = route;
  const sent = operation.requestBody;
  return element(
    "div",
    { class: "inside" },
    ...(operation.description ? [element("p", {}, ...prose(operation.description))] : []),
    ...section("Parameters", ...parameters(document_, operation.parameters)),
    ...section(
      sent?.required ? "Body" : "Body, which may be left out",
      ...(sent ? [element("ul", { class: "fields" }, ...contents(document_, sent.content))] : []),
    ),
    ...section("Answers", element("ul", { class: "fields" }, ...answers(document_, operation.responses))),
    ...section("In a shell", command(curl(document_, route, location.origin))),
  );
}

function drawn(document_, route) {
  const shown = element(
    "details",
    { class: "route", id: route.operation.operationId },
    element(
      "summary",
      {},
      element("span", { class: "method" }, route.method),
      element("code", { class: "path" }, route.path),
      element("span", { class: "gist" }, ...prose(route.operation.summary)),
    ),
  );
  shown.addEventListener("toggle", () => {
    if (!shown.open) return;
    if (shown.children.length === 1) shown.append(inside(document_, route));
    history.replaceState(null, "", `#${shown.id}`);
  });
  return shown;
}

/** Every route with its method, path and what is said of it. */
function routesOf(document_) {
  return Object.entries(document_.paths).flatMap(([path, operations]) =>
    Object.entries(operations).map(([method, operation]) => ({ path, method: method.toUpperCase(), operation })),
  );
}

function openNamed() {
  const named = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (named?.matches("details")) {
    named.open = true;
    named.scrollIntoView();
  }
}

function draw(document_) {
  const routes = routesOf(document_);
  const rooms = [...new Set(routes.map((route) => route.operation.tags[0]))].sort();
  const shown = routes.map((route) => ({ route, element: drawn(document_, route) }));
  const sections = rooms.map((room) => {
    const here = shown.filter(({ route }) => route.operation.tags[0] === room);
    return element("section", { id: `room-${room}` }, element("h2", {}, room), ...here.map((one) => one.element));
  });
  document.querySelector("#routes").append(...sections);
  document.querySelector("#rooms").append(...rooms.map((room) => element("a", { href: `#room-${room}` }, room)));
  const note = document.querySelector("#note");
  const find = (words) => {
    let found = 0;
    for (const { route, element: line } of shown) {
      const text = `${route.method} ${route.path} ${route.operation.summary}`.toLowerCase();
      line.hidden = !words.every((word) => text.includes(word));
      found += !line.hidden;
    }
    for (const one of sections) one.hidden = !one.querySelector(".route:not([hidden])");
    note.textContent = found ? `${found} routes, version ${document_.info.version}` : NOTHING;
  };
  const filter = document.querySelector("#filter");
  filter.addEventListener("input", () => find(filter.value.toLowerCase().split(/\s+/)));
  find([]);
  addEventListener("keydown", (event) => {
    if (event.key !== "/" || event.target.matches("input")) return;
    event.preventDefault();
    filter.focus();
  });
  addEventListener("hashchange", openNamed);
  openNamed();
}

async function begin() {
  try {
    const answer = await fetch("/api/openapi.json");
    if (!answer.ok) throw new Error(`the server answered ${answer.status}`);
    draw(await answer.json());
  } catch (error) {
    document.querySelector("#note").textContent = `The description could not be loaded: ${error.message}`;
  }
}

begin();
