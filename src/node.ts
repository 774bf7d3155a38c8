/** `squall/node`: applications of Node under squall's server, and squall's under Node's. */
export { NodeContainer, type NodeContainerOptions } from "./interop/node/container.js";
export {
  type NodeListenerOptions,
  type NodeRequest,
  type NodeRequestListener,
  nodeListener,
} from "./interop/node/listener.js";
export type { NodeResponse } from "./interop/node/server-connection.js";
export type { NodeListener, NodeServerEvents } from "./interop/node/types.js";
export {
  type UpgradeListener,
  type UpgradeListenerOptions,
  upgradeListener,
} from "./interop/node/upgrade-listener.js";
