/** What a server knows of its connections, whatever protocol they speak. */

/** What a connection was doing when the server asked it to end. */
export type ShutdownState = "idle" | "busy" | "upgraded";

/** A connection as its server keeps it. */
export interface ServerConnection {
  /**
   * Since when, in the loop's monotonic time, the connection has been idle: closing it loses nothing. `Infinity` while it
   * is busy.
   */
  readonly idleSince: number;
  /** Asks the connection to end: an idle one now, a busy one when it is done. Returns what it was doing. */
  shutdown(): ShutdownState;
  /** Ends what is still running, because the server's grace is over. */
  abort(): void;
  /** Closes the stream at once and resolves when it is closed. */
  close(): Promise<void>;
  /** Resolves when the stream is closed; never rejects. */
  whenClosed(): Promise<void>;
}
