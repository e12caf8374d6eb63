import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { parseCommandLine } from "../../../src/cli/commandLine.ts";
import type { Context } from "../../../src/cli/context.ts";

let cwd: string;
beforeEach(() => {
  cwd = mkdtempSync(join(tmpdir(), "pausing-"));
  mkdirSync(join(cwd, "policies"));
  const text =
    "apiVersion: ogpu-confirmd/v1\nname: thrifty\ncaps: {perDay: 3 OGPU}\nstrategy: first\neligible: 'true'\n";
  writeFileSync(join(cwd, "policies", "thrifty.yaml"), text);
});
afterEach(() => rmSync(cwd, { recursive: true }));

/** Runs a command line as `main` does; what it printed. */
const run = async (...argv: readonly string[]) => {
  const [printed, complained]: [string[], string[]] = [[], []];
  const context: Context = {
    env: {},
    cwd,
    stdout: { write: (text) => printed.push(text) },
    stderr: { write: (text) => complained.push(text) },
    isTTY: false,
    nodeVersion: "v24",
    onStopSignal: () => undefined,
  };
  const line = parseCommandLine([...argv, "--network", "mainnet"]);
  if (line.command === "help" || line.command === "version") throw new Error("no command");
  const code = await line.command.run(context, line);
  return { code, printed: printed.join(""), complained: complained.join("") };
};

describe("pause and resume", () => {
  it("say what they did, by whom, and what stood before", async () => {
    expect((await run("resume")).printed).toBe("paying was not paused\n");
    expect((await run("pause", "--why", "audit", "--who", "alice")).printed).toBe(
      'paying is paused, by alice: nothing new is signed until "ogpu-confirmd resume"\n',
    );
    expect((await run("pause", "--why", "lunch", "--who", "bob")).printed).toMatch(
      /^paying was paused already, by alice since \d{4}-.*Z: audit\n$/,
    );
    expect((await run("resume", "--who", "bob")).printed).toMatch(
      /^paying is resumed, by bob; alice had paused it at /,
    );
  });

  it("take the user's name where nobody gives one", async () => {
    expect((await run("pause", "--why", "audit")).printed).toMatch(/^paying is paused, by \S/);
  });

  it.each([[["pause"]], [["pause", "--why", "  "]]])(
    "%j is refused without a reason, and pauses nothing",
    async (argv) => {
      await expect(run(...argv)).rejects.toMatchObject({ code: "USAGE", message: expect.stringContaining("--why") });
      expect((await run("resume")).printed).toBe("paying was not paused\n");
    },
  );
});

describe("limits", () => {
  it("shows every ceiling, the operator's and each policy's, before anything was paid", async () => {
    const { code, printed } = await run("limits", "--guardrails-per-hour", "2 OGPU", "--guardrails-per-day", "none");
    expect(code).toBe(0);
    expect(printed).toMatch(/^paying is on\n0 confirmations wait to be signed, 0 are in flight\n/);
    expect(printed).toMatch(/guardrails\.perHour +all +0 OGPU +2 OGPU +2 OGPU +-\n/);
    expect(printed).toMatch(/caps\.perDay of thrifty +policy thrifty +0 OGPU +3 OGPU/);
    expect(printed).toMatch(/guardrails\.gasPerDay +all +0 OGPU +1 OGPU/);
    expect(printed).not.toContain("guardrails.perDay");
  });

  it("shows the rest where the policies cannot be read, and says that it did not", async () => {
    writeFileSync(join(cwd, "policies", "thrifty.yaml"), "name: [");
    const { code, printed, complained } = await run("limits");
    expect(code).toBe(0);
    expect(complained).toContain("the policies cannot be read, so their ceilings are not shown");
    expect(printed).toContain("guardrails.perHour");
  });

  it("gives programs the same as JSON, with the last pauses", async () => {
    await run("pause", "--why", "audit", "--who", "alice");
    const shown = JSON.parse((await run("limits", "--json")).printed);
    expect(shown.pause).toMatchObject({ by: "operator", who: "alice", why: "audit" });
    expect(shown.history).toHaveLength(1);
    expect(shown.ceilings).toContainEqual({
      ...{ cap: "guardrails.perHour", of: "all", used: "0 OGPU", limit: "10 OGPU", left: "10 OGPU", freesAt: null },
    });
  });
});

it("takes --dry-run for --sink-dry-run", () => {
  expect(parseCommandLine(["run", "--dry-run"])).toMatchObject({ flags: { "sink-dry-run": true } });
  expect(parseCommandLine(["run", "--no-dry-run"])).toMatchObject({ flags: { "sink-dry-run": false } });
});
