/** `squall/websocket`: WebSockets (RFC 6455) with compression (RFC 7692), as a server and as a client. */
export { OutboxFullError, type OutboxOptions, type SlowConsumerPolicy } from "./net/outbox.js";
export type { DeflateEffort } from "./protocol/websocket/deflate-codec.js";
export {
  WEBSOCKET_VIOLATIONS,
  WebSocketClosedError,
  WebSocketError,
  type WebSocketErrorCode,
  WebSocketHandshakeError,
  type WebSocketHandshakeErrorOptions,
  WebSocketProtocolError,
  type WebSocketViolation,
} from "./protocol/websocket/errors.js";
export type { CompressionOptions } from "./protocol/websocket/handshake/permessage-deflate.js";
export type { WebSocketLimitsOptions } from "./protocol/websocket/limits.js";
export { type ReceivedMessage, WebSocketHandler } from "./web/handlers/websocket-handler.js";
export {
  type BroadcastOptions,
  type BroadcastResult,
  type BroadcastTarget,
  broadcast,
  Topics,
} from "./websocket/broadcast.js";
export { type WebSocketClientCallbacks, WebSocketClientConnection } from "./websocket/client-connection.js";
export {
  type ConnectionOption,
  type WebSocketConnectOptions,
  websocketConnect,
} from "./websocket/connect.js";
export { type CompressionContexts, compressionContexts } from "./websocket/deflate-contexts.js";
export type { WebSocketLink } from "./websocket/link.js";
export type { WebSocketMessage, WriteMessageOptions } from "./websocket/outgoing-message.js";
export { deDupeGenLog, type WebSocketOptions, type WebSocketParams } from "./websocket/params.js";
export { type WebSocketReconnectOptions, websocketConnections } from "./websocket/reconnect.js";
