/** The base class of what changes responses on their way out. */
import type { HTTPServerRequest } from "../../http/request.js";
import type { HTTPHeaders } from "../../protocol/fields/headers.js";
import type { Transform, TransformedHead } from "../types.js";

/**
 * Changes the pieces of a response before they are sent; a new object is made for each request. The chunks
 * hold what was written between two flushes and may be empty.
 */
export class OutputTransform implements Transform {
  /** The request whose response this is. */
  protected readonly request: HTTPServerRequest;

  constructor(request: HTTPServerRequest) {
    this.request = request;
  }

  /**
   * The first piece, with status and headers, which may be changed too. `finishing` says that it is the last
   * piece as well. `Content-Length` is there if the response was finished in one piece. A transform that
   * changes the length corrects it.
   */
  transformFirstChunk(
    statusCode: number,
    headers: HTTPHeaders,
    chunk: Buffer,
    _finishing: boolean,
  ): TransformedHead | Promise<TransformedHead> {
    return [statusCode, headers, chunk];
  }

  /** Every further piece. */
  transformChunk(chunk: Buffer, _finishing: boolean): Buffer | Promise<Buffer> {
    return chunk;
  }

  /** The response is over, whole or not. */
  onEnd(): void {}
}
