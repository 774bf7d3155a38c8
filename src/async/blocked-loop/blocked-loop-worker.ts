/**
 * The program of the watchdog thread: it joins the detector (`stall-detector.ts`) to the inspector of the
 * main thread. `blocked-loop.ts` says what it is for.
 */
import { writeSync } from "node:fs";
import { type Debugger, Session } from "node:inspector";
import { parentPort, workerData } from "node:worker_threads";
import { BEAT, GONE, type WatchdogData } from "./blocked-loop-protocol.js";
import { StallDetector } from "./stall-detector.js";

const { shared, threshold, interval } = workerData as WatchdogData;
const session = new Session();
const scripts = new Map<string, string>();

const detector = new StallDetector(
  {
    now: () => performance.now(),
    beat: () => Atomics.load(shared, BEAT),
    askForPause() {
      session.post("Debugger.setSkipAllPauses", { skip: false });
      session.post("Debugger.pause");
    },
    report: (report) => parentPort?.postMessage(report),
    alarm({ milliseconds, stack }) {
      writeSync(
        2,
        `squall: the loop has been blocked for ${milliseconds} ms and still is, here:\n${stack}\n`,
      );
    },
  },
  threshold,
  interval,
);

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
  if (!detector.onPaused(() => describe(params.callFrames))) return;
  session.post("Debugger.resume");
  session.post("Debugger.setSkipAllPauses", { skip: true });
});
session.post("Debugger.enable", () => {
  // Else a `debugger` statement would stop the program, with no debugger there to let it go on.
  session.post("Debugger.setSkipAllPauses", { skip: true }, () => parentPort?.postMessage("ready"));
});

const timer = setInterval(() => detector.look(), interval);

parentPort?.on("message", () => {
  clearInterval(timer);
  session.disconnect();
  Atomics.store(shared, GONE, 1);
  Atomics.notify(shared, GONE);
  parentPort?.close();
});
