/** The chat's HTTP behaviour, as its page sees it. */
import assert from "node:assert/strict";
import { type AddressInfo, createServer } from "node:net";
import { test } from "node:test";
import { chatServer, say, startChat, type Updates, updates } from "../support/chat.js";
import { Child } from "../support/child.js";
import { root } from "../support/root.js";

const hello = { id: "id-000001", name: "Ada", text: "Hello" };

test("the page and its parts are served with their types and a strict policy", async (context) => {
  const { base } = await startChat(context);
  for (const [path, type] of [
    ["/", "text/html"],
    ["/static/chat.css", "text/css"],
    ["/static/chat.js", "text/javascript"],
    ["/static/icon.svg", "image/svg+xml"],
  ] as const) {
    const response = await fetch(base + path);
    assert.equal(response.status, 200, path);
    assert.ok(
      response.headers.get("content-type")?.startsWith(type),
      `${path}: ${response.headers.get("content-type")}`,
    );
    assert.match(response.headers.get("content-security-policy") ?? "", /default-src 'self'/);
    assert.ok((await response.text()).length > 100);
  }
  for (const path of ["/static/../server.js", "/static/%2e%2e/server.js", "/static/none.js", "/server.js"]) {
    const response = await fetch(base + path);
    assert.ok([403, 404].includes(response.status), `${path}: ${response.status}`);
    await response.text();
  }
});

test("a poll that waits is answered by the next message, and the cursor leads on from there", async (context) => {
  const { base } = await startChat(context);
  const { cursor, messages } = await updates(base);
  assert.deepEqual(messages, []);
  const waiting = updates(base, cursor, true);
  const said = await say(base, hello);
  assert.equal(said.status, 201);
  const { message } = (await said.json()) as { message: Updates["messages"][number] };
  assert.ok(Math.abs(message.at - Date.now()) < 60_000);
  assert.deepEqual(message, { n: 1, at: message.at, ...hello });
  const answer = await waiting;
  assert.deepEqual(answer.messages, [message]);
  assert.deepEqual((await updates(base, answer.cursor)).messages, []);
});

test("a message sent twice appears once", async (context) => {
  const { base } = await startChat(context);
  const first = await (await say(base, hello)).json();
  assert.deepEqual(await (await say(base, hello)).json(), first);
  assert.equal((await updates(base)).messages.length, 1);
});

test("what is no message is refused, and the room goes on", async (context) => {
  const { base } = await startChat(context);
  for (const [draft, type, status] of [
    [{ ...hello, name: "  " }, "application/json", 400],
    [{ ...hello, name: "x".repeat(41) }, "application/json", 400],
    [{ ...hello, text: "" }, "application/json", 400],
    [{ ...hello, text: "x".repeat(2001) }, "application/json", 400],
    [{ ...hello, text: { toString: "x" } }, "application/json", 400],
    [{ ...hello, id: "<script>" }, "application/json", 400],
    [{ name: "Ada", text: "no id" }, "application/json", 400],
    ["null", "application/json", 400],
    ["[]", "application/json", 400],
    ["{", "application/json", 400],
    ["", "application/json", 400],
    [hello, "text/plain", 415],
    [hello, "application/jsonp", 415],
    ["x".repeat(70_000), "application/json", 413],
  ] as const) {
    const response = await say(base, draft, type);
    assert.equal(response.status, status, JSON.stringify(draft).slice(0, 80));
    await response.text();
  }
  assert.equal((await fetch(`${base}/messages`)).status, 405);
  assert.deepEqual((await updates(base)).messages, []);
  assert.equal((await say(base, hello)).status, 201);
});

test("a reader who leaves while it waits costs nobody anything", async (context) => {
  const { base } = await startChat(context);
  const { cursor } = await updates(base);
  const leaving = new AbortController();
  const poll = fetch(`${base}/updates?after=${cursor}&wait=1`, { signal: leaving.signal });
  leaving.abort();
  await assert.rejects(poll);
  const staying = updates(base, cursor, true);
  await say(base, hello);
  assert.equal((await staying).messages.length, 1);
});

for (const signal of ["SIGINT", "SIGTERM"] as const) {
  test(`${signal} answers the polls that wait, closes the port and ends with status 0`, async (context) => {
    const { base, child } = await startChat(context);
    await say(base, hello);
    const { cursor } = await updates(base);
    const waiting = [1, 2, 3].map(() => updates(base, cursor, true));
    await updates(base); // the server has seen the polls: they came before this one
    void child.kill(signal); // once by the terminal, once by npm: one press of Ctrl-C
    assert.deepEqual(await child.kill(signal), { code: 0, signal: null }, child.output);
    for (const answer of await Promise.all(waiting)) assert.deepEqual(answer.messages, []);
    await assert.rejects(fetch(base));
  });
}

test("a port that is in use is said in a sentence, without a stack", async (context) => {
  const squatter = createServer().listen(0, "127.0.0.1");
  await new Promise((resolve) => squatter.once("listening", resolve));
  context.after(() => squatter.close());
  const { port } = squatter.address() as AddressInfo;
  const child = Child.start(context, process.execPath, [
    chatServer,
    "--port",
    String(port),
    "--address",
    "127.0.0.1",
  ]);
  assert.deepEqual(await child.ended, { code: 1, signal: null });
  assert.equal(child.output, `Port ${port} is in use. Choose another one: npm start -- --port ${port + 1}\n`);
});

test("PORT names the port too; an invalid port and an unknown argument end it with one line", async (context) => {
  const child = Child.start(context, process.execPath, [chatServer, "--address", "127.0.0.1"], { PORT: "0" });
  await child.prints(/http:\/\/localhost:\d+/);
  for (const [args, environment, line] of [
    [[], { PORT: "http" }, /^server\.js: option port: expected an integer, got 'http' .*\n$/],
    [["--port=65536"], {}, /^The port must be a number from 0 to 65535, got 65536\.\n$/],
    [["--prot", "1"], {}, /^server\.js: there is no command line option --prot; did you mean --port\? .*\n$/],
  ] as const) {
    const wrong = Child.start(context, process.execPath, [chatServer, ...args], environment);
    assert.deepEqual(await wrong.ended, { code: 2, signal: null });
    assert.match(wrong.output, line);
  }
});

test("an argument that npm has torn from its option is answered with how to write it", async (context) => {
  const child = Child.start(context, process.execPath, [chatServer, "9000"], { PORT: "0" });
  assert.equal((await child.ended).code, 2);
  assert.match(
    child.output,
    /^What is "9000" for\? Options stand behind two hyphens: npm start -- --port 9000\n$/,
  );
});

test("on all interfaces it names the addresses that other machines can open", async (context) => {
  const child = Child.start(context, process.execPath, [chatServer, "--address", "0.0.0.0", "--port=0"]);
  await child.prints(
    /open on http:\/\/localhost:\d+(?: and http:\/\/\d+\.\d+\.\d+\.\d+:\d+)* \(Ctrl-C ends it\)/,
  );
  assert.doesNotMatch(child.output, /http:\/\/0\.0\.0\.0:\d+ /);
});

test("npm start opens the chat on the port that it is given, and passes SIGTERM on", async (context) => {
  const child = Child.start(context, process.execPath, [
    `${root}scripts/start.mjs`,
    "--port",
    "0",
    "--address",
    "127.0.0.1",
  ]);
  const [, port] = await child.prints(/http:\/\/localhost:(\d+)/);
  assert.equal((await fetch(`http://127.0.0.1:${port}/`)).status, 200);
  assert.deepEqual(await child.kill("SIGTERM"), { code: 0, signal: null }, child.output);
});

test("the smallest application says hello", async (context) => {
  const script = `${root}build/examples/helloworld/server.js`;
  const child = Child.start(context, process.execPath, [script], { PORT: "0" });
  const [, port] = await child.prints(/http:\/\/localhost:(\d+)/);
  assert.equal(await (await fetch(`http://127.0.0.1:${port}/`)).text(), "Hello, world");
});
