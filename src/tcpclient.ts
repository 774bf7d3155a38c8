/** `squall/tcpclient`: connecting by name. */
export type { TCPClientOptions, TCPConnectOptions } from "./net/tcp-client.js";
export { TCPClient } from "./net/tcp-client.js";
