import { Agent } from "node:http";
import axios from "axios";
import { drive, limit, url } from "../lib/drive.mjs";

const client = axios.create({
  httpAgent: new Agent({ keepAlive: true, maxSockets: limit }),
  responseType: "text",
});
await drive(async () => (await client.get(url)).data.length);
