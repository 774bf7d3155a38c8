/** The cases of the Autobahn suite, described anew in `cases.json`, and their shapes. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { root } from "../../support/root.js";

/** Octets in hexadecimal digits, or a pattern that is repeated and cut to a length. */
export type Octets = string | { readonly repeat: readonly [pattern: string, length: number] };

/** A frame to send, or a pause. */
export interface Step {
  readonly op?: number;
  readonly fin?: 0 | 1;
  readonly rsv?: number;
  readonly hex?: string;
  readonly repeat?: readonly [pattern: string, length: number];
  readonly cut_payload_at?: readonly number[];
  readonly wait_at_cuts?: number;
  /** Seconds of silence. */
  readonly wait?: number;
  readonly must_be_failed_before_end?: boolean;
  readonly wait_echo?: boolean;
}

/** What comes back: a message or a pong. */
export type Expected = readonly ["text" | "binary" | "pong", Octets];

/** A case of frames and UTF-8, step by step. */
export interface StepCase {
  readonly id: string;
  readonly what: string;
  readonly send: readonly Step[];
  readonly expect: readonly Expected[];
  readonly non_strict?: readonly Expected[];
  readonly then: { readonly clean?: string; readonly failed?: readonly number[] };
  readonly chop?: "frame" | number;
  readonly informational?: boolean;
}

/** A case of many or large messages. */
export interface PerformanceCase {
  readonly id: string;
  readonly what: string;
  readonly octets: number;
  readonly fragment?: number;
  readonly piece?: number;
  readonly messages?: number;
}

/** A group of compression cases: one for each size. */
export interface CompressionGroup {
  readonly id: string;
  readonly offers?: readonly (readonly [noContextTakeover: boolean, windowBits: number])[];
  readonly data: string;
}

/** All of them. */
export interface ConformanceCases {
  readonly count: {
    readonly frames_and_utf8: number;
    readonly performance: number;
    readonly compression: number;
  };
  readonly cases: readonly StepCase[];
  readonly performance: readonly PerformanceCase[];
  readonly compression: {
    readonly messages_each: number;
    readonly sizes: readonly { readonly n: number; readonly octets: number; readonly fragment: number }[];
    readonly groups: readonly CompressionGroup[];
  };
}

/** Reads `cases.json`. */
export function readCases(): ConformanceCases {
  return JSON.parse(
    readFileSync(join(root, "test/conformance/websocket/cases.json"), "utf8"),
  ) as ConformanceCases;
}

/** The octets that are meant. */
export function octetsOf(octets: Octets): Buffer {
  if (typeof octets === "string") return Buffer.from(octets, "hex");
  const [pattern, length] = octets.repeat;
  return Buffer.alloc(length, pattern, "hex");
}
