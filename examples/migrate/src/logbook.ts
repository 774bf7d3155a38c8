/** Starts the Flask application, with the first Python that has Flask. */
import { fileURLToPath } from "node:url";
import { WSGIContainer, WSGIStartError } from "squall/wsgi";

/** A `python3` of one's own, and that of the system, for which Debian packages Flask. */
const INTERPRETERS = ["python3", "/usr/bin/python3"];

/** None of the interpreters has Flask. */
export class NoFlaskError extends Error {
  constructor(tried: readonly string[]) {
    super(
      [
        `The application under /legacy needs Python 3.8 or later with Flask, which is not in ${tried.join(" or ")}.`,
        "Install it (Debian: apt-get install python3-flask; anywhere: python3 -m venv venv && venv/bin/pip install flask)",
        "and name its interpreter if it is another one: npm start -- --python venv/bin/python",
      ].join("\n"),
    );
  }
}

/** Whether it is Python or Flask that is missing, and not a mistake in the application. */
function isMissing(error: unknown): boolean {
  if (!(error instanceof WSGIStartError)) return false;
  return error.option === "python" || /No module named 'flask'/.test(error.message);
}

/**
 * A container that runs. `python` names an interpreter; "" tries those that are usual. `secret` is what the signed cookie of
 * the sign-in is read with.
 */
export async function startLogbook(secret: string, python: string): Promise<WSGIContainer> {
  const interpreters = python === "" ? INTERPRETERS : [python];
  for (const interpreter of interpreters) {
    const container = new WSGIContainer("logbook:app", {
      python: interpreter,
      cwd: fileURLToPath(new URL("../logbook", import.meta.url)),
      scriptName: "/legacy",
      cookieSecret: secret,
      // The entries are kept in the memory of one process.
      workers: 1,
      threads: 4,
    });
    try {
      await container.start();
      return container;
    } catch (error) {
      if (!isMissing(error)) throw error;
    }
  }
  throw new NoFlaskError(interpreters);
}
