/**
 * The tester of the conformance cases: it plays one end of a connection, and judges what the other end, which
 * echoes every message, does. It knows of that end only how to write, wait and read, so that the same cases
 * run against protocol objects and against a server or client on sockets.
 */
import { inspect } from "node:util";
import { type TwinDeflate, type TwinFrame, twinFrame, twinFrames } from "../../support/websocket-twin.js";
import { type Expected, octetsOf, type Step, type StepCase } from "./cases.js";

/** The end that is tested, as the tester sees it after the handshake. */
export interface TestedEnd {
  /** Which role it plays; the tester plays the other. */
  readonly role: "server" | "client";
  /** Sends octets to it, in one write. */
  write(octets: Buffer): void | Promise<void>;
  /** Lets so many seconds pass, in the time that it lives in; 0 gives it a turn to answer. */
  wait(seconds: number): void | Promise<void>;
  /** Everything that it has sent since the handshake, or since {@link TestedEnd.forget}. */
  received(): Buffer;
  /** What it has sent so far has been judged. */
  forget(): void;
  /** Whether it has ended TCP. */
  hasEnded(): boolean;
  /** The tester ends TCP. */
  end(): void | Promise<void>;
}

/** The tester's own compression, where that was agreed. */
export interface TesterDeflate {
  /** For what the tester sends. */
  readonly out: TwinDeflate;
  /** For what the tested end sends. */
  readonly in: TwinDeflate;
}

/** What became of a case, in the words of the suite. */
export interface Verdict {
  readonly verdict: "OK" | "NON-STRICT" | "INFORMATIONAL" | "FAILED";
  readonly why: string;
}

const CLOSE = 8;
/** A silence that says that nothing more comes. */
const SILENCE = 1;

/** A key for what the tester masks, from its case and place: no two runs differ. */
function keyOf(place: number): Buffer {
  const key = Buffer.alloc(4);
  key.writeUInt32BE(Math.imul(place + 1, 0x9e3779b1) >>> 0);
  return key;
}

/** What the tested end has sent, read plainly. */
export interface Heard {
  readonly events: readonly (readonly [kind: string, octets: Buffer])[];
  /** The payload of its close frame. */
  readonly close: Buffer | undefined;
  /** What it did wrong as a sender. */
  readonly faults: readonly string[];
}

/** Reads what the tested end has sent. */
export function listen(tested: TestedEnd, inflater?: TwinDeflate): Heard {
  const { frames, rest } = twinFrames(tested.received());
  const events: [string, Buffer][] = [];
  const faults: string[] = [];
  let close: Buffer | undefined;
  let message: { opcode: number; isCompressed: boolean; payloads: Buffer[] } | undefined;
  for (const frame of frames) {
    const fault = faultOf(frame, tested.role, inflater !== undefined);
    if (fault !== undefined) faults.push(fault);
    if (close !== undefined) faults.push("a frame behind the close frame");
    if (frame.opcode === CLOSE) close = frame.payload;
    else if (frame.opcode > CLOSE) events.push([frame.opcode === 9 ? "ping" : "pong", frame.payload]);
    else {
      if ((frame.opcode === 0) !== (message !== undefined)) faults.push("wrong fragmentation");
      message ??= { opcode: frame.opcode, isCompressed: frame.rsv === 4, payloads: [] };
      message.payloads.push(frame.payload);
      if (!frame.fin) continue;
      const payload = Buffer.concat(message.payloads);
      const whole = message.isCompressed ? inflater!.inflate(payload) : payload;
      events.push([message.opcode === 1 ? "text" : "binary", whole]);
      message = undefined;
    }
  }
  if (rest.length > 0 && tested.hasEnded()) faults.push("a frame that does not end");
  return { events, close, faults };
}

function faultOf(frame: TwinFrame, role: "server" | "client", isCompressed: boolean): string | undefined {
  if (frame.isMasked !== (role === "client")) return "wrong masking";
  if (frame.rsv !== 0 && !(isCompressed && frame.rsv === 4 && frame.opcode < CLOSE)) return "a reserved bit";
  return undefined;
}

/** Writes what was gathered: whole, or in pieces of so many octets. */
async function writeOut(tested: TestedEnd, octets: Buffer, chop: StepCase["chop"]): Promise<void> {
  const most = typeof chop === "number" ? chop : octets.length;
  for (let at = 0; at < octets.length; at += most)
    await tested.write(Buffer.from(octets.subarray(at, at + most)));
  await tested.wait(0);
}

function hasFailed(tested: TestedEnd): boolean {
  return tested.hasEnded() || listen(tested).close !== undefined;
}

/** Runs one case of frames and UTF-8. */
export async function runStepCase(testCase: StepCase, tested: TestedEnd): Promise<Verdict> {
  let gathered = Buffer.alloc(0);
  let isLate = false;
  let hasClose = false;
  const flush = async () => {
    const octets = gathered;
    gathered = Buffer.alloc(0);
    if (octets.length > 0) await writeOut(tested, octets, testCase.chop);
  };
  for (const [place, step] of testCase.send.entries()) {
    if (step.wait !== undefined || step.wait_echo === true) {
      await flush();
      await tested.wait(step.wait ?? 0.1);
      if (step.must_be_failed_before_end === true) isLate ||= !hasFailed(tested);
      continue;
    }
    hasClose ||= step.op === CLOSE;
    const frame = frameOf(step, place, tested);
    if (step.cut_payload_at !== undefined) {
      await flush();
      const head = frame.length - payloadOf(step).length;
      let from = 0;
      for (const cut of step.cut_payload_at) {
        await tested.write(Buffer.from(frame.subarray(from, head + cut)));
        from = head + cut;
        await tested.wait(step.wait_at_cuts ?? 0);
      }
      isLate ||= !hasFailed(tested);
      await tested.write(Buffer.from(frame.subarray(from)));
      continue;
    }
    gathered = Buffer.concat([gathered, frame]);
    if (testCase.chop === "frame") await flush();
  }
  await flush();
  await tested.wait(SILENCE);
  const endedItself = hasFailed(tested) && !hasClose;
  await closeCleanly(tested, hasClose);
  const judged = judge(testCase, tested, endedItself);
  if (testCase.informational === true) return { verdict: "INFORMATIONAL", why: judged.why };
  return judged.verdict === "OK" && isLate ? { verdict: "NON-STRICT", why: "failed late" } : judged;
}

/** The tester's part of the closing handshake; as a server it ends TCP. */
export async function closeCleanly(tested: TestedEnd, hasSentClose = false): Promise<void> {
  if (!hasSentClose && !hasFailed(tested)) {
    await tested.write(twinFrame(CLOSE, Buffer.of(0x03, 0xe8), keyFor(tested, 1000)));
  }
  await tested.wait(SILENCE);
  if (tested.role === "client" && !tested.hasEnded()) {
    await tested.end();
    await tested.wait(SILENCE);
  }
}

function payloadOf(step: Step): Buffer {
  return octetsOf(step.repeat === undefined ? (step.hex ?? "") : { repeat: step.repeat });
}

function keyFor(tested: TestedEnd, place: number): { key?: Buffer } {
  return tested.role === "server" ? { key: keyOf(place) } : {};
}

function frameOf(step: Step, place: number, tested: TestedEnd): Buffer {
  return twinFrame(step.op!, payloadOf(step), {
    fin: step.fin === 1,
    rsv: step.rsv ?? 0,
    ...keyFor(tested, place),
  });
}

/**
 * A message in fragments of so many octets (0: one frame), each compressed with the whole if that was agreed.
 */
export function messageFrames(
  tested: TestedEnd,
  opcode: number,
  payload: Buffer,
  fragment: number,
  isCompressed: boolean,
): Buffer[] {
  const frames: Buffer[] = [];
  const most = fragment === 0 ? Math.max(1, payload.length) : fragment;
  let at = 0;
  do {
    const end = Math.min(payload.length, at + most);
    frames.push(
      twinFrame(at === 0 ? opcode : 0, payload.subarray(at, end), {
        fin: end === payload.length,
        rsv: isCompressed && at === 0 ? 4 : 0,
        ...keyFor(tested, at),
      }),
    );
    at = end;
  } while (at < payload.length);
  return frames;
}

/**
 * Sends one message and says what is wrong with the echo, or `undefined`. `piece` writes the frames in pieces
 * of so many octets; else they are one write.
 */
export async function echoOnce(
  tested: TestedEnd,
  opcode: 1 | 2,
  message: Buffer,
  { fragment = 0, piece, deflate }: { fragment?: number; piece?: number; deflate?: TesterDeflate } = {},
): Promise<string | undefined> {
  const payload = deflate === undefined ? message : deflate.out.deflate(message);
  const frames = messageFrames(tested, opcode, payload, fragment, deflate !== undefined);
  await writeOut(tested, Buffer.concat(frames), piece);
  for (let turn = 0; turn < 100 && twinFrames(tested.received()).frames.length === 0; turn++)
    await tested.wait(0.1);
  const { events, close, faults } = listen(tested, deflate?.in);
  tested.forget();
  if (faults.length > 0) return faults.join(", ");
  if (close !== undefined) return `closed with ${close.toString("hex")}`;
  const isSame =
    events.length === 1 &&
    events[0]![0] === (opcode === 1 ? "text" : "binary") &&
    events[0]![1].equals(message);
  return isSame ? undefined : `another echo: ${inspect(events, { maxStringLength: 80 })}`;
}

function judge(testCase: StepCase, tested: TestedEnd, endedItself: boolean): Verdict {
  const heard = listen(tested);
  const code = heard.close === undefined || heard.close.length < 2 ? undefined : heard.close.readUInt16BE();
  const said = () =>
    inspect({ ...heard, ended: tested.hasEnded(), endedItself }, { depth: 4, maxStringLength: 80 });
  if (heard.faults.length > 0) return { verdict: "FAILED", why: `the echo is malformed: ${said()}` };
  if (!tested.hasEnded()) return { verdict: "FAILED", why: `the connection does not end: ${said()}` };
  const { clean, failed } = testCase.then;
  if (failed !== undefined) {
    const isGood = heard.close === undefined || (code !== undefined && failed.includes(code));
    if (!endedItself && !testCase.send.some((step) => step.op === CLOSE)) {
      return { verdict: "FAILED", why: `the peer did not fail the connection: ${said()}` };
    }
    if (!isGood)
      return { verdict: "FAILED", why: `another close code than ${failed.join(" or ")}: ${said()}` };
  } else {
    const codes = clean!.split(" or ");
    const isGood = heard.close !== undefined && codes.includes(code === undefined ? "none" : String(code));
    if (!isGood) return { verdict: "FAILED", why: `another end than ${clean}: ${said()}` };
  }
  if (sameEvents(heard.events, testCase.expect)) return { verdict: "OK", why: "" };
  const isTolerated = testCase.non_strict !== undefined && sameEvents(heard.events, testCase.non_strict);
  return { verdict: isTolerated ? "NON-STRICT" : "FAILED", why: `other answers than expected: ${said()}` };
}

function sameEvents(events: Heard["events"], expected: readonly Expected[]): boolean {
  return (
    events.length === expected.length &&
    expected.every(([kind, octets], i) => events[i]![0] === kind && events[i]![1].equals(octetsOf(octets)))
  );
}
