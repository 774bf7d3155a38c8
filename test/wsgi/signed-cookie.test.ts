/** `squall_wsgi.signed_cookie`: Python and squall agree on signed values. */
import "../support/guard.js";
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { describe, test } from "node:test";
import { createSignedValue, decodeSignedValue } from "squall/web";
import { WSGIAdapter } from "squall/wsgi";
import { locate, needs } from "../support/programs.js";
import { field } from "../support/raw-client.js";
import { withWSGI } from "../support/wsgi-server.js";

const python = needs("python3");

/** Evaluates a Python expression, which is printed as JSON; `given` are its variables. */
function evaluate(expression: string, given: object, program = "python3"): unknown {
  const script = `import json, sys; from squall_wsgi import signed_cookie
globals().update(json.loads(sys.argv[1]))
print(json.dumps(${expression}))`;
  const env = { ...process.env, PYTHONPATH: WSGIAdapter.pythonPath, PYTHONDONTWRITEBYTECODE: "1" };
  const done = spawnSync(program, ["-c", script, JSON.stringify(given)], { encoding: "utf8", env });
  assert.equal(done.status, 0, done.stderr);
  return JSON.parse(done.stdout);
}

const secret = "it's a secret to everybody \u00e9";
const decode = "(lambda found: None if found is None else found.decode('latin-1'))";

describe("squall_wsgi.signed_cookie", python, () => {
  test("reads what squall signs, and signs what squall reads", () => {
    for (const value of ["", "ada", "caf\u00e9 \u2713", "a|b:c"]) {
      const signed = createSignedValue(secret, "user", value).toString();
      assert.equal(
        evaluate(`${decode}(signed_cookie.decode("user", signed, secret=secret))`, { signed, secret }),
        Buffer.from(value).toString("latin1"),
      );
      const theirs = evaluate(`signed_cookie.create("user", value, secret=secret)`, {
        value,
        secret,
      }) as string;
      assert.equal(decodeSignedValue(secret, "user", theirs)?.toString(), value);
    }
  });

  test("writes the same octets at the same time, with a key version as well", () => {
    const clock = (): number => 1_500_000_000.9;
    assert.equal(
      evaluate(`signed_cookie.create("k", "value", secret=secret, clock=lambda: 1500000000.9)`, { secret }),
      createSignedValue(secret, "k", "value", { clock }).toString(),
    );
    const secrets = { 1: "one", 2: "two" };
    assert.equal(
      evaluate(
        `signed_cookie.create("k", "v", secret={1: "one", 2: "two"}, clock=lambda: 5, key_version=2)`,
        {},
      ),
      createSignedValue(secrets, "k", "v", { clock: () => 5, keyVersion: 2 }).toString(),
    );
  });

  test("refuses what squall refuses", () => {
    const day = 86_400;
    const now = 1_500_000_000;
    const sign = (age: number, name = "user", key: string = secret): string =>
      createSignedValue(key, name, "ada", { clock: () => now - age }).toString();
    const good = sign(0);
    const cases = [
      good,
      sign(30 * day),
      sign(32 * day),
      sign(-30 * day),
      sign(-32 * day),
      sign(0, "other"),
      sign(0, "user", "another secret"),
      good.slice(0, -1),
      `${good}0`,
      good.replace("2|1:0|", "2|1:1|"),
      good.replace("|4:user|", "|3:user|"),
      createSignedValue(secret, "user", "ada", { version: 1, clock: () => now }).toString(),
      "",
      "2|",
      "2|1:0",
      "2|99999999:0|",
      "2|-1:0|",
      "3|1:0|10:1500000000|4:user|4:YWRh|",
      "\u00e9",
    ];
    const ours = cases.map(
      (value) =>
        decodeSignedValue(secret, "user", value, { clock: () => now, minVersion: 2 })?.toString() ?? null,
    );
    const expression = `[${decode}(signed_cookie.decode("user", one, secret=secret, clock=lambda: now)) for one in cases]`;
    assert.deepEqual(evaluate(expression, { cases, secret, now }), ours);
    assert.deepEqual(ours.filter((value) => value !== null).length, 3);
  });

  test("knows the secret of its container", async () => {
    for (const cookieSecret of [secret, Buffer.from(secret)]) {
      await withWSGI("who", { cookieSecret }, async ({ ask }) => {
        const signed = createSignedValue(secret, "user", "ada").toString();
        const got = await ask("/", { head: `Cookie: a=1; user=${signed}; b=2\r\n` });
        assert.equal(got.body.toString(), "b'ada'");
        assert.equal(decodeSignedValue(secret, "user", field(got, "X-Signed")!)?.toString(), "from Python");
        const forged = await ask("/", { head: `Cookie: user=${signed}0\r\n` });
        assert.equal(forged.body.toString(), "None");
        assert.equal((await ask("/")).body.toString(), "None");
      });
    }
  });

  test("knows several secrets by their version", async () => {
    const cookieSecret = { 3: "three", 4: "four" };
    await withWSGI("decoded", { cookieSecret }, async ({ ask }) => {
      for (const keyVersion of [3, 4]) {
        const signed = createSignedValue(cookieSecret, "user", "ada", { keyVersion }).toString();
        assert.equal((await ask("/", { head: `Cookie: user=${signed}\r\n` })).body.toString(), "b'ada'");
      }
      const other = createSignedValue({ 5: "three" }, "user", "ada", { keyVersion: 5 }).toString();
      assert.equal((await ask("/", { head: `Cookie: user=${other}\r\n` })).body.toString(), "None");
    });
  });

  test("agrees with Tornado", needs("python3-tornado"), () => {
    const program = locate("python3-tornado")!;
    const signed = createSignedValue(secret, "user", "ada").toString();
    assert.equal(
      evaluate(
        `__import__("tornado.web").web.decode_signed_value(secret, "user", signed).decode()`,
        { secret, signed },
        program,
      ),
      "ada",
    );
    const theirs = evaluate(
      `__import__("tornado.web").web.create_signed_value(secret, "user", "ada").decode()`,
      { secret },
      program,
    ) as string;
    assert.equal(decodeSignedValue(secret, "user", theirs)?.toString(), "ada");
    assert.equal(
      evaluate(`signed_cookie.decode("user", theirs, secret=secret).decode()`, { theirs, secret }),
      "ada",
    );
  });
});
