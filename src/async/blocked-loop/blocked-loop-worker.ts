/**
 * The program of the watchdog thread; `blocked-loop.ts` tells what it is for.
 *
 *     watching ── no beat for the threshold ──▶ asking ── paused ──▶ blocked ── a beat ──▶ watching, and a report
 */
import { writeSync } from "node:fs";
import { type Debugger, Session } from "node:inspector";
import { parentPort, workerData } from "node:worker_threads";
import { BEAT, type BlockedReport, GONE, type WatchdogData } from "./blocked-loop-protocol.js";

/** When the loop is still blocked after so many milliseconds, nobody else will tell: the watchdog does. */
const HOPELESS = 5000;

const { shared, threshold, interval } = workerData as WatchdogData;
const session = new Session();
const scripts = new Map<string, string>();

let beat = Atomics.load(shared, BEAT);
let lookedAt = performance.now();
/** Milliseconds since the last beat, as seen from here. */
let still = 0;
/** A pause was asked for and has not happened yet. It may come late, when the loop is free again. */
let asked = false;
/** Where the loop was found in the present block. */
let stack: string | undefined;
let told = false;

function look(): void {
  const now = performance.now();
  // A process that was suspended has not been blocked: a long time between two looks counts as a short one.
  const passed = Math.min(now - lookedAt, 2 * interval);
  lookedAt = now;
  const current = Atomics.load(shared, BEAT);
  if (current !== beat) {
    beat = current;
    if (stack !== undefined) {
      const report: BlockedReport = { milliseconds: Math.round(still), stack };
      parentPort?.postMessage(report);
    }
    still = 0;
    stack = undefined;
    told = false;
    return;
  }
  still += passed;
  if (still >= threshold && stack === undefined && !asked) {
    asked = true;
    session.post("Debugger.setSkipAllPauses", { skip: false });
    session.post("Debugger.pause");
  }
  if (stack !== undefined && !told && still > Math.max(HOPELESS, 10 * threshold)) {
    told = true;
    writeSync(
      2,
      `squall: the loop has been blocked for ${Math.round(still)} ms and still is, here:\n${stack}\n`,
    );
  }
}

function describe(frames: readonly Debugger.CallFrame[]): string {
  return frames
    .map(({ functionName, location, url }) => {
      const script = scripts.get(location.scriptId) || url || "(unknown)";
      const place = `${script}:${location.lineNumber + 1}:${(location.columnNumber ?? 0) + 1}`;
      return functionName === "" ? `    at ${place}` : `    at ${functionName} (${place})`;
    })
    .join("\n");
}

session.connectToMainThread();
session.on("Debugger.scriptParsed", ({ params }) => scripts.set(params.scriptId, params.url));
session.on("Debugger.paused", ({ params }) => {
  // The pauses of somebody else's debugger are none of our business.
  if (!asked) return;
  asked = false;
  session.post("Debugger.resume");
  session.post("Debugger.setSkipAllPauses", { skip: true });
  if (still >= threshold && Atomics.load(shared, BEAT) === beat) stack = describe(params.callFrames);
});
session.post("Debugger.enable", () => {
  // Else a `debugger` statement would stop the program, with nobody there to let it go on.
  session.post("Debugger.setSkipAllPauses", { skip: true }, () => parentPort?.postMessage("ready"));
});

const timer = setInterval(look, interval);

parentPort?.on("message", () => {
  clearInterval(timer);
  session.disconnect();
  Atomics.store(shared, GONE, 1);
  Atomics.notify(shared, GONE);
  parentPort?.close();
});
