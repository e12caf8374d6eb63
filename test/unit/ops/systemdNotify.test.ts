import { EventEmitter } from "node:events";
import { describe, expect, it } from "vitest";
import { createLogger } from "../../../src/ops/logger.ts";
import { createNotifier, type NotifierOptions, watchdogInterval } from "../../../src/ops/systemdNotify.ts";

const watch = (options: Partial<NotifierOptions> = {}) => {
  const lines: string[] = [];
  const calls: { command: string; args: readonly string[]; env: Record<string, string>; child: EventEmitter }[] = [];
  const notifier = createNotifier({
    socketPath: "/run/systemd/notify",
    logger: createLogger({
      level: "trace",
      format: "json",
      isTTY: false,
      destination: { write: (line) => lines.push(line) },
    }),
    spawn: (command, args, { env }) => {
      const child = Object.assign(new EventEmitter(), { unref: () => {} });
      calls.push({ command, args, env, child });
      return child;
    },
    ...options,
  });
  return { notifier, calls, lines };
};

describe("createNotifier", () => {
  it("runs systemd-notify with the socket and nothing else of the environment", () => {
    const { notifier, calls } = watch();
    notifier.ready("watching 3 sources");
    expect(calls).toMatchObject([
      {
        command: "systemd-notify",
        args: ["READY=1", "STATUS=watching 3 sources"],
        env: { NOTIFY_SOCKET: "/run/systemd/notify", PATH: "/usr/bin:/bin" },
      },
    ]);
  });

  it("runs one child at a time, and keeps states in their order and the newest of the rest", () => {
    const { notifier, calls } = watch();
    const next = () => {
      calls.at(-1)?.child.emit("close", 0);
      return calls.at(-1)?.args;
    };
    notifier.status("one");
    notifier.status("two");
    notifier.watchdog();
    notifier.reloading(17n);
    notifier.watchdog();
    notifier.ready("three");
    notifier.status("four");
    notifier.stopping();
    expect(calls).toHaveLength(1);
    expect(next()?.toSorted()).toEqual(["MONOTONIC_USEC=17", "RELOADING=1", "STATUS=two", "WATCHDOG=1"]);
    expect(next()).toEqual(["READY=1", "STATUS=four"]);
    expect(next()).toEqual(["STOPPING=1", "STATUS=stopping"]);
    next();
    expect(calls).toHaveLength(4);
  });

  it("tells when everything is said", async () => {
    const { notifier, calls } = watch();
    await notifier.drained();
    notifier.ready("x");
    notifier.stopping();
    let drained = false;
    const waiting = notifier.drained().then(() => {
      drained = true;
    });
    calls[0]?.child.emit("close", 0);
    await Promise.resolve();
    expect(drained).toBe(false);
    calls[1]?.child.emit("close", 1);
    await waiting;
    expect(drained).toBe(true);
  });

  it("forgets the oldest of what it could not say, so that the newest state is told in the end", () => {
    const { notifier, calls } = watch();
    for (let reload = 0; reload < 1_000; reload++) {
      notifier.reloading();
      notifier.ready(String(reload));
    }
    for (let at = 0; at < calls.length; at++) calls[at]?.child.emit("close", 0);
    expect(calls.length).toBeLessThan(20);
    expect(calls.at(-1)?.args).toEqual(["READY=1", "STATUS=999"]);
  });

  it("keeps a status on one line, so that it cannot say more than a status", () => {
    const { notifier, calls } = watch();
    notifier.status(`a\nSTOPPING=1\n${"x".repeat(500)}`);
    expect(calls[0]?.args[0]).toMatch(/^STATUS=a STOPPING=1 x+$/);
    expect(calls[0]?.args[0]?.length).toBeLessThan(220);
  });

  it("does nothing where systemd gave no socket", () => {
    const { notifier, calls } = watch({ socketPath: undefined });
    notifier.ready("x");
    notifier.watchdog();
    expect(calls).toEqual([]);
  });

  it("never throws, logs its first failure only, and goes on", () => {
    const { notifier, calls, lines } = watch();
    notifier.status("one");
    calls[0]?.child.emit("error", new Error("ENOENT"));
    calls[0]?.child.emit("close", -2);
    notifier.status("two");
    calls[1]?.child.emit("close", 1);
    notifier.status("three");
    expect(calls).toHaveLength(3);
    expect(lines).toHaveLength(1);

    const broken = watch({
      spawn: () => {
        throw new Error("EAGAIN");
      },
    });
    broken.notifier.ready("x");
    broken.notifier.stopping();
    expect(broken.lines).toHaveLength(1);
  });

  it("starts a real child, and survives a socket that nobody listens at", async () => {
    const { notifier, lines } = watch({ socketPath: "/nonexistent/socket", spawn: undefined as never });
    notifier.ready("x");
    await expect.poll(() => lines.length, { timeout: 10_000 }).toBe(1);
    expect(lines[0]).toContain("systemd could not be notified");
  });
});

it("pings the watchdog twice in each of its periods", () => {
  expect(watchdogInterval({ WATCHDOG_USEC: "30000000" })).toBe(15_000);
  expect(watchdogInterval({})).toBeUndefined();
  expect(watchdogInterval({ WATCHDOG_USEC: "x" })).toBeUndefined();
});
