import { spawnSync } from "node:child_process";

/** Keeps a process that is running on one core, where that can be done. */
export const pinTo = (core: number, pid: number): void =>
  void spawnSync("taskset", ["-a", "-p", "-c", String(core), String(pid)], { stdio: "ignore" });
