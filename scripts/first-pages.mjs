// Does what the first pages say, in an empty folder, as a newcomer would: installs as the page says (the package is the one
// that was just packed), writes its files, starts its programs by its commands, and compares what comes out.
// Called by package.mjs, which has the tarball.
import { spawn, spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { connect, createServer } from "node:net";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { root } from "./stamp.mjs";

const PAGES = ["README.md", "docs/guide/first-steps.md", "docs/guide/recipes.md"];
const LIMIT = 60_000;

/** Tries all pages in folders below `work`; throws an error that names page and line of what does not hold. */
export async function tryFirstPages(work, tarball) {
  const pages = await import(pathToFileURL(join(root, "build", "test", "support", "pages.js")).href);
  let setUp = "";
  for (const page of PAGES) {
    const folder = join(work, page.replace(/\W/g, "-"));
    mkdirSync(folder);
    const blocks = pages.blocksOf(readFileSync(join(root, page), "utf8"));
    // The set-up of the first page holds for those that have none.
    const own = blocks.find(({ language, text }) => language === "sh" && text.includes("npm init"));
    setUp = own?.text ?? setUp;
    install(folder, setUp, tarball);
    let tried = 0;
    for (const [i, block] of blocks.entries()) {
      const where = `${page}:${block.line}`;
      if (block.language === "sh" && block.text.includes("--test")) {
        shell(folder, block.text.trim(), where);
        tried++;
      }
      if (block.language !== "ts" || block.task === "continued") continue;
      const name = /^\/\/ ([\w.-]+\.ts)\b/.exec(block.text)?.[1] ?? "server.ts";
      writeFileSync(join(folder, name), block.text);
      if (block.task === "run") {
        const shown = pages.shownBy(blocks, i);
        same(shell(folder, `npx tsx ${name}`, where), shown?.text ?? "", where);
      } else if (block.task === "serve") {
        await serve(folder, name, pages.shownBy(blocks, i), pages, where);
      } else continue;
      tried++;
    }
    shell(
      folder,
      "npx tsc --noEmit --target es2023 --module nodenext --types node --strict --noImplicitOverride *.ts",
      page,
    );
    console.log(`${page}: ${tried} programs do what the page shows`);
  }
}

/** The commands of a set-up block, with the package that was packed in place of the one that the page names. */
function install(folder, text, tarball) {
  const commands = text
    .split("\n")
    .map((line) => line.replace(/#.*/, "").trim())
    .filter((line) => line !== "" && !/^(mkdir|npx tsx)/.test(line))
    .map((line) =>
      line
        .replace(/\S*squall-[\d.]+\.tgz/, tarball)
        .replace(/^npm install/, "npm install --prefer-offline --no-audit --no-fund"),
    );
  if (!commands.some((line) => line.includes(tarball))) throw new Error("the set-up installs no squall");
  for (const command of commands) shell(folder, command, "set-up");
}

function shell(folder, command, where) {
  const done = spawnSync("sh", ["-c", command], { cwd: folder, encoding: "utf8", timeout: 4 * LIMIT });
  if (done.status !== 0) throw new Error(`${where}: ${command}\n${done.stdout}${done.stderr}`);
  return done.stdout;
}

function same(actual, shown, where) {
  const text = actual.replaceAll("\r\n", "\n").trim();
  if (text !== shown.trim()) throw new Error(`${where}: the page shows\n${shown}\nbut it is\n${text}`);
}

function freePort() {
  return new Promise((resolve) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const { port } = server.address();
      server.close(() => resolve(String(port)));
    });
  });
}

/** Resolves when a connection to the port succeeds, or `gaveUp()` is true. */
async function listening(port, gaveUp) {
  for (let left = LIMIT / 100; left > 0 && !gaveUp(); left--) {
    const isUp = await new Promise((resolve) => {
      const socket = connect(port, "localhost", () => resolve(true));
      socket.on("error", () => resolve(false));
      socket.on("connect", () => socket.destroy());
    });
    if (isUp) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

/** Starts a program that listens on port 8888 of the page, and runs the page's commands against it. */
async function serve(folder, name, shown, pages, where) {
  const port = await freePort();
  const path = join(folder, name);
  writeFileSync(path, readFileSync(path, "utf8").replaceAll("8888", port));
  const child = spawn("npx", ["tsx", name], {
    cwd: folder,
    stdio: ["ignore", "pipe", "pipe"],
    detached: true,
  });
  let output = "";
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding("utf8").on("data", (text) => {
      output += text;
    });
  try {
    await listening(Number(port), () => child.exitCode !== null);
    if (child.exitCode !== null) throw new Error(`${where}: the program ended\n${output}`);
    for (const { command, shown: expected } of shown?.language === "console" ? pages.commandsOf(shown) : [])
      same(
        shell(
          folder,
          command.replaceAll("8888", port).replace(/^curl/, "curl --silent --max-time 10"),
          where,
        ),
        expected,
        where,
      );
  } finally {
    process.kill(-child.pid, "SIGTERM");
    await new Promise((resolve) =>
      child.exitCode === null && child.signalCode === null ? child.on("close", resolve) : resolve(),
    );
  }
}
