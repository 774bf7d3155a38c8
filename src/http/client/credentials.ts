/** Signing in to a server or a proxy: Basic (RFC 7617) and Digest (RFC 7616). */
import { createHash, randomBytes } from "node:crypto";
import { InvalidArgumentError } from "../../base/errors.js";
import { encodeUsernamePassword } from "../../protocol/fields/credentials.js";
import { quoteString, unquote } from "../../protocol/fields/parameters.js";

/** A user and a password. */
export interface Credentials {
  readonly username: string;
  readonly password: string;
}

/**
 * What stands behind `Authorization:` for Basic.
 * @throws InvalidArgumentError (ERR_SQUALL_INVALID_ARGUMENT) for a colon in the name or a control character
 * in either.
 */
export function basicAuthorization({ username, password }: Credentials): string {
  if (username.includes(":") || /[\0-\x1f\x7f]/.test(username + password)) {
    throw new InvalidArgumentError("credentials cannot hold control characters, nor a user name a colon");
  }
  return `Basic ${encodeUsernamePassword(username, password).toString("base64")}`;
}

/** A challenge of Digest that can be answered. */
export interface DigestChallenge {
  readonly realm: string;
  readonly nonce: string;
  readonly opaque: string | undefined;
  readonly algorithm: "MD5" | "MD5-sess" | "SHA-256" | "SHA-256-sess";
  /** Whether the server knows `qop=auth`; else it speaks RFC 2069. */
  readonly hasQop: boolean;
}

const ALGORITHMS = ["SHA-256-sess", "SHA-256", "MD5-sess", "MD5"] as const;
const PARAMETER = /([!#$%&'*+.^_`|~\w-]+)[ \t]*=[ \t]*("(?:[^"\\]|\\.)*"|[^\s,"]+)/gy;

/**
 * The strongest Digest challenge of these `WWW-Authenticate` or `Proxy-Authenticate` lines; undefined if
 * there is none.
 */
export function findDigestChallenge(lines: readonly string[]): DigestChallenge | undefined {
  const found = lines.flatMap(digestChallenges);
  return found.toSorted((a, b) => ALGORITHMS.indexOf(a.algorithm) - ALGORITHMS.indexOf(b.algorithm))[0];
}

function digestChallenges(line: string): DigestChallenge[] {
  const found: DigestChallenge[] = [];
  for (const match of line.matchAll(/(?:^|,)[ \t]*Digest[ \t]+/gi)) {
    const parameters = new Map<string, string>();
    PARAMETER.lastIndex = match.index + match[0].length;
    for (let part = PARAMETER.exec(line); part !== null; part = PARAMETER.exec(line)) {
      parameters.set(part[1]!.toLowerCase(), part[2]!.startsWith('"') ? unquote(part[2]!) : part[2]!);
      const comma = /[ \t]*,[ \t]*/y;
      comma.lastIndex = PARAMETER.lastIndex;
      if (!comma.test(line)) break;
      PARAMETER.lastIndex = comma.lastIndex;
    }
    const challenge = challengeOf(parameters);
    if (challenge !== undefined) found.push(challenge);
  }
  return found;
}

function challengeOf(parameters: ReadonlyMap<string, string>): DigestChallenge | undefined {
  const realm = parameters.get("realm");
  const nonce = parameters.get("nonce");
  const wanted = (parameters.get("algorithm") ?? "MD5").toLowerCase();
  const algorithm = ALGORITHMS.find((name) => name.toLowerCase() === wanted);
  const qop = parameters.get("qop");
  const hasQop = qop?.split(",").some((one) => one.trim().toLowerCase() === "auth") ?? false;
  if (realm === undefined || nonce === undefined || algorithm === undefined) return undefined;
  // Only auth-int is offered: that would need the digest of the body.
  if (qop !== undefined && !hasQop) return undefined;
  return { realm, nonce, opaque: parameters.get("opaque"), algorithm, hasQop };
}

/** What stands behind `Authorization:` in answer to a challenge. `uri` is that of the start line. */
export function digestAuthorization(
  challenge: DigestChallenge,
  { username, password }: Credentials,
  method: string,
  uri: string,
  cnonce: string = randomBytes(16).toString("hex"),
): string {
  const { realm, nonce, opaque, algorithm, hasQop } = challenge;
  const hash = (text: string): string =>
    createHash(algorithm.startsWith("MD5") ? "md5" : "sha256")
      .update(text, "utf8")
      .digest("hex");
  const nc = "00000001";
  let secret = hash(`${username}:${realm}:${password}`);
  if (algorithm.endsWith("-sess")) secret = hash(`${secret}:${nonce}:${cnonce}`);
  const request = hash(`${method}:${uri}`);
  const response = hasQop
    ? hash(`${secret}:${nonce}:${nc}:${cnonce}:auth:${request}`)
    : hash(`${secret}:${nonce}:${request}`);
  const parts = [
    `username=${quoteString(username)}`,
    `realm=${quoteString(realm)}`,
    `nonce=${quoteString(nonce)}`,
    `uri=${quoteString(uri)}`,
    `algorithm=${algorithm}`,
    `response="${response}"`,
  ];
  if (opaque !== undefined) parts.push(`opaque=${quoteString(opaque)}`);
  if (hasQop) parts.push("qop=auth", `nc=${nc}`, `cnonce="${cnonce}"`);
  else if (algorithm.endsWith("-sess")) parts.push(`cnonce="${cnonce}"`);
  return `Digest ${parts.join(", ")}`;
}
