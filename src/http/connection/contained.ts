/** Calls of a connection into the application, whose errors must not hurt the connection or any other. */
import { appLog } from "../../base/log.js";

/** Runs a piece of the application; its error is logged. `where` names what was called. */
export function contained(where: string, fn: () => void): void {
  try {
    fn();
  } catch (error) {
    appLog.exception("Uncaught exception in %s", where, error);
  }
}
