/**
 * What a thread executor and its workers say to each other, and how an error crosses.
 *
 * Structured clone reduces an error to message, stack and the name of a built-in class; `code`, `errno`,
 * other fields and the class name of everything else are lost. So errors cross as plain records and are put
 * together again on the other side: a built-in class where it was one, else an `Error` that carries the name;
 * with the fields that are plain values, and with the stack of the thread in which it was thrown.
 */

/** One task for a worker. */
export interface TaskMessage {
  readonly id: number;
  readonly task: string;
  readonly args: readonly unknown[];
}

/** A worker's answer. */
export type AnswerMessage =
  | { readonly id: number; readonly ok: true; readonly value: unknown }
  | { readonly id: number; readonly ok: false; readonly thrown: Thrown };

/** A rejection of a task that was answered already. */
export interface LateRejection {
  readonly lateTask: string;
  readonly thrown: Thrown;
}

/** Something that was thrown, ready to cross. */
export type Thrown =
  | { readonly kind: "value"; readonly value: unknown }
  | {
      readonly kind: "error";
      readonly name: string;
      readonly message: string;
      readonly stack: string | undefined;
      readonly fields: readonly (readonly [string, Field])[];
      readonly cause: Thrown | undefined;
    };

type Field = string | number | boolean | bigint | null;

const BUILT_IN: ReadonlyMap<string, ErrorConstructor> = new Map(
  [EvalError, RangeError, ReferenceError, SyntaxError, TypeError, URIError].map((kind) => [kind.name, kind]),
);

// A chain of causes longer than this says nothing new, and may be a circle.
const DEEPEST_CAUSE = 8;

function isField(value: unknown): value is Field {
  return value === null || ["string", "number", "boolean", "bigint"].includes(typeof value);
}

/** Packs what was thrown. */
export function packThrown(thrown: unknown, depth = 0): Thrown {
  if (!(thrown instanceof Error)) {
    return { kind: "value", value: isField(thrown) || thrown === undefined ? thrown : String(thrown) };
  }
  const fields: [string, Field][] = [];
  for (const [name, value] of Object.entries(thrown)) {
    if (isField(value) && !["name", "message", "stack", "cause"].includes(name)) fields.push([name, value]);
  }
  const hasCause = thrown.cause !== undefined && depth < DEEPEST_CAUSE;
  return {
    kind: "error",
    name: String(thrown.name),
    message: String(thrown.message),
    stack: thrown.stack,
    fields,
    cause: hasCause ? packThrown(thrown.cause, depth + 1) : undefined,
  };
}

/** Puts together what was thrown in another thread. */
export function unpackThrown(thrown: Thrown): unknown {
  if (thrown.kind === "value") return thrown.value;
  const Kind = BUILT_IN.get(thrown.name) ?? Error;
  const cause = thrown.cause === undefined ? undefined : { cause: unpackThrown(thrown.cause) };
  const error = new Kind(thrown.message, cause);
  const hidden = (name: string, value: unknown): void => {
    Object.defineProperty(error, name, { value, configurable: true, writable: true, enumerable: false });
  };
  if (error.name !== thrown.name) hidden("name", thrown.name);
  hidden("stack", thrown.stack ?? `${thrown.name}: ${thrown.message}`);
  for (const [name, value] of thrown.fields) {
    Object.defineProperty(error, name, { value, configurable: true, writable: true, enumerable: true });
  }
  return error;
}
