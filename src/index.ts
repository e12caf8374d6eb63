export { createDaemon, type Daemon, type DaemonDeps, type DaemonOptions } from "./daemon.ts";
export * from "./errors.ts";
export * from "./protocol/index.ts";
