/**
 * Values that a client may read but not change, in Tornado's formats, so that cookies signed by one are read
 * by the other.
 *
 *     version 2    2|1:0|10:1500000000|3:key|8:dmFsdWU=|<hex HMAC-SHA256 of all before>
 *                    │   │             │     └ value, base64
 *                    │   │             └ name
 *                    │   └ seconds since 1970
 *                    └ version of the key          each field with its length in bytes in front
 *     version 1    dmFsdWU=|1500000000|<hex HMAC-SHA1 of name, value and time>
 *
 * Version 1 is read for old cookies only; its fields are not kept apart in what is signed. Whatever is wrong
 * with a value, the answer is that there is none; nothing about the secret can be learnt from how long that
 * takes.
 */
import { IOLoop } from "../../async/ioloop.js";
import { InvalidArgumentError } from "../../base/errors.js";
import { genLog } from "../../base/log.js";
import { checkNames, optionNames } from "../../base/nearest-name.js";

/** The oldest format that is read. */
export const MIN_SUPPORTED_SIGNED_VALUE_VERSION = 1;
/** The newest format. */
export const MAX_SUPPORTED_SIGNED_VALUE_VERSION = 2;
/** The format of new values. */
export const DEFAULT_SIGNED_VALUE_VERSION = 2;
/** The oldest format that is accepted unless told otherwise. */
export const DEFAULT_SIGNED_VALUE_MIN_VERSION = 1;

/** A secret, or several by the version of the key. */
export type CookieSecret = string | Uint8Array | KeyMap;

/** Secrets by the version of the key. */
export type KeyMap = Readonly<Record<number, string | Uint8Array>>;

/** Options of {@link createSignedValue}. */
export interface CreateSignedValueOptions {
  /** 1 or 2; default 2. */
  readonly version?: number | undefined;
  /** Seconds since 1970; default the loop's wall time. */
  readonly clock?: (() => number) | undefined;
  /** Which of several secrets signs. With one secret default 0; with several there is no default. */
  readonly keyVersion?: number | undefined;
}

/** Options of {@link decodeSignedValue}. */
export interface DecodeSignedValueOptions {
  /** Older values are refused; default 31 days. */
  readonly maxAgeDays?: number | undefined;
  /** Seconds since 1970; default the loop's wall time. */
  readonly clock?: (() => number) | undefined;
  /** The oldest format that is accepted, 1 or 2; default 1. */
  readonly minVersion?: number | undefined;
}

const CREATE = optionNames<CreateSignedValueOptions>({ version: 1, clock: 1, keyVersion: 1 });
const DECODE = optionNames<DecodeSignedValueOptions>({ maxAgeDays: 1, clock: 1, minVersion: 1 });

const DAY_SECONDS = 86_400;
/** Clocks of servers differ; a value from farther in the future was not signed by one of them. */
const FUTURE_SECONDS = 31 * DAY_SECONDS;
/** Longer input is no value of ours; browsers keep about 4 KiB. */
const MAX_LENGTH = 1 << 20;

/** For values that are signed outside of requests; those of a handler go by the clock of its request. */
function nowSeconds(): number {
  return IOLoop.current().wallTime() / 1000;
}

/** The one secret, or `undefined` if there is a map of them. */
function singleSecret(secret: CookieSecret): string | Uint8Array | undefined {
  return typeof secret === "string" || secret instanceof Uint8Array ? secret : undefined;
}

function hmac(
  algorithm: "sha1" | "sha256",
  secret: string | Uint8Array,
  ...parts: readonly (string | Uint8Array)[]
): string {
  const mac = process.getBuiltinModule("node:crypto").createHmac(algorithm, secret);
  for (const part of parts) mac.update(part);
  return mac.digest("hex");
}

function equalInConstantTime(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && process.getBuiltinModule("node:crypto").timingSafeEqual(a, b);
}

/**
 * Signs a value under a name. The result is ASCII. Tornado `create_signed_value`.
 * @throws InvalidArgumentError for another version, a map of secrets without `keyVersion` or with version 1.
 */
export function createSignedValue(
  secret: CookieSecret,
  name: string,
  value: string | Uint8Array,
  options: CreateSignedValueOptions = {},
): Buffer {
  checkNames("option of a signed value", options, CREATE);
  const version = options.version ?? DEFAULT_SIGNED_VALUE_VERSION;
  const timestamp = String(Math.trunc((options.clock ?? nowSeconds)()));
  const encoded = Buffer.from(value as string).toString("base64");
  if (version === 1) {
    const key = singleSecret(secret);
    if (key === undefined)
      throw new InvalidArgumentError("version 1 of signed values knows one secret, not a map");
    return Buffer.from(`${encoded}|${timestamp}|${hmac("sha1", key, name, encoded, timestamp)}`);
  }
  if (version !== 2) throw new InvalidArgumentError(`a signed value has version 1 or 2, got ${version}`);
  const field = (text: string) => `${Buffer.byteLength(text)}:${text}`;
  const { keyVersion } = options;
  const signed = [
    "2",
    field(String(keyVersion ?? 0)),
    field(timestamp),
    field(name),
    field(encoded),
    "",
  ].join("|");
  return Buffer.from(signed + hmac("sha256", keyFor(secret, keyVersion), signed));
}

function keyFor(secret: CookieSecret, keyVersion: number | undefined): string | Uint8Array {
  const single = singleSecret(secret);
  if (single !== undefined) return single;
  if (keyVersion === undefined)
    throw new InvalidArgumentError("keyVersion must be set when there are several secrets");
  const key = storedKey(secret, keyVersion);
  if (key === undefined) throw new InvalidArgumentError(`there is no secret with key version ${keyVersion}`);
  return key;
}

/**
 * The format of a value: a number up to 999 in front of the first bar, else 1, the format without a version.
 */
function versionOf(value: Buffer): number {
  const head = /^([1-9][0-9]{0,2})\|/.exec(value.subarray(0, 4).toString("latin1"));
  return head === null ? 1 : Number(head[1]);
}

/**
 * The bytes that were signed, or `undefined` if the value is missing, forged, too old, from the future, of
 * another name or in no format that is accepted. Never throws for what came from outside. Tornado
 * `decode_signed_value`.
 * @throws InvalidArgumentError for a `minVersion` above 2 and an unknown option.
 */
export function decodeSignedValue(
  secret: CookieSecret,
  name: string,
  value: string | Uint8Array | null | undefined,
  options: DecodeSignedValueOptions = {},
): Buffer | undefined {
  checkNames("option of a signed value", options, DECODE);
  const minVersion = options.minVersion ?? DEFAULT_SIGNED_VALUE_MIN_VERSION;
  if (minVersion > MAX_SUPPORTED_SIGNED_VALUE_VERSION) {
    throw new InvalidArgumentError(`Unsupported minVersion ${minVersion}; the newest format is 2`);
  }
  if (value === null || value === undefined || value.length === 0 || value.length > MAX_LENGTH)
    return undefined;
  const bytes = Buffer.from(value as string);
  const version = versionOf(bytes);
  if (version < minVersion) return undefined;
  const clock = options.clock ?? nowSeconds;
  const oldest = clock() - (options.maxAgeDays ?? 31) * DAY_SECONDS;
  if (version === 1) return decodeV1(secret, name, bytes, oldest, clock());
  if (version === 2) return decodeV2(secret, name, bytes, oldest, clock());
  return undefined;
}

const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

function fromBase64(text: string): Buffer | undefined {
  return BASE64.test(text) ? Buffer.from(text, "base64") : undefined;
}

function decodeV1(
  secret: CookieSecret,
  name: string,
  value: Buffer,
  oldest: number,
  now: number,
): Buffer | undefined {
  const parts = value.toString("latin1").split("|");
  const key = singleSecret(secret);
  if (parts.length !== 3 || key === undefined) return undefined;
  const [encoded, timestamp, signature] = parts as [string, string, string];
  const wanted = hmac("sha1", key, name, Buffer.from(encoded, "latin1"), Buffer.from(timestamp, "latin1"));
  if (!equalInConstantTime(Buffer.from(signature, "latin1"), Buffer.from(wanted))) {
    genLog.warning("Invalid cookie signature %r", value.subarray(0, 80).toString("latin1"));
    return undefined;
  }
  const seconds = /^[0-9]+$/.test(timestamp) ? Number(timestamp) : Number.NaN;
  if (Number.isNaN(seconds)) return undefined;
  if (seconds < oldest) {
    genLog.warning("Expired cookie %r", value.subarray(0, 80).toString("latin1"));
    return undefined;
  }
  // Value and time are not kept apart in what is signed: digits moved from one to the other would pass. A
  // time with them in front lies far in the future, one without them begins with 0.
  if (seconds > now + FUTURE_SECONDS) {
    genLog.warning(
      "Cookie timestamp in future; possible tampering %r",
      value.subarray(0, 80).toString("latin1"),
    );
    return undefined;
  }
  if (timestamp.startsWith("0")) {
    genLog.warning("Tampered cookie %r", value.subarray(0, 80).toString("latin1"));
    return undefined;
  }
  return fromBase64(encoded);
}

interface FieldsV2 {
  readonly keyVersion: number;
  readonly timestamp: number;
  readonly name: Buffer;
  readonly encoded: string;
  readonly signature: Buffer;
  /** What the signature covers. */
  readonly signed: Buffer;
}

const BAR = 0x7c;
const COLON = 0x3a;

/** The fields of a version 2 value, or `undefined` if it is malformed. */
function splitV2(value: Buffer): FieldsV2 | undefined {
  const fields: Buffer[] = [];
  let at = 2;
  for (let count = 0; count < 4; count++) {
    const colon = value.indexOf(COLON, at);
    const digits = colon < 0 ? "" : value.subarray(at, colon).toString("latin1");
    if (!/^[0-9]{1,7}$/.test(digits)) return undefined;
    const end = colon + 1 + Number(digits);
    if (value[end] !== BAR) return undefined;
    fields.push(value.subarray(colon + 1, end));
    at = end + 1;
  }
  const [key, time, name, encoded] = fields as [Buffer, Buffer, Buffer, Buffer];
  const keyVersion = integer(key);
  const timestamp = integer(time);
  if (keyVersion === undefined || timestamp === undefined) return undefined;
  return {
    keyVersion,
    timestamp,
    name,
    encoded: encoded.toString("latin1"),
    signature: value.subarray(at),
    signed: value.subarray(0, at),
  };
}

function integer(bytes: Buffer): number | undefined {
  const text = bytes.toString("latin1");
  return /^-?[0-9]{1,15}$/.test(text) ? Number(text) : undefined;
}

/** The secret that a value names; a single secret serves every version. */
function storedKey(secret: CookieSecret, keyVersion: number): string | Uint8Array | undefined {
  const single = singleSecret(secret);
  if (single !== undefined) return single;
  return Object.hasOwn(secret as KeyMap, keyVersion) ? (secret as KeyMap)[keyVersion] : undefined;
}

function decodeV2(
  secret: CookieSecret,
  name: string,
  value: Buffer,
  oldest: number,
  now: number,
): Buffer | undefined {
  const fields = splitV2(value);
  if (fields === undefined) return undefined;
  const key = storedKey(secret, fields.keyVersion);
  if (key === undefined) return undefined;
  if (!equalInConstantTime(fields.signature, Buffer.from(hmac("sha256", key, fields.signed))))
    return undefined;
  if (!fields.name.equals(Buffer.from(name)) || fields.timestamp < oldest) return undefined;
  if (fields.timestamp > now + FUTURE_SECONDS) return undefined;
  return fromBase64(fields.encoded);
}

/**
 * The key version written in a version 2 value, unverified; `undefined` for others. Tornado
 * `get_signature_key_version`.
 */
export function getSignatureKeyVersion(value: string | Uint8Array): number | undefined {
  const bytes = Buffer.from(value as string);
  return versionOf(bytes) === 2 ? splitV2(bytes)?.keyVersion : undefined;
}
