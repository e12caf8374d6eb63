import { existsSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, describe, expect, it, onTestFinished } from "vitest";
import { parseCommandLine } from "../../../src/cli/commandLine.ts";
import type { Context } from "../../../src/cli/context.ts";
import { openSqliteJournal } from "../../../src/journal/sqliteJournal.ts";
import { address, response, task } from "../../support/fakeChain.ts";
import { intend } from "../../support/intend.ts";
import { temporaryFolder } from "../../support/temporaryFolder.ts";

let cwd: string;
let path: string;
beforeEach(async () => {
  cwd = temporaryFolder("pausing-");
  mkdirSync(join(cwd, "policies"));
  const text =
    "apiVersion: ogpu-confirmd/v1\nname: thrifty\ncaps: {perDay: 3 OGPU}\nstrategy: first\neligible: 'true'\n";
  writeFileSync(join(cwd, "policies", "thrifty.yaml"), text);
  path = join(cwd, "data", "journal.sqlite");
  await openSqliteJournal({ path, chainId: 1071 }).close();
});

type Ran = { readonly code: number; readonly printed: string; readonly complained: string };

/** Holds the journal as a running daemon does, until the test is over. */
const holdJournal = () => {
  const daemon = openSqliteJournal({ path, chainId: 1071 });
  onTestFinished(() => daemon.close());
};

/** Runs a command line as `main` does; what it printed. */
const run = (...argv: readonly string[]): Promise<Ran> => runIn({}, ...argv);

const runIn = async (env: Context["env"], ...argv: readonly string[]): Promise<Ran> => {
  const [printed, complained]: [string[], string[]] = [[], []];
  const context: Context = {
    env,
    cwd,
    stdout: { write: (text) => printed.push(text) },
    stderr: { write: (text) => complained.push(text) },
    hide: () => undefined,
    isTTY: false,
    nodeVersion: "v24",
    onStopSignal: () => undefined,
  };
  const line = parseCommandLine([...argv, "--network", "mainnet"]);
  if (line.command === "help" || line.command === "version") throw new Error("no command");
  const code = await line.command.run(context, line);
  return { code, printed: printed.join(""), complained: complained.join("") };
};

/** Turns the line, clears the screen, and claims another one. */
const trick = "fine\u202e\u001b[2J\u009b2J\npaying is on\u2028";
const obeyed = /[^\P{C}\n\t]|[\u2028\u2029]/u;

describe("pause and resume", () => {
  it("keep a name and a reason as one line that no terminal obeys", async () => {
    const { printed } = await run("pause", "--why", trick, "--who", trick);
    expect(printed).toMatch(/^paying is paused, by fine \[2J 2J paying is on: nothing/);
    const journal = openSqliteJournal({ path, chainId: 1071 });
    expect(await journal.pause()).toMatchObject({ who: "fine [2J 2J paying is on", why: "fine [2J 2J paying is on" });
    await journal.close();
  });

  it("print what an older one kept as one line that no terminal obeys", async () => {
    const keep = async () => {
      const journal = openSqliteJournal({ path, chainId: 1071 });
      await journal.setPause({ by: "operator", who: trick, why: trick, at: 1 });
      await journal.close();
    };
    for (const words of [["limits"], ["pause", "--why", "again"], ["resume"]]) {
      await keep();
      const { printed, complained } = await run(...words);
      expect([words, printed]).toEqual([words, expect.stringContaining("fine [2J 2J paying is on")]);
      expect(printed + complained).not.toMatch(obeyed);
    }
  });

  it("say what they did, by whom, and what stood before", async () => {
    const where = `in the journal ${path}\n`;
    expect((await run("resume")).printed).toBe(`paying was not paused\n${where}`);
    expect((await run("pause", "--why", "audit", "--who", "alice")).printed).toBe(
      `paying is paused, by alice: nothing new is signed until "ogpu-confirmd resume"\n${where}`,
    );
    const again = (await run("pause", "--why", "lunch", "--who", "bob")).printed;
    expect(again).toMatch(/^paying was paused already, by alice since \d{4}-.*Z: audit\n/);
    expect(again).toContain(where);
    const resumed = (await run("resume", "--who", "bob")).printed;
    expect(resumed).toMatch(/^paying is resumed, by bob; alice had paused it at /);
    expect(resumed).toContain(where);
  });

  it("say that no daemon holds the journal, so that nobody takes it for another daemon's", async () => {
    const [paused, resumed] = [await run("pause", "--why", "audit"), await run("resume")];
    for (const { code, complained } of [paused, resumed]) {
      expect(code).toBe(0);
      expect(complained).toContain(`no daemon holds the journal ${path}: `);
      expect(complained).toContain("A daemon that runs with another journal is not touched");
    }
    // A look leaves nothing behind that would be another user's than the daemon's.
    rmSync(`${path}.lock`);
    await run("pause", "--why", "audit");
    expect(existsSync(`${path}.lock`)).toBe(false);
  });

  it("complain of nothing beside a daemon that holds the journal", async () => {
    holdJournal();
    expect(await run("pause", "--why", "audit")).toMatchObject({ code: 0, complained: "" });
    expect(await run("resume")).toMatchObject({ code: 0, complained: "" });
  });

  it("give programs the same as JSON", async () => {
    const asked = ["pause", "--why", "audit", "--who", "alice", "--json"];
    const pause = { who: "alice", why: "audit", since: expect.stringMatching(/^\d{4}-.*Z$/) };
    expect(JSON.parse((await run(...asked)).printed)).toEqual({ pause, isNew: true, journal: path, held: false });
    holdJournal();
    expect(JSON.parse((await run(...asked)).printed)).toEqual({ pause, isNew: false, journal: path, held: true });
    expect(JSON.parse((await run("resume", "--json")).printed)).toEqual({
      ended: pause,
      waiting: [],
      journal: path,
      held: true,
    });
    expect(JSON.parse((await run("resume", "--json")).printed)).toEqual({
      ended: null,
      waiting: [],
      journal: path,
      held: true,
    });
  });

  it("resume tells how much it lets go", async () => {
    await run("pause", "--why", "audit");
    expect((await run("resume")).printed).toContain("\nnothing that is approved waited for it\n");
    const journal = openSqliteJournal({ path, chainId: 1071 });
    await intend(journal, { task, response, payment: 1n });
    await intend(journal, { task: address(0x11), response: address(0x12), payment: 10n ** 18n });
    await journal.close();
    await run("pause", "--why", "audit");
    const { printed } = await run("resume");
    expect(printed).toContain(
      "\n2 approvals (1.000000000000000001 OGPU) waited, to be paid now as far as ceilings have room\n",
    );
    expect((await run("resume")).printed).toBe(`paying was not paused\nin the journal ${path}\n`);
    const { waiting } = JSON.parse((await run("resume", "--json")).printed);
    expect(waiting).toEqual([
      expect.objectContaining({ price: "0.000000000000000001 OGPU" }),
      expect.objectContaining({ price: "1 OGPU" }),
    ]);
  });

  it("take the user's name where nobody gives one", async () => {
    expect((await run("pause", "--why", "audit")).printed).toMatch(/^paying is paused, by \S/);
  });

  it.each([[["pause"]], [["pause", "--why", "  "]], [["pause", "--why", "\u202e\u200b"]]])(
    "%j is refused without a reason, and pauses nothing",
    async (argv) => {
      await expect(run(...argv)).rejects.toMatchObject({ code: "USAGE", message: expect.stringContaining("--why") });
      expect((await run("resume")).printed).toMatch(/^paying was not paused\n/);
    },
  );
});

describe("where the configuration is broken", () => {
  const own = () => join(cwd, "own", "journal.sqlite");
  const pauseWith = async (yaml: string): Promise<Ran> => {
    await openSqliteJournal({ path: own(), chainId: 1071 }).close();
    writeFileSync(join(cwd, "config.yaml"), yaml);
    return run("pause", "--why", "audit", "--config", "config.yaml");
  };

  it.each([
    [
      "a value",
      "journal: {path: own/journal.sqlite}\nsink: {maxPayment: lots}\nrcp: {}\n",
      "sink.maxPayment (config.yaml",
    ],
    ["the YAML", "journal:\n  path: own/journal.sqlite\nsink:\n\tmaxPayment: 1 OGPU\n", "YAML (config.yaml:4:1): "],
    ["keys together", "journal: {path: own/journal.sqlite}\nwatch: {own: false}\n", "watch.own (config.yaml:2:"],
  ])("pause goes by the journal's place alone where %s is, and tells", async (_, yaml, problem) => {
    const { code, printed, complained } = await pauseWith(yaml);
    expect(code).toBe(0);
    expect(printed).toContain(`in the journal ${own()}\n`);
    expect(complained).toContain("the configuration has ");
    expect(complained).toContain(problem);
    await expect(run("resume", "--config", "config.yaml")).rejects.toMatchObject({ code: "CONFIG_INVALID" });
    const journal = openSqliteJournal({ path: own(), chainId: 1071 });
    expect(await journal.pause()).toMatchObject({ why: "audit" });
    await journal.close();
  });

  it.each([
    ["journal.path", "journal: {path: 7}\n"],
    ["journal.file", "journal: {file: own/journal.sqlite}\n"],
    ["journal", "journal: own/journal.sqlite\n"],
    ["journal.url", "journal: {url: 'postgres://ogpu:secret@db/ogpu'}\n"],
    ["journal.path", "sink: {maxPayment: '1 OGPU}\njournal: {path: own/journal.sqlite}\n"],
    ["chain.id", "chain: {id: 7}\n"],
  ])("pause is refused where %s is what is wrong: it might be another journal", async (key, yaml) => {
    const message = expect.stringContaining(`\n  ${key} (`);
    await expect(pauseWith(yaml)).rejects.toMatchObject({ code: "CONFIG_INVALID", message });
  });

  it("pause takes the journal from systemd's state directory where broken YAML names none", async () => {
    writeFileSync(join(cwd, "config.yaml"), "sink: {");
    const { printed } = await runIn(
      { STATE_DIRECTORY: join(cwd, "data") },
      "pause",
      "--why",
      "audit",
      "--config",
      "config.yaml",
    );
    expect(printed).toContain(`in the journal ${path}\n`);
  });

  it("pause is refused where the file cannot be read: it may name another journal", async () => {
    await expect(run("pause", "--why", "audit", "--config", "none.yaml")).rejects.toMatchObject({
      code: "CONFIG_INVALID",
      message: expect.stringContaining("none.yaml"),
    });
  });
});

describe("where there is no journal", () => {
  it.each([[["pause", "--why", "audit"]], [["resume"]], [["limits"]], [["tasks"]]])(
    "%j says so, and makes none: paying would go on elsewhere",
    async (argv) => {
      const elsewhere = join(cwd, "elsewhere", "journal.sqlite");
      await expect(run(...argv, "--journal-path", elsewhere)).rejects.toMatchObject({
        code: "NO_JOURNAL",
        message: `there is no journal at ${elsewhere}`,
      });
      expect(existsSync(join(cwd, "elsewhere"))).toBe(false);
    },
  );
});

describe("limits", () => {
  it("shows every ceiling, the operator's and each policy's, before anything was paid", async () => {
    const { code, printed } = await run("limits", "--guardrails-per-hour", "2 OGPU", "--guardrails-per-day", "none");
    expect(code).toBe(0);
    expect(printed).toMatch(/^paying is on\n0 confirmations wait to be signed, 0 are in flight\n/);
    expect(printed).toMatch(
      /\nCEILING\tOF\tUSED\tLIMIT\tLEFT\tFREES FROM\nguardrails\.perHour\tall\t0 OGPU\t2 OGPU\t2 OGPU\t-\n/,
    );
    expect(printed).toMatch(/caps\.perDay of thrifty\tpolicy thrifty\t0 OGPU\t3 OGPU/);
    expect(printed).toMatch(/guardrails\.gasPerDay\tall\t0 OGPU\t1 OGPU/);
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
    expect(shown.journal).toBe(path);
    expect(shown.ceilings).toContainEqual({
      ...{ cap: "guardrails.perHour", of: "all", used: "0 OGPU", limit: "10 OGPU", left: "10 OGPU", freesAt: null },
    });
  });
});

it("takes --dry-run for --sink-dry-run", () => {
  expect(parseCommandLine(["run", "--dry-run"])).toMatchObject({ flags: { "sink-dry-run": true } });
  expect(parseCommandLine(["run", "--no-dry-run"])).toMatchObject({ flags: { "sink-dry-run": false } });
});
