/**
 * Where our WebSockets answer differently from Tornado's. What is owed for a connection, and the theme of a
 * difference, come from the second opinion of `websocket-reading.ts`.
 */
import type { Outcome, Rule, VectorCase } from "../types.js";
import { equivalent } from "../values.js";
import type { SentFrame, WebSocketExchange } from "../websocket-exchange.js";
import { isUsable, readConnection } from "../websocket-reading.js";

/** Close frames of failures, without the wording of their reasons. */
function withoutReasons(frames: readonly SentFrame[]) {
  return frames.map((frame) =>
    frame.opcode === 8 &&
    [1002, 1007, 1009].includes(frame.payload.length > 2 ? frame.payload.readUInt16BE() : 0)
      ? { ...frame, payload: frame.payload.subarray(0, 2) }
      : frame,
  );
}

/** Whether our exchange is what the second opinion says. */
function isOwed(outcome: Outcome, vector: VectorCase): boolean {
  if ("error" in outcome) return false;
  const actual = outcome.value as WebSocketExchange;
  const { owed } = readConnection(vector);
  if (actual.status !== owed.status) return false;
  if (actual.status !== 101) return true;
  return (
    equivalent(actual.events, owed.events) &&
    equivalent(withoutReasons(actual.frames), withoutReasons(owed.frames)) &&
    actual.open === owed.open
  );
}

/** The rule of a theme that only connections have. */
function ofConnections(name: string, more: (exchange: WebSocketExchange) => boolean = () => true): Rule {
  return {
    name,
    functions: ["websocket.connection"],
    covers: (vector) => readConnection(vector).theme === name,
    holds: (outcome, vector) =>
      isOwed(outcome, vector) && !("error" in outcome) && more(outcome.value as WebSocketExchange),
  };
}

/** A rule of the origin, for the function and for connections. */
function ofOrigins(name: string, covers: (origin: string, host: string) => boolean, allows: boolean): Rule {
  return {
    name,
    functions: ["websocket.check_origin", "websocket.connection"],
    covers: (vector) =>
      vector.fn === "websocket.connection"
        ? readConnection(vector).theme === name
        : covers(...(vector.args as [string, string])),
    holds: (outcome, vector) =>
      vector.fn === "websocket.connection"
        ? isOwed(outcome, vector)
        : !("error" in outcome) && outcome.value === allows,
  };
}

export const rules: readonly Rule[] = [
  ofOrigins(
    "websocket/host-in-any-case",
    (origin, host) =>
      origin !== "" &&
      host !== host.toLowerCase() &&
      origin.toLowerCase().endsWith(`//${host.toLowerCase()}`),
    true,
  ),
  ofOrigins("websocket/origin-has-a-scheme", (origin, host) => origin === "" && host === "", false),
  ofConnections("websocket/version-13-alone", ({ fields }) => fields["sec-websocket-version"] === "13"),
  ofConnections("websocket/key-of-16-octets"),
  ofConnections("websocket/handshake-grammar"),
  {
    name: "websocket/deflate-parameters",
    functions: ["websocket._get_compressor_options", "websocket.connection"],
    covers: (vector) => {
      if (vector.fn === "websocket.connection")
        return readConnection(vector).theme === "websocket/deflate-parameters";
      const parameters = Object.entries(vector.args[1] as Record<string, string | null>).map(
        ([name, value]) => (value === null ? name : `${name}=${value}`),
      );
      return vector.error === undefined && !isUsable(parameters);
    },
    holds: (outcome, vector) =>
      vector.fn === "websocket.connection" ? isOwed(outcome, vector) : "error" in outcome,
  },
  ofConnections("websocket/takeover-is-answered", ({ fields }) =>
    /_no_context_takeover/.test(fields["sec-websocket-extensions"] ?? ""),
  ),
  ofConnections("websocket/failure-has-a-close-frame"),
  ofConnections("websocket/shortest-length"),
  ofConnections("websocket/close-codes"),
  ofConnections("websocket/nothing-after-close"),
  ofConnections("websocket/limit-is-for-messages"),
  ofConnections("websocket/pings-in-compressed-messages"),
  ofConnections("websocket/errors-close-with-1011"),
];
