/**
 * The body of a form, whichever of its two media types it has, as arguments and files.
 */
import { equalsIgnoreCase } from "../../base/bytes.js";
import { checkNames, optionNames } from "../../base/nearest-name.js";
import { checkLimit } from "../../base/validate.js";
import { HTTPInputError } from "../fields/errors.js";
import type { HTTPHeaders } from "../fields/headers.js";
import { splitAtSemicolons } from "../fields/parameters.js";
import { type ArgumentMap, addValue, DEFAULT_MAX_ARGUMENTS, parseUrlencoded } from "./form.js";
import {
  type FileMap,
  type ParseMultipartConfig,
  parseMultipartFormData,
  type ResolvedMultipartConfig,
  resolveMultipartConfig,
} from "./multipart.js";

export { HTTPFile } from "./multipart.js";

/** How form bodies are parsed. */
export interface ParseBodyConfig {
  /** Limits for `multipart/form-data`; see {@link ParseMultipartConfig} for the defaults. */
  readonly multipart?: ParseMultipartConfig | undefined;
  /** Arguments in one urlencoded form at most; default 1,000, `Infinity` for no limit. */
  readonly maxArguments?: number | undefined;
}

/** What a form holds; both maps have no prototype. */
export interface BodyArguments {
  /** The values by name, as bytes. */
  readonly arguments: ArgumentMap;
  /** The uploaded files by the name of their field; empty for a urlencoded form. */
  readonly files: FileMap;
}

interface ResolvedBodyConfig {
  readonly multipart: ResolvedMultipartConfig;
  readonly maxArguments: number;
}

const LIMITS = optionNames<ParseBodyConfig>({ multipart: 1, maxArguments: 1 });

function resolveBodyConfig(config: ParseBodyConfig = {}): ResolvedBodyConfig {
  checkNames("limit of forms", config, LIMITS);
  return {
    multipart: resolveMultipartConfig(config.multipart),
    maxArguments: checkLimit("maxArguments", config.maxArguments ?? DEFAULT_MAX_ARGUMENTS),
  };
}

let defaultConfig: ResolvedBodyConfig = resolveBodyConfig();

/**
 * Replaces the configuration that {@link parseBodyArguments} uses when none is given, for the whole process;
 * what `config` leaves out gets its default. Tornado `set_parse_body_config`.
 * @throws InvalidArgumentError and changes nothing when a value makes no sense.
 */
export function setParseBodyConfig(config: ParseBodyConfig): void {
  defaultConfig = resolveBodyConfig(config);
}

/**
 * Adds the arguments and files of a form body to `args` and `files`. A body of any other type is left alone.
 * Tornado `parse_body_arguments`.
 * @throws HTTPInputError when the body is malformed or over a limit, or when it has a Content-Encoding other
 * than `identity`, and then has added nothing.
 */
export function parseBodyArguments(
  contentType: string,
  body: Uint8Array,
  args: ArgumentMap,
  files: FileMap,
  options?: {
    /**
     * The request's fields: a Content-Encoding other than `identity` makes the body unreadable; default none.
     */
    readonly headers?: HTTPHeaders | undefined;
    /** Default what {@link setParseBodyConfig} set. */
    readonly config?: ParseBodyConfig | undefined;
  },
): void {
  const type = mediaType(contentType);
  if (type !== "application/x-www-form-urlencoded" && type !== "multipart/form-data") return;
  const encoding = options?.headers?.get("Content-Encoding");
  if (encoding !== undefined && !equalsIgnoreCase(encoding, "identity")) {
    throw new HTTPInputError(
      `unsupported Content-Encoding of a form: ${JSON.stringify(encoding.slice(0, 80))}`,
      {
        status: 415,
      },
    );
  }
  const config = options?.config === undefined ? defaultConfig : resolveBodyConfig(options.config);
  if (type === "multipart/form-data") {
    parseMultipartFormData(boundaryOf(contentType), body, args, files, { config: config.multipart });
  } else {
    for (const [name, values] of Object.entries(parseUrlencoded(body, config))) {
      for (const value of values) addValue(args, name, value);
    }
  }
}

/** Type and subtype in lower case (RFC 9110 §8.3.1). */
function mediaType(contentType: string): string {
  const semicolon = contentType.indexOf(";");
  return (semicolon === -1 ? contentType : contentType.slice(0, semicolon)).trim().toLowerCase();
}

/** The first `boundary` parameter; there is no space around its `=` (RFC 9110 §5.6.6). */
function boundaryOf(contentType: string): string {
  for (const piece of splitAtSemicolons(contentType)) {
    const match = /^boundary=(?![ \t])(.+)$/i.exec(piece);
    if (match !== null) return match[1]!;
  }
  throw new HTTPInputError('invalid multipart/form-data: Content-Type has no "boundary=…"', {
    code: "ERR_SQUALL_INVALID_MULTIPART",
  });
}
