/** What nobody should ever see: gathered during one fuzz case. */
import { LogHandler, LogLevel, type LogRecord, rootLogger } from "squall/log";

/** The only error that the handlers of a case may cause a log line with. */
export class HandlerFault extends Error {
  override name = "HandlerFault";
}

let current: Watch | undefined;

class Collector extends LogHandler {
  override emit(record: LogRecord): void {
    current?.logged(record, this.formatter.format(record));
  }
}

rootLogger.addHandler(new Collector({ level: LogLevel.INFO }));
process.on("unhandledRejection", (reason) => {
  current?.problems.push(`unhandled rejection: ${reason instanceof Error ? reason.stack : reason}`);
});

/** Collects stray log lines and rejections while it is the current one. */
export class Watch {
  readonly problems: string[] = [];
  readonly #isFair: (record: LogRecord) => boolean;

  /** `isFair` says of a record that the handlers of the case have deserved it. */
  constructor(isFair: (record: LogRecord) => boolean = () => false) {
    this.#isFair = isFair;
  }

  begin(): void {
    current = this;
  }

  logged(record: LogRecord, text: string): void {
    const { error } = record;
    const isLoud = error !== undefined || record.level >= LogLevel.WARNING;
    const isStray = isLoud && !(error instanceof HandlerFault) && !this.#isFair(record);
    if (isStray) this.problems.push(`logged: ${text}`);
  }

  /** Rejections are told of after the microtasks: they get a turn. */
  async end(): Promise<void> {
    await new Promise(setImmediate);
    current = undefined;
  }
}
