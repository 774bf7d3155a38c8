/**
 * Tests that make up their cases. Each case is made from a number, its seed; a failing case says it, and
 *
 *     SQUALL_FUZZ_SEED=12345 npm test -- fuzz/requests
 *
 * repeats that case alone. `npm test` runs the same few hundred cases each time; `npm run fuzz -- SECONDS` runs
 * new ones for that long in each test and says how many there were. With `SQUALL_FUZZ_ALL=1` a run goes on behind a
 * finding and tells one of each kind.
 */
import { test } from "node:test";
import { Random } from "./random.js";

/** One case. What it throws is the finding. */
export type FuzzCase = (random: Random, seed: number) => void | Promise<void>;

/** How a fuzz test is bounded when it runs among the other tests. */
export interface FuzzOptions {
  /**
   * Cases in `npm test`: all of them each time and on every machine, so that a change which breaks one is found
   * with the change. They should take about a second.
   */
  readonly runs: number;
  /** Says what the cases were, after a long run. */
  readonly summary?: (() => string) | undefined;
}

const onlySeed = numberFrom(process.env.SQUALL_FUZZ_SEED);
const seconds = numberFrom(process.env.SQUALL_FUZZ_SECONDS);
/** Goes on behind a finding and tells one of each kind at the end. */
const goesOn = process.env.SQUALL_FUZZ_ALL === "1";
const firstSeed = numberFrom(process.env.SQUALL_FUZZ_FIRST) ?? 1;

function numberFrom(text: string | undefined): number | undefined {
  if (text === undefined || text === "") return undefined;
  const number = Number(text);
  if (!Number.isSafeInteger(number)) throw new Error(`expected an integer, got ${JSON.stringify(text)}`);
  return number;
}

async function runOne(check: FuzzCase, seed: number): Promise<void> {
  try {
    await check(new Random(seed), seed);
  } catch (error) {
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
    throw new Error(`SQUALL_FUZZ_SEED=${seed} repeats this: ${text}`, { cause: error });
  }
}

/** Registers a test that runs `check` for many seeds. */
export function fuzz(title: string, options: FuzzOptions, check: FuzzCase): void {
  const timeout = seconds === undefined ? 120_000 : seconds * 1000 + 60_000;
  test(title, { timeout }, async (context) => {
    if (onlySeed !== undefined) {
      await runOne(check, onlySeed);
      return;
    }
    const start = performance.now();
    const end = seconds === undefined ? Number.POSITIVE_INFINITY : start + seconds * 1000;
    const runs = seconds === undefined ? options.runs : Number.POSITIVE_INFINITY;
    let count = 0;
    let over = false;
    context.signal.addEventListener("abort", () => {
      if (!over) console.error(`${title}: SQUALL_FUZZ_SEED=${firstSeed + count} does not end`);
    });
    const kinds = new Map<string, Error>();
    for (; count < runs && performance.now() < end; count++) {
      try {
        await runOne(check, firstSeed + count);
      } catch (error) {
        if (!goesOn) {
          over = true;
          throw error;
        }
        const kind = (error as Error).message.replace(/^.*?: /, "").split("\n", 1)[0]!;
        if (!kinds.has(kind)) kinds.set(kind, error as Error);
      }
    }
    over = true;
    if (kinds.size > 0) {
      throw new Error([...kinds.values()].map((error) => error.message).join("\n\n"));
    }
    if (seconds === undefined) return;
    const rate = Math.round(count / ((performance.now() - start) / 1000));
    context.diagnostic(
      `${title}: ${count} cases from seed ${firstSeed} on, ${rate} per second. ${options.summary?.() ?? ""}`,
    );
  });
}
