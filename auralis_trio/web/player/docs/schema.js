/** What a JSON schema says, in a few words; pure. */

/** What a reference stands for. */
export function resolved(document_, schema) {
  return schema.$ref ? document_.components.schemas[schema.$ref.split("/").pop()] : schema;
}

/** The record that a schema is, or is a list of, or is besides null; null where there is none. */
export function recordOf(document_, schema) {
  const one = resolved(document_, schema);
  if (one.properties) return Object.keys(one.properties).length ? one : null;
  if (one.items) return recordOf(document_, one.items);
  if (typeof one.additionalProperties === "object") return recordOf(document_, one.additionalProperties);
  for (const other of one.anyOf ?? []) {
    const found = recordOf(document_, other);
    if (found) return found;
  }
  return null;
}

/** The members of a record. */
export function membersOf(record) {
  const required = new Set(record.required ?? []);
  return Object.entries(record.properties).map(([name, schema]) => ({ name, schema, required: required.has(name) }));
}

/** What a value is: `integer from 1 to 500, 50 if left out`. */
export function kindOf(document_, schema) {
  const one = resolved(document_, schema);
  const left = one.default === undefined || one.default === null ? "" : `, ${JSON.stringify(one.default)} if left out`;
  return `${bare(document_, one)}${left}`;
}

function bare(document_, one) {
  if (one.enum) return one.enum.join(" | ");
  if (one.anyOf) return one.anyOf.map((each) => kindOf(document_, each)).join(" or ");
  if (one.items) return `list of ${kindOf(document_, one.items)}${bounds(one.minItems, one.maxItems, " items")}`;
  if (one.properties) return one.title ?? "object";
  if (typeof one.additionalProperties === "object") return `object of ${kindOf(document_, one.additionalProperties)}`;
  if (one.type === "string") return `text${bounds(one.minLength, one.maxLength, " characters")}`;
  if (one.type === undefined) return "anything";
  return `${one.type}${bounds(one.minimum, one.maximum, "")}`;
}

function bounds(least, most, what) {
  // What lies beyond is a bound for machines, not for people.
  const largest = most !== undefined && Math.abs(most) < Number.MAX_SAFE_INTEGER ? most : undefined;
  if (least !== undefined && largest !== undefined) return ` from ${least} to ${largest}${what}`;
  if (largest !== undefined) return ` up to ${largest}${what}`;
  return least === undefined ? "" : ` from ${least}${what} on`;
}
