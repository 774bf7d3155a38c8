/**
 * One read of the promise face that waits for more bytes. Made when it has to wait, gone when it is settled.
 */
import type { Settle } from "../../async/cancel.js";
import { ignore } from "../../async/deferred.js";
import type { ReadRequest } from "./read-request.js";

export class PendingRead {
  readonly request: ReadRequest<unknown>;
  settle: Settle<unknown> | undefined = undefined;
  promise: Promise<unknown> | undefined = undefined;

  constructor(request: ReadRequest<unknown>) {
    this.request = request;
  }

  /**
   * Rejects because the stream has ended. The peer decides when it leaves: a read that is not awaited must
   * not end the process for that, so the rejection never counts as unhandled.
   */
  rejectQuietly(error: Error): void {
    this.promise?.catch(ignore);
    this.settle?.reject(error);
  }
}
