/**
 * Hands one request from a server that is not ours to its delegate, piece by piece. The body is an async
 * iterable, which waits while the delegate does; what our own connection does with limits and errors is
 * done here.
 */
import { asBuffer } from "../base/bytes.js";
import { appLog, genLog } from "../base/log.js";
import type { HTTPMessageDelegate } from "../http/delegates.js";
import { HTTPInputError } from "../protocol/fields/errors.js";
import type { HTTPHeaders } from "../protocol/fields/headers.js";
import type { RequestStartLine } from "../protocol/fields/start-line.js";
import type { ForeignConnection } from "./foreign-connection.js";

/** The source of the body failed: its sender is gone. */
class SourceError extends Error {}

/**
 * Feeds `delegate`. Resolves when the request was handed over or the exchange has ended; never rejects.
 * Without a body, and with a delegate that does not wait, all of it happens in this call.
 */
export async function feedRequest(
  connection: ForeignConnection,
  delegate: HTTPMessageDelegate,
  startLine: RequestStartLine,
  headers: HTTPHeaders,
  body: AsyncIterable<Uint8Array> | undefined,
): Promise<void> {
  try {
    const pending = delegate.headersReceived(startLine, headers);
    if (pending !== undefined) await pending;
    if (body !== undefined && !(await feedBody(connection, delegate, body))) return;
    if (!connection.isRunning) return;
    connection.received();
    await delegate.finish();
  } catch (error) {
    failed(connection, error);
  }
}

/** Returns whether the delegate got the whole body. */
async function feedBody(
  connection: ForeignConnection,
  delegate: HTTPMessageDelegate,
  body: AsyncIterable<Uint8Array>,
): Promise<boolean> {
  const pieces = body[Symbol.asyncIterator]();
  let size = 0;
  try {
    while (connection.isRunning) {
      const piece = await nextPiece(connection, pieces);
      if (piece.done === true) return true;
      if (!connection.isRunning) break;
      const chunk = asBuffer(piece.value);
      size += chunk.length;
      if (size > connection.maxBodySize) {
        throw new HTTPInputError(`the body has more than ${connection.maxBodySize} octets`, { status: 413 });
      }
      const pending = chunk.length === 0 ? undefined : delegate.dataReceived(chunk);
      if (pending !== undefined) await pending;
    }
    return false;
  } finally {
    // The rest of a body that was answered early, or refused, is discarded.
    pieces.return?.().catch(() => {});
  }
}

/** Waits as long as the handler's time for the body allows. */
async function nextPiece(
  connection: ForeignConnection,
  pieces: AsyncIterator<Uint8Array>,
): Promise<IteratorResult<Uint8Array>> {
  const { ioLoop, bodyTimeout, startTime } = connection;
  const piece = pieces.next().catch((error: unknown) => {
    throw new SourceError("the body broke off", { cause: error });
  });
  if (bodyTimeout === Number.POSITIVE_INFINITY) return piece;
  return new Promise((resolve, reject) => {
    const timer = ioLoop.callAt(startTime + bodyTimeout, () => {
      reject(new HTTPInputError("the body of the request did not come in time", { status: 408 }));
    });
    piece.then(resolve, reject).finally(() => ioLoop.removeTimeout(timer));
  });
}

function failed(connection: ForeignConnection, error: unknown): void {
  if (error instanceof SourceError) {
    connection.leave();
  } else if (error instanceof HTTPInputError) {
    genLog.info("Malformed HTTP message from %s: %s", connection.peer.remoteIp, error.message);
    connection.refuse(error.status);
  } else {
    appLog.exception("Uncaught exception in an HTTP message delegate", error);
    connection.refuse(500);
  }
}
