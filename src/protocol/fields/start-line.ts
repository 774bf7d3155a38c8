/** The first line of a message, as Tornado's named tuples. */

/** The request line (RFC 9112 §3). */
export interface RequestStartLine {
  readonly method: string;
  /** The request target as sent. */
  readonly path: string;
  readonly version: string;
}

/** The status line (RFC 9112 §4). */
export interface ResponseStartLine {
  readonly version: string;
  readonly code: number;
  readonly reason: string;
}
