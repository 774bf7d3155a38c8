/** `squall/log`: loggers, handlers and the format of their lines. */
export type { CallSite } from "./base/call-site.js";
export {
  accessLog,
  accessLogLimit,
  appLog,
  genLog,
  genLogLimit,
  getLogger,
  Logger,
  levelNumber,
  rootLogger,
} from "./base/log.js";
export {
  FileHandler,
  type FileHandlerOptions,
  RotatingFileHandler,
  type RotatingFileHandlerOptions,
  TimedRotatingFileHandler,
  type TimedRotatingFileHandlerOptions,
} from "./base/log-file.js";
export { LogFormatter, type LogFormatterOptions } from "./base/log-format.js";
export {
  type LogFilter,
  LogHandler,
  type LogHandlerOptions,
  type LogStream,
  type RecordFormatter,
  StreamHandler,
  type StreamHandlerOptions,
} from "./base/log-handler.js";
export { LogRateLimit, type LogRateLimitOptions } from "./base/log-limit.js";
export { defineLoggingOptions } from "./base/log-options.js";
export {
  type LogClock,
  LogLevel,
  type LogLevelName,
  LogRecord,
  levelName,
  setLogClock,
} from "./base/log-record.js";
export { enablePrettyLogging, type PrettyLoggingOptions } from "./base/options.js";
export { shorten } from "./base/shorten.js";
