/**
 * The closing handshake (RFC 6455 §7) as a state machine. It depends on neither frames nor sockets: events go
 * in, and the state says what may be sent and which end closes TCP.
 *
 *     state      sent received   on "sent"   on "received"   on "failed"   on "ended"
 *     open        –      –       closing     answering       failed        ended
 *     closing     ✓      –       –           closed          failed        ended
 *     answering   –      ✓       closed      –               failed        ended
 *     closed      ✓      ✓       –           –               –             ended
 *     failed      (§7.1.7)       –           –               –             ended
 *     ended       TCP is over    –           –               –             –
 *
 * Who ends TCP (§7.1.1): once both close frames have passed, the server does, so that the TIME_WAIT state
 * stays on its side, and the client waits for it; the shell bounds that wait. An endpoint that has failed the
 * connection ends TCP itself, whatever its role (§7.1.7).
 */
import type { WebSocketRole } from "./opcodes.js";

/** The states of the closing handshake; see the head of this file. */
export type CloseState = "open" | "closing" | "answering" | "closed" | "failed" | "ended";

/** What happens to a connection: our close frame, the peer's, a violation, the end of TCP. */
export type CloseEvent = "sent" | "received" | "failed" | "ended";

/** The end of TCP that is due: none, ours at once, or the peer's, for which we wait. */
export type TransportEnd = "none" | "ours" | "peers";

const TRANSITIONS: Readonly<Record<CloseState, Readonly<Partial<Record<CloseEvent, CloseState>>>>> = {
  open: { sent: "closing", received: "answering", failed: "failed", ended: "ended" },
  closing: { received: "closed", failed: "failed", ended: "ended" },
  answering: { sent: "closed", failed: "failed", ended: "ended" },
  closed: { ended: "ended" },
  failed: { ended: "ended" },
  ended: {},
};

/**
 * The state after an event; `undefined` when the event does not happen in that state, and must be ignored.
 */
export function nextCloseState(state: CloseState, event: CloseEvent): CloseState | undefined {
  return TRANSITIONS[state][event];
}

/** Who ends TCP in a state (RFC 6455 §7.1.1). */
export function transportEnd(state: CloseState, role: WebSocketRole): TransportEnd {
  if (state === "failed") return "ours";
  if (state !== "closed") return "none";
  return role === "server" ? "ours" : "peers";
}
