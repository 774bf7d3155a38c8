/** What the blocking client and its thread say to each other; all of it survives structured clone. */
import type { MessagePort } from "node:worker_threads";
import type { HTTPRequestOptions } from "../request.js";
import type { TimeInfo } from "../response.js";
import type { AsyncHTTPClientOptions } from "../settings.js";

/** What the thread is started with. */
export interface BlockingSetup {
  /** Counts answers; the client waits for it to change. */
  readonly answers: Int32Array;
  readonly port: MessagePort;
  /** A name as `AsyncHTTPClient.configure()` takes it. */
  readonly implementation: string | undefined;
  readonly options: AsyncHTTPClientOptions;
}

/** One request. */
export interface BlockingQuestion {
  readonly url: string;
  readonly options: HTTPRequestOptions;
  /** Names and values in turn; undefined for none. */
  readonly fields: readonly string[] | undefined;
}

/** The response to it, or the error. */
export interface BlockingAnswer {
  readonly response?: {
    readonly code: number;
    readonly reason: string;
    readonly fields: readonly string[];
    readonly body: Uint8Array;
    readonly effectiveUrl: string;
    readonly requestTime: number | undefined;
    readonly startTime: number | undefined;
    readonly timeInfo: TimeInfo;
  };
  readonly error?: {
    readonly name: string;
    readonly code: string;
    readonly message: string;
    readonly reason: string | undefined;
    readonly phase: string | undefined;
    /** What remains of an error that caused it. */
    readonly cause: { readonly message: string; readonly code: unknown } | undefined;
  };
}
