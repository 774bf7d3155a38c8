#!/usr/bin/env node
/** The command `squall`: a name for each thing that it can do. */
import { version } from "../base/version.js";
import { main as autoreload } from "../devel/autoreload-main.js";

const USAGE = `usage: squall COMMAND …

commands:
  autoreload script.js [arg …]   run a program, and start it again when its source changes
  fetch URL …                    fetch, and print what comes

squall COMMAND --help says more; squall --version prints the version.
`;

const [command, ...args] = process.argv.slice(2);
switch (command) {
  case "autoreload":
    await autoreload({ args });
    break;
  case "fetch":
    process.exitCode = await (await import("../http/client/main.js")).main({ args });
    break;
  case "--version":
    console.log(version);
    break;
  case "--help":
  case "-h":
    process.stdout.write(USAGE);
    break;
  default:
    process.stderr.write(
      command === undefined ? USAGE : `squall has no command ${JSON.stringify(command)}\n\n${USAGE}`,
    );
    process.exitCode = 2;
}
