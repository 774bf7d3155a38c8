/**
 * What `write()` takes besides text: bytes of any kind, and objects that JSON can hold (RFC 8259).
 *
 * `JSON.stringify` gives `{}` for a `Map`, a stream or an error without complaint, and the client would get
 * that with status 200. Such objects are refused, with the words that send what was meant. What stands inside
 * an object is the business of `jsonEncode()`.
 */
import { isSharedArrayBuffer } from "node:util/types";
import { isThenable } from "../../async/coroutine/yieldable.js";
import { InvalidArgumentError } from "../../base/errors.js";
import { objectOfClass } from "../../base/lost-in-json.js";
import { survivesJson } from "../../base/validate.js";

/**
 * The classes of the platform that people try, and what they can write instead. Asked for when it is needed:
 * Node loads its streams when `ReadableStream` is read.
 */
const instead = (): readonly (readonly [type: new (...args: never[]) => object, advice: string])[] => [
  [Map, "this.write(Object.fromEntries(map))"],
  [Set, "this.write({ items: [...set] })"],
  [URLSearchParams, "this.write(String(params)) with the Content-Type of a form"],
  [Blob, "this.write(await blob.arrayBuffer())"],
  [ReadableStream, "for await (const piece of stream) { this.write(piece); await this.flush(); }"],
  [Error, "this.write({ error: error.message })"],
];

function refuse(what: string, advice: string): never {
  throw new InvalidArgumentError(`write() takes text, bytes or an object, got ${what}${advice}`);
}

/**
 * Passes an object that JSON can hold.
 * @throws InvalidArgumentError for anything else, with what to write instead.
 */
export function checkJson(chunk: unknown): asserts chunk is object {
  if (chunk === null) refuse("null", "");
  if (typeof chunk !== "object") refuse(`a ${typeof chunk}`.replace("a undefined", "undefined"), "");
  if (isThenable(chunk)) refuse("a promise", "; await it and write its result");
  if (Array.isArray(chunk)) {
    refuse(
      "an array",
      "; a list is not sent as JSON because old browsers let other sites read it: wrap it in an object",
    );
  }
  if (isSharedArrayBuffer(chunk)) {
    refuse(
      "a SharedArrayBuffer",
      ", which may change before it is sent; copy it: new Uint8Array(shared).slice()",
    );
  }
  if (survivesJson(chunk)) return;
  const advice = instead().find(([type]) => chunk instanceof type)?.[1];
  if (advice !== undefined) refuse(objectOfClass(chunk), `, which JSON would lose; write ${advice}`);
  if (Symbol.asyncIterator in chunk)
    refuse(objectOfClass(chunk), "; write each of its pieces, with flush() in between");
  if (Symbol.iterator in chunk) refuse(objectOfClass(chunk), "; write({ items: [...it] }) sends a list");
  refuse(
    objectOfClass(chunk),
    ", of which JSON would keep only the public fields; give the class a toJSON(), or write({ ...it })",
  );
}
