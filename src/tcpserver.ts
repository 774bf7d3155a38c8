/** `squall/tcpserver`: a server for any protocol over TCP or unix sockets. */
export type { ListenOptions, TCPServerOptions } from "./net/tcp-server.js";
export { TCPServer } from "./net/tcp-server.js";
