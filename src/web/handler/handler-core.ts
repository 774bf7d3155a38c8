/**
 * A handler as the function files see it. `RequestHandler` implements it; subclasses override most of these
 * methods, which is why the functions call them instead of each other.
 */
import type { HTTPServerRequest } from "../../http/request.js";
import type { FinishOptions, HandlerApplication } from "../types.js";

/** What `write()` and `finish()` take: text, bytes, or an object that is sent as JSON. */
export type Writable = string | Uint8Array | object;

/** What `sendError` and `writeError` are told beside the status. */
export interface ErrorPageOptions {
  /** What was thrown; default nothing was: the status alone says what is wrong. */
  readonly error?: unknown;
  /** The reason phrase; default that of the `HTTPError` (which wins in any case), else the standard one. */
  readonly reason?: string | undefined;
  /** Anything else is passed from `sendError` to `writeError`. */
  readonly [name: string]: unknown;
}

/** See the file's head. The contracts are at `RequestHandler`. */
export interface HandlerCore {
  readonly application: HandlerApplication;
  readonly request: HTTPServerRequest;
  pathArgs: readonly (string | undefined)[];
  pathKwargs: Readonly<Record<string, string | undefined>>;
  readonly signal: AbortSignal;

  initialize(kwargs: Record<string, unknown>): void;
  prepare(): unknown;
  dataReceived(chunk: Buffer): unknown;
  onFinish(): unknown;
  onConnectionClose(): unknown;
  setDefaultHeaders(): void;
  clear(): void;
  write(chunk: Writable): void;
  finish(chunk?: Writable, options?: FinishOptions): Promise<void>;
  setStatus(statusCode: number, reason?: string): void;
  getStatus(): number;
  readonly bytesSent: number;
  computeEtag(): string | null | undefined;
  setEtagHeader(): void;
  checkEtagHeader(): boolean;
  sendError(statusCode?: number, options?: ErrorPageOptions): void;
  writeError(statusCode: number, options: ErrorPageOptions): unknown;
  logException(error: unknown): void;
  decodeArgument(value: Buffer, name?: string): string;
}
