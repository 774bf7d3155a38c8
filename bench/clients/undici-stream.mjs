import { Writable } from "node:stream";
import { Pool } from "undici";
import { drive, limit, url } from "../lib/drive.mjs";

const pool = new Pool(url, { connections: limit });
const request = { path: "/", method: "GET" };
await drive(async () => {
  let length = 0;
  await pool.stream(
    request,
    () =>
      new Writable({
        write(chunk, _encoding, done) {
          length += chunk.length;
          done();
        },
      }),
  );
  return length;
});
