/**
 * The head of a message as every version of HTTP has it (RFC 9110 §6): what the application, the router and
 * the containers read. What only one version knows, such as the framing of HTTP/1, is added by that version's
 * own type.
 */
import type { RawFields } from "../fields/raw-fields.js";
import type { RequestStartLine, ResponseStartLine } from "../fields/start-line.js";

/** The versions that a message can have; a later minor version of 1 counts as 1.1 (RFC 9110 §2.5). */
export type HTTPVersion = "HTTP/1.0" | "HTTP/1.1";

/** The head of a request: its start line (`path` is the target as sent) and what its fields mean. */
export interface RequestHead extends RequestStartLine {
  /** What the sender speaks. */
  readonly version: HTTPVersion;
  /** The header fields as they came. */
  readonly fields: RawFields;
  /**
   * The host that the request is for: the authority of the target, else the value of the one Host field;
   * `undefined` only for HTTP/1.0 without it. Checked: a host and an optional port, or empty.
   */
  readonly host: string | undefined;
  /** The length that Content-Length announces for the body (0 or more); -1 without one. */
  readonly contentLength: number;
  /** The client waits for a 100 (Continue) before it sends the body (RFC 9110 §10.1.1). */
  readonly expectContinue: boolean;
}

/** The head of a response, interim responses (1xx) included. */
export interface ResponseHead extends ResponseStartLine {
  /** What the sender speaks. */
  readonly version: HTTPVersion;
  /** The header fields as they came. */
  readonly fields: RawFields;
  /** The length that Content-Length announces for the body that follows (0 or more); else -1. */
  readonly contentLength: number;
}
