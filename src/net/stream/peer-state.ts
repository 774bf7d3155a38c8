/**
 * What the system knows of the other end of a connection and does not say by itself: how far it has
 * acknowledged what was sent, and whether it has left while its input is paused.
 *
 * A socket is writable when its buffer in the kernel has room, and Linux gives one connection up to 4 MB. A
 * reader that takes 20 kB a second frees the third of it that wakes a writer in more than a minute; at 2 kB a
 * second in eleven. So progress that is measured in front of the kernel's buffer takes slow readers for dead
 * ones. What is acknowledged moves in steps of at most 130 KB (measured with the largest segments there are,
 * those of the loopback interface): at 20 kB a second every 5 to 7 seconds, at 2 kB a second every 33 to 65.
 * Three looks in a row without progress, 60 seconds apart, therefore mean a reader that takes less than 0.8
 * kB a second.
 *
 * Likewise a FIN behind unread bytes is announced to a program only when it reads them, and a reset mostly
 * when it reads or writes.
 *
 * Linux lists both in `/proc/self/net/tcp` and `tcp6`: for each connection its state, how many bytes are not
 * acknowledged yet, and the inode of its socket. One reading serves all who ask meanwhile, and the readings
 * take at most a twentieth of the time, however many connections there are. Sockets in memory answer by
 * themselves. For everything else (unix sockets, other systems, a `/proc` that is not there) nothing is
 * known, and the caller falls back to what the stream itself can see.
 */
import { fstatSync } from "node:fs";
import { readFile } from "node:fs/promises";
import type { Duplex } from "node:stream";
import { writeProgress } from "./write-progress.js";

/** What is known of the other end. */
export interface PeerState {
  /**
   * A number that grows whenever the other side acknowledges something; only differences between two answers
   * mean anything. Where the system does not tell, it grows when the kernel takes something.
   */
  readonly progress: number;
  /**
   * True when a FIN or a reset of the other side has arrived, also behind bytes that have not been read. A
   * FIN that follows more than the kernel's receive buffer holds (64 KB at first) arrives only when something
   * is read.
   */
  readonly hasLeft: boolean;
}

/** Sockets that know it by themselves. */
interface TellingSocket extends Duplex {
  readonly peerHasLeft?: boolean | undefined;
  readonly bytesUnacknowledged?: number | undefined;
  readonly _handle?: { readonly fd?: number | undefined } | null | undefined;
}

/** A row of the table: the state of the connection (RFC 9293 §3.3.2), and the length of its send queue. */
interface Row {
  readonly state: number;
  readonly unacknowledged: number;
}

interface Table {
  /** By inode. */
  readonly rows: ReadonlyMap<number, Row>;
  /** When its reading began: what had connected by then is in it, or is gone. */
  readonly begun: number;
}

/**
 * States after the FIN of the other side: CLOSE, CLOSE_WAIT, LAST_ACK, CLOSING, TIME_WAIT, in Linux's
 * numbers.
 */
const LEFT: ReadonlySet<number> = new Set([6, 7, 8, 9, 11]);

const FILES = ["/proc/self/net/tcp", "/proc/self/net/tcp6"];

/** Readings take at most 1 / PART of the time. */
const PART = 20;

/** The least time between two readings, in milliseconds. */
const LEAST_INTERVAL = 250;

let reading: Promise<Table | undefined> | undefined;
let latest: Table | undefined;
let nextReading = Number.NEGATIVE_INFINITY;

/**
 * What is known of the other end of `socket`, which for TLS is the socket below. `now` tells the time in
 * milliseconds.
 */
export async function peerState(socket: Duplex | undefined, now: () => number): Promise<PeerState> {
  if (socket === undefined) return { progress: 0, hasLeft: false };
  const { peerHasLeft, bytesUnacknowledged } = socket as TellingSocket;
  if (peerHasLeft !== undefined) {
    return { progress: writeProgress(socket) - (bytesUnacknowledged ?? 0), hasLeft: peerHasLeft };
  }
  const asked = now();
  const inode = inodeOf(socket);
  let table = inode === undefined ? undefined : await readTable(now, nextReading);
  // A connection that was reset is in the table no longer; one that is younger than the table, not yet.
  while (table !== undefined && inode !== undefined && !table.rows.has(inode) && table.begun < asked) {
    table = await readTable(now, Number.NEGATIVE_INFINITY);
  }
  const progress = writeProgress(socket);
  if (table === undefined || inode === undefined) return { progress, hasLeft: socket.destroyed };
  const row = table.rows.get(inode);
  if (row === undefined) return { progress, hasLeft: true };
  return { progress: progress - row.unacknowledged, hasLeft: LEFT.has(row.state) };
}

function inodeOf(socket: TellingSocket): number | undefined {
  const fd = socket._handle?.fd;
  if (fd === undefined || fd < 0) return undefined;
  try {
    const stat = fstatSync(fd);
    return stat.isSocket() ? stat.ino : undefined;
  } catch {
    return undefined;
  }
}

/** The table, read anew unless that is not due yet. */
function readTable(now: () => number, due: number): Promise<Table | undefined> {
  if (reading !== undefined) return reading;
  if (now() < due) return Promise.resolve(latest);
  reading = readFiles(now).finally(() => {
    reading = undefined;
  });
  return reading;
}

async function readFiles(now: () => number): Promise<Table | undefined> {
  const begun = now();
  const rows = new Map<number, Row>();
  let found = false;
  for (const file of FILES) {
    try {
      addRows(await readFile(file, "latin1"), rows);
      found = true;
    } catch {
      // Not Linux, or /proc is not there, or no IPv6.
    }
  }
  const end = now();
  nextReading = end + Math.max(LEAST_INTERVAL, (end - begun) * PART);
  latest = found ? { rows, begun } : undefined;
  return latest;
}

/**
 * `sl local_address rem_address st tx_queue:rx_queue tr:tm->when retrnsmt uid timeout inode …`, numbers in
 * hexadecimal.
 */
const ROW = /^ *\d+: \S+ \S+ ([0-9A-F]{2}) ([0-9A-F]+):[0-9A-F]+ \S+ [0-9A-F]+ +\d+ +\d+ (\d+)/gm;

function addRows(text: string, rows: Map<number, Row>): void {
  for (const [, state = "", queued = "", inode = ""] of text.matchAll(ROW)) {
    rows.set(Number(inode), {
      state: Number.parseInt(state, 16),
      unacknowledged: Number.parseInt(queued, 16),
    });
  }
}
