import { AsyncHTTPClient, createFetch } from "../../dist/httpclient.js";
import { drive, limit, url } from "../lib/drive.mjs";

const fetch = createFetch(new AsyncHTTPClient({ forceInstance: true, maxClients: limit }));
await drive(async () => (await (await fetch(url)).text()).length);
