/**
 * The negotiation of permessage-deflate (RFC 7692 §7.1). A client makes one or more offers, in order of
 * preference; a server accepts one of them, or none.
 *
 *     parameter                     in an offer                   in an answer
 *     server_no_context_takeover    asks the server to reset      the server will; owed if it was offered
 *     client_no_context_takeover    the client may reset          the client must; may come unasked
 *     server_max_window_bits=N      the server must keep to N     at most N; owed if it was offered
 *     client_max_window_bits[=N]    the client can be told N      the client must keep to it; only if offered
 *
 * A server declines an offer that has an unknown parameter, one twice, or a value out of range (§7.1, "MUST
 * decline"); a client fails the connection on such an answer ("MUST fail"). N is 8 to 15, in decimal without
 * zeros in front.
 *
 * zlib has no raw window of 8 bits, and squall agrees to it all the same: see `deflate-codec.ts`.
 */
import { checkBoolean, checkInteger } from "../../../base/validate.js";
import type { ContextParameters, DeflateEffort } from "../deflate-codec.js";
import type { Extension, ExtensionParameter } from "./extensions.js";

/** The name of the extension (RFC 7692 §7). */
export const PERMESSAGE_DEFLATE = "permessage-deflate";

/** How messages are to be compressed; a member that is left out has its default. */
export interface CompressionOptions extends DeflateEffort {
  /** How hard the compressor tries: 0 (not at all) to 9. Default 6. Tornado `compression_level`. */
  readonly compressionLevel?: number | undefined;
  /** How much memory it uses for that: 1 to 9, 2^(memLevel + 9) bytes. Default 8. Tornado `mem_level`. */
  readonly memLevel?: number | undefined;
  /** Each message that the server sends stands alone: less memory, less compression. Default false. */
  readonly serverNoContextTakeover?: boolean | undefined;
  /** The same for what the client sends. Default false. */
  readonly clientNoContextTakeover?: boolean | undefined;
  /** The largest window of the server's compressor, 8 to 15 bits. Default 15. */
  readonly serverMaxWindowBits?: number | undefined;
  /**
   * The same for the client's. Default 15. A smaller one excludes clients that do not offer
   * `client_max_window_bits`.
   */
  readonly clientMaxWindowBits?: number | undefined;
}

/** Compression options with every default filled in. */
export type ResolvedCompressionOptions = {
  readonly [K in keyof CompressionOptions]-?: NonNullable<CompressionOptions[K]>;
};

/** What both ends have agreed on. */
export interface DeflateAgreement {
  /** How the server compresses and the client inflates. */
  readonly server: ContextParameters;
  /** How the client compresses and the server inflates. */
  readonly client: ContextParameters;
}

/** The widest window, which holds where nothing smaller was agreed. */
const WIDEST = 15;

/**
 * Checks the options and fills in the defaults.
 *
 * @throws InvalidArgumentError (`ERR_SQUALL_INVALID_ARGUMENT`) when one is of another type or out of its
 *   range.
 */
export function resolveCompressionOptions(options: CompressionOptions = {}): ResolvedCompressionOptions {
  const bits = (name: "serverMaxWindowBits" | "clientMaxWindowBits") =>
    checkInteger(name, options[name] ?? WIDEST, { min: 8, max: WIDEST });
  return {
    compressionLevel: checkInteger("compressionLevel", options.compressionLevel ?? 6, { min: 0, max: 9 }),
    memLevel: checkInteger("memLevel", options.memLevel ?? 8, { min: 1, max: 9 }),
    serverNoContextTakeover: checkBoolean(
      "serverNoContextTakeover",
      options.serverNoContextTakeover ?? false,
    ),
    clientNoContextTakeover: checkBoolean(
      "clientNoContextTakeover",
      options.clientNoContextTakeover ?? false,
    ),
    serverMaxWindowBits: bits("serverMaxWindowBits"),
    clientMaxWindowBits: bits("clientMaxWindowBits"),
  };
}

/** The four parameters as one offer or answer has them. */
interface Parameters {
  serverNoContextTakeover: boolean;
  clientNoContextTakeover: boolean;
  /** `undefined` when the parameter is absent. */
  serverMaxWindowBits: number | undefined;
  /** `undefined` when the parameter is absent; the widest when an offer has it without a value. */
  clientMaxWindowBits: number | undefined;
}

/**
 * Reads the parameters of an offer or an answer; `undefined` when one is unknown, repeated, or has a wrong
 * value.
 */
function readParameters(
  list: readonly ExtensionParameter[],
  kind: "offer" | "answer",
): Parameters | undefined {
  const read: Parameters = {
    serverNoContextTakeover: false,
    clientNoContextTakeover: false,
    serverMaxWindowBits: undefined,
    clientMaxWindowBits: undefined,
  };
  const seen = new Set<string>();
  for (const { name, value } of list) {
    if (seen.has(name)) return undefined;
    seen.add(name);
    switch (name) {
      case "server_no_context_takeover":
        if (value !== undefined) return undefined;
        read.serverNoContextTakeover = true;
        break;
      case "client_no_context_takeover":
        if (value !== undefined) return undefined;
        read.clientNoContextTakeover = true;
        break;
      case "server_max_window_bits":
        read.serverMaxWindowBits = windowBits(value);
        if (read.serverMaxWindowBits === undefined) return undefined;
        break;
      case "client_max_window_bits":
        read.clientMaxWindowBits = value === undefined && kind === "offer" ? WIDEST : windowBits(value);
        if (read.clientMaxWindowBits === undefined) return undefined;
        break;
      default:
        return undefined;
    }
  }
  return read;
}

/** The number that a value stands for, from 8 to 15 (RFC 7692 §7.1.2); `undefined` for anything else. */
function windowBits(value: string | undefined): number | undefined {
  return value !== undefined && /^(?:[89]|1[0-5])$/.test(value) ? Number(value) : undefined;
}

/** What a server answers to the first offer that it can accept. */
export interface AcceptedOffer {
  readonly agreement: DeflateAgreement;
  /** The element of Sec-WebSocket-Extensions for the answer. */
  readonly answer: Extension;
}

/**
 * A server's choice among the offers of a client; `undefined` when none can be accepted, and compression is
 * off.
 */
export function acceptOffer(
  offers: readonly Extension[],
  options: ResolvedCompressionOptions,
): AcceptedOffer | undefined {
  for (const offer of offers) {
    if (offer.name !== PERMESSAGE_DEFLATE) continue;
    const offered = readParameters(offer.parameters, "offer");
    if (offered === undefined) continue;
    // Without the parameter the client may use the widest window.
    if (offered.clientMaxWindowBits === undefined && options.clientMaxWindowBits < WIDEST) continue;
    return accepted(offered, options);
  }
  return undefined;
}

function accepted(offered: Parameters, options: ResolvedCompressionOptions): AcceptedOffer {
  const server = {
    takeover: !offered.serverNoContextTakeover && !options.serverNoContextTakeover,
    windowBits: Math.min(offered.serverMaxWindowBits ?? WIDEST, options.serverMaxWindowBits),
  };
  const client = {
    takeover: !offered.clientNoContextTakeover && !options.clientNoContextTakeover,
    windowBits: Math.min(offered.clientMaxWindowBits ?? WIDEST, options.clientMaxWindowBits),
  };
  const parameters: ExtensionParameter[] = [];
  if (!server.takeover) parameters.push({ name: "server_no_context_takeover", value: undefined });
  if (!client.takeover) parameters.push({ name: "client_no_context_takeover", value: undefined });
  if (offered.serverMaxWindowBits !== undefined || server.windowBits < WIDEST) {
    parameters.push({ name: "server_max_window_bits", value: String(server.windowBits) });
  }
  if (client.windowBits < WIDEST) {
    parameters.push({ name: "client_max_window_bits", value: String(client.windowBits) });
  }
  return { agreement: { server, client }, answer: { name: PERMESSAGE_DEFLATE, parameters } };
}

/** What a client offers: `client_max_window_bits` always, and what its options ask for. */
export function deflateOffer(options: ResolvedCompressionOptions): Extension {
  const parameters: ExtensionParameter[] = [];
  if (options.serverNoContextTakeover) {
    parameters.push({ name: "server_no_context_takeover", value: undefined });
  }
  if (options.clientNoContextTakeover) {
    parameters.push({ name: "client_no_context_takeover", value: undefined });
  }
  if (options.serverMaxWindowBits < WIDEST) {
    parameters.push({ name: "server_max_window_bits", value: String(options.serverMaxWindowBits) });
  }
  parameters.push({
    name: "client_max_window_bits",
    value: options.clientMaxWindowBits < WIDEST ? String(options.clientMaxWindowBits) : undefined,
  });
  return { name: PERMESSAGE_DEFLATE, parameters };
}

/**
 * What a server's answer to {@link deflateOffer} of the same options means; a sentence about the fault when
 * the client must fail the connection (RFC 7692 §7.1).
 */
export function readAnswer(
  answer: Extension,
  options: ResolvedCompressionOptions,
): DeflateAgreement | string {
  const read = readParameters(answer.parameters, "answer");
  if (read === undefined) return "the answer has a parameter that is unknown, repeated, or has a wrong value";
  if (options.serverNoContextTakeover && !read.serverNoContextTakeover) {
    return "the answer lacks server_no_context_takeover, which was asked for";
  }
  const serverBits = read.serverMaxWindowBits ?? WIDEST;
  if (serverBits > options.serverMaxWindowBits) {
    return `server_max_window_bits must be at most ${options.serverMaxWindowBits}, got ${serverBits}`;
  }
  const clientBits = read.clientMaxWindowBits ?? options.clientMaxWindowBits;
  if (clientBits > options.clientMaxWindowBits) {
    return `client_max_window_bits must be at most ${options.clientMaxWindowBits}, got ${clientBits}`;
  }
  return {
    server: { takeover: !read.serverNoContextTakeover, windowBits: serverBits },
    client: {
      takeover: !read.clientNoContextTakeover && !options.clientNoContextTakeover,
      windowBits: clientBits,
    },
  };
}
