import { type ChildProcess, spawn } from "node:child_process";

/**
 * Sees to it that a child does not outlive this process, however this process ends: by returning, by a signal, by an
 * uncaught exception, or by SIGKILL.
 *
 * A shell waits on a pipe that nobody writes to. The kernel closes the pipe when this process is gone, and the shell then
 * kills the child. It runs in a session of its own, so that Ctrl-C in the terminal does not take it first. Where there
 * is no `sh`, only an orderly exit is covered.
 *
 * @param folder Goes with the child, if this process does not end in order.
 */
export function dieWithParent(child: ChildProcess, folder?: string): void {
  const killNow = () => child.kill("SIGKILL");
  process.once("exit", killNow);
  const end = `read -r _; kill -9 "$0"${folder === undefined ? "" : '; sleep 1; rm -rf "$1"'}`;
  const watchdog = spawn("sh", ["-c", end, String(child.pid), ...(folder === undefined ? [] : [folder])], {
    stdio: ["pipe", "ignore", "ignore"],
    detached: true,
  });
  watchdog.on("error", () => undefined);
  watchdog.stdin.on("error", () => undefined);
  watchdog.unref();
  (watchdog.stdin as unknown as { unref?: () => void }).unref?.();
  child.once("exit", () => {
    process.off("exit", killNow);
    watchdog.kill("SIGKILL");
  });
}
