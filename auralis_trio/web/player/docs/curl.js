/** A request as a line for the shell; pure. */

import { membersOf, resolved } from "./schema.js";

const JSON_TYPE = "application/json";

/** The line that makes the simplest request to a route: what is required, with values that fit. */
export function curl(document_, { method, path, operation }, origin) {
  const given = operation.parameters.filter((one) => one.required);
  const place = path.replace(/{(\w+)}/g, (_, name) => example(document_, given.find((one) => one.name === name).schema));
  const query = new URLSearchParams(
    given.filter((one) => one.in === "query").map((one) => [one.name, example(document_, one.schema)]),
  );
  const parts = ["curl"];
  if (method !== "GET") parts.push("-X", method);
  parts.push(...sent(document_, operation.requestBody));
  if (isFile(operation)) parts.push("-O");
  return [...parts, quoted(`${origin}${place}${query.size ? `?${query}` : ""}`)].join(" ");
}

function sent(document_, body) {
  if (!body) return [];
  const [kind] = body.content[JSON_TYPE] ? [JSON_TYPE] : Object.keys(body.content);
  const data = kind === JSON_TYPE ? JSON.stringify(example(document_, body.content[kind].schema)) : "@FILE";
  return ["-H", quoted(`Content-Type: ${kind}`), kind === JSON_TYPE ? "-d" : "--data-binary", quoted(data)];
}

/** Whether what is answered is for a file and not for the screen. */
function isFile(operation) {
  return Object.keys(operation.responses["200"]?.content ?? {}).some((kind) => /^(audio|image)\//.test(kind));
}

function example(document_, schema) {
  const one = resolved(document_, schema);
  if (one.default !== undefined) return one.default;
  if (one.enum) return one.enum[0];
  if (one.anyOf) return example(document_, one.anyOf[0]);
  if (one.items) return Array.from({ length: one.minItems ?? 0 }, () => example(document_, one.items));
  if (one.properties) {
    const required = membersOf(one).filter((member) => member.required);
    return Object.fromEntries(required.map(({ name, schema: kind }) => [name, example(document_, kind)]));
  }
  if (one.type === "boolean") return true;
  if (one.type === "integer" || one.type === "number") return Math.max(1, one.minimum ?? 1);
  return one.type === "string" ? "text" : {};
}

function quoted(text) {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
