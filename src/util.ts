/** `squall/util`: what the other modules are made with. */
export { ArgReplacer, type NamedArguments } from "./base/arg-replacer.js";
export { Configurable, type ConfigurableClass } from "./base/configurable.js";
export { DecodeError } from "./base/decode-error.js";
export {
  InvalidArgumentError,
  InvalidStateError,
  isSquallError,
  SquallError,
  type SquallErrorCode,
  type SquallErrorOptions,
  TimeoutError,
} from "./base/errors.js";
export { importObject } from "./base/import-object.js";
export {
  type DecompressOptions,
  GzipDecompressor,
  Inflate,
  type InflateFormat,
  type InflateOptions,
  type InflateStep,
} from "./base/inflate.js";
export { MissingItemError, ObjectDict } from "./base/object-dict.js";
export {
  basestringType,
  bytesType,
  errnoFromException,
  execIn,
  raiseExcInfo,
  reUnescape,
  type Timedelta,
  timedeltaToSeconds,
  unicodeType,
} from "./base/util.js";
export { version, versionInfo } from "./base/version.js";
export { websocketMask } from "./protocol/websocket/mask.js";
