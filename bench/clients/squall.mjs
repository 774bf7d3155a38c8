import { AsyncHTTPClient } from "../../dist/httpclient.js";
import { drive, limit, url } from "../lib/drive.mjs";

const client = new AsyncHTTPClient({ forceInstance: true, maxClients: limit });
await drive(async () => (await client.fetch(url)).text().length);
