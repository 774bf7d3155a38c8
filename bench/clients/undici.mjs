import { Pool } from "undici";
import { drive, limit, url } from "../lib/drive.mjs";

const pool = new Pool(url, { connections: limit });
const request = { path: "/", method: "GET" };
await drive(async () => (await (await pool.request(request)).body.text()).length);
