/**
 * How bodies are framed when they are sent (RFC 9112 §6): one entry for each framing, as data, so that the
 * sender does not know one from another. What an entry does not hold is the count of bytes, which the sender
 * keeps.
 *
 *     none      no body, and none is accepted
 *     dropped   the answer to HEAD: body is accepted and not sent
 *     length    as many bytes as Content-Length says, no more and no less
 *     chunked   each piece with its size before it, a piece of size 0 as the end
 *     close     everything until the connection ends
 */
import type { BodyFraming } from "./visitor.js";

/** How the sender frames one body. */
export interface BodyWriter {
  /** The field line that announces the framing, unless the fields do so themselves; "" for none. */
  readonly field: string;
  /** False when pieces are accepted but not sent. */
  readonly sends: boolean;
  /** False when a body of any size is accepted; true when Content-Length counts. */
  readonly isCounted: boolean;
  /** True when only the end of the connection can end the body. */
  readonly endsByClosing: boolean;
  /** What stands behind each piece. */
  readonly after: string;
  /** What stands before a piece of `length` bytes. */
  before(length: number): string;
  /** What ends the body; `trailers` are checked field lines, or "". A body without trailers drops them. */
  end(trailers: string): string;
}

const PLAIN = {
  field: "",
  sends: true,
  isCounted: false,
  endsByClosing: false,
  after: "",
  before: () => "",
  end: () => "",
};

/** The framings that the sender knows. */
export const BODY_WRITERS: Readonly<Record<BodyFraming | "dropped", BodyWriter>> = {
  none: { ...PLAIN, isCounted: true },
  dropped: { ...PLAIN, sends: false },
  length: { ...PLAIN, isCounted: true },
  chunked: {
    ...PLAIN,
    field: "Transfer-Encoding: chunked\r\n",
    after: "\r\n",
    before: (length) => `${length.toString(16)}\r\n`,
    end: (trailers) => `0\r\n${trailers}\r\n`,
  },
  close: { ...PLAIN, endsByClosing: true },
};
