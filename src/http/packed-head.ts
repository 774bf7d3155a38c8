/**
 * Heads of requests that live on behind an upgrade, in little memory: a browser's head has 500 to 1,000
 * bytes, and a server of idle WebSockets would hold more of them than of everything else of its own.
 *
 * The heads of one kind of browser differ in few values: the key of the handshake, a cookie. So a head is
 * kept as its difference to one that came before, its model: a text of lines, in each the index of a field as
 * one character, and the value. A head like no model is kept whole, as one text, and becomes a model for
 * those that come after. Models have memory of their own; a few are kept here, the others live as long as a
 * head refers to them.
 */

import type { RawFields } from "../protocol/fields/raw-fields.js";
import type { RequestStartLine } from "../protocol/fields/start-line.js";

/** How many models are kept: as many as there are usual browsers in a few versions. */
const MAX_MODELS = 32;
/** A difference of more than this part of the head is not worth a model. */
const MAX_DIFFERENCE = 0.5;
/** Longer lists of fields are kept whole; an index is one character of one octet. */
const MAX_FIELDS = 0xff;

interface Model {
  readonly startLine: RequestStartLine;
  readonly fields: RawFields;
}

/** The models, the one that was used last at the front. */
const models: Model[] = [];

/** A head in little memory. */
export interface PackedHead {
  /** Its start line, which may be that of its model. */
  readonly startLine: RequestStartLine;
  /** Makes the fields anew. */
  readonly fields: RawFields;
}

/** A head like no other before it. */
class WholeHead implements PackedHead {
  readonly startLine: RequestStartLine;
  readonly #text: string;

  constructor(startLine: RequestStartLine, text: string) {
    this.startLine = startLine;
    this.#text = text;
  }

  get fields(): RawFields {
    return this.#text === "" ? [] : this.#text.split("\n");
  }
}

/** A head that has a model. */
class LikeAnother implements PackedHead {
  readonly #model: Model;
  /** Undefined for that of the model. */
  readonly #startLine: RequestStartLine | undefined;
  readonly #difference: string;

  constructor(model: Model, startLine: RequestStartLine, difference: string) {
    this.#model = model;
    const { method, path, version } = model.startLine;
    const isSame = startLine.method === method && startLine.path === path && startLine.version === version;
    this.#startLine = isSame ? undefined : ownLine(startLine);
    this.#difference = difference;
  }

  get startLine(): RequestStartLine {
    return this.#startLine ?? this.#model.startLine;
  }

  get fields(): RawFields {
    const fields = [...this.#model.fields];
    if (this.#difference !== "") {
      for (const line of this.#difference.split("\n")) fields[line.charCodeAt(0)] = line.slice(1);
    }
    return fields;
  }
}

/**
 * Packs a head whose values hold no line feed, as those of received messages do not. Nothing of what was
 * passed is kept.
 */
export function packHead(startLine: RequestStartLine, fields: RawFields): PackedHead {
  const text = fields.join("\n");
  const most = text.length * MAX_DIFFERENCE;
  for (let i = 0; i < models.length; i++) {
    const model = models[i]!;
    const difference = differenceOf(model.fields, fields, most);
    if (difference === undefined) continue;
    if (i > 0) models.unshift(...models.splice(i, 1));
    return new LikeAnother(model, startLine, ownText(difference));
  }
  const own = ownLine(startLine);
  if (fields.length <= MAX_FIELDS) {
    models.unshift({ startLine: own, fields: fields.map(ownText) });
    if (models.length > MAX_MODELS) models.pop();
  }
  return new WholeHead(own, text);
}

/** The lines in which `fields` differ from a model; undefined if they do in too much. */
function differenceOf(model: RawFields, fields: RawFields, most: number): string | undefined {
  if (model.length !== fields.length) return undefined;
  let difference = "";
  for (let i = 0; i < fields.length; i++) {
    const field = fields[i]!;
    if (field === model[i]) continue;
    // Names stand at even places.
    if ((i & 1) === 0) return undefined;
    difference += `${difference === "" ? "" : "\n"}${String.fromCharCode(i)}${field}`;
    if (difference.length > most) return undefined;
  }
  return difference;
}

function ownLine({ method, path, version }: RequestStartLine): RequestStartLine {
  return { method: ownText(method), path: ownText(path), version };
}

/** The same text in memory of its own: a piece of a text keeps the whole of it. */
export function ownText(text: string): string {
  return Buffer.from(text, "latin1").toString("latin1");
}
