/**
 * Arguments of query and form as handlers see them: text without control characters, trimmed unless told not
 * to.
 */
import { InvalidArgumentError } from "../../base/errors.js";
import type { ArgumentMap } from "../../protocol/body/form.js";
import { HTTPError, MissingArgumentError } from "../errors.js";
import type { Handler } from "../types.js";

/** Options of `getArguments` and its relatives. */
export interface ArgumentsOptions {
  /** Trim white space from both ends; default true. */
  readonly strip?: boolean | undefined;
}

/** Options of `getArgument` and its relatives. */
export interface ArgumentOptions<Default = undefined> extends ArgumentsOptions {
  /**
   * What to return if the argument is absent. No default: without it, or with undefined, that is an error,
   * 400.
   */
  readonly default?: Default | undefined;
}

const CONTROL = /[\0-\x08\x0e-\x1f]/g;

const strictUtf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Most arguments are a few ASCII characters, for which a decoder is a slow start. */
function isShortAscii(value: Buffer): boolean {
  if (value.length > 32) return false;
  for (let at = 0; at < value.length; at++) if ((value[at] as number) > 0x7f) return false;
  return true;
}

/**
 * `handler.decodeArgument()`: UTF-8 as text.
 * @throws HTTPError 400 if it is not UTF-8.
 */
export function decodeUtf8(value: Buffer, name: string | undefined): string {
  if (isShortAscii(value)) return value.toString("latin1");
  try {
    return strictUtf8.decode(value);
  } catch {
    const shown = value.subarray(0, 40).toString("latin1");
    throw new HTTPError(400, "Invalid unicode in %s: %r", name ?? "url", shown);
  }
}

/** All values of an argument, in order. */
export function readArguments(
  handler: Handler,
  source: ArgumentMap,
  name: string,
  options: ArgumentsOptions | undefined,
): string[] {
  const strip = options?.strip ?? true;
  if (typeof strip !== "boolean")
    throw new InvalidArgumentError(`strip must be true or false, got ${typeof strip}`);
  return (source[name] ?? []).map((raw) => {
    const text = handler.decodeArgument(raw, name).replace(CONTROL, " ");
    return strip ? text.trim() : text;
  });
}

/** What `getArgument` takes as its second argument: options, or the default itself. */
export type ArgumentFallback<Default> = ArgumentOptions<Default> | string | null | undefined;

/**
 * The last value of an argument, else the default.
 * @throws MissingArgumentError (400) without either.
 */
export function readArgument<Default>(
  handler: Handler,
  source: ArgumentMap,
  name: string,
  fallback: ArgumentFallback<Default>,
): string | Default {
  const options: ArgumentOptions<Default> =
    typeof fallback === "object" && fallback !== null ? fallback : { default: fallback as Default };
  const last = readArguments(handler, source, name, options).at(-1);
  if (last !== undefined) return last;
  if (options.default === undefined) throw new MissingArgumentError(name);
  return options.default;
}
