/** What a reader of HTTP/1 makes of its input, in a form in which two readers can be compared. */

/** One message, perhaps only its beginning. */
export interface SeenMessage {
  /** Of a request: method and target. Of a response: code and reason. */
  readonly start: readonly [string, string];
  readonly version: string;
  /** Name, value, name, value, … as they came. */
  readonly fields: readonly string[];
  /** As latin1 text. */
  body: string;
  complete: boolean;
  /** Of what came behind a chunked body, what may be kept. */
  trailers: readonly string[];
  /** Another protocol follows. */
  upgrade: boolean;
}

/** Everything that a reader saw of one connection whose peer has sent its FIN. */
export interface Outcome {
  readonly messages: SeenMessage[];
  /** The code of the error with which reading ended before the FIN. */
  refusal: string | undefined;
  /** The code of the error that the FIN led to. */
  broken: string | undefined;
  /** After how many messages the connection ends because the last of them said so; `Infinity`. */
  closesAfter: number;
}

export function emptyOutcome(): Outcome {
  return { messages: [], refusal: undefined, broken: undefined, closesAfter: Number.POSITIVE_INFINITY };
}

/** For the message of a finding. */
export function shownOutcome(outcome: Outcome): string {
  return JSON.stringify(outcome, null, 1);
}
