/** The interface of what reads a body; the readers themselves are in `body-readers.ts`. */

/** Reads one body. */
export interface BodyReader {
  /** Where {@link BodyReader.read} stopped: the first byte of the input that was not consumed. */
  readonly position: number;
  /** True when the body is complete. */
  readonly done: boolean;
  /** True when a trailer section follows the body. */
  readonly hasTrailers: boolean;
  /** True when the end of the input completes the body. */
  readonly endsWithInput: boolean;
  /**
   * Reads from `start` on: a piece of the body, or `undefined` when the input was used up, or the body
   * completed, without one. A piece may be a view of `bytes`, and `bytes` itself when all of it is body.
   * @throws HTTP1Error when the coding is malformed or the body is larger than `maxBodySize`.
   */
  read(bytes: Buffer, start: number, maxBodySize: number): Buffer | undefined;
}
