import { describe, expect, it } from "vitest";
import { parseCommandLine } from "../../../src/cli/commandLine.ts";
import { commandOptions } from "../../../src/cli/commandOptions.ts";
import { commands } from "../../../src/cli/commands.ts";
import { commandHelp, helpText } from "../../../src/cli/helpText.ts";
import { configFlags } from "../../../src/config/textLayers.ts";

describe("the command line", () => {
  it("tells options of a command from keys of the configuration, and arguments from both", () => {
    const line = parseCommandLine(["held", "approve", "17", "--why", "right", "--journal-path", "x", "-c", "y.yaml"]);
    expect(line).toMatchObject({
      command: { name: "held" },
      args: ["approve", "17"],
      options: { why: "right" },
      flags: { "journal-path": "x" },
      file: "y.yaml",
    });
  });

  it.each([["check", "0x"], ["confirm", "0xA", "0x"], ["0x"], ["check", "--0x"], ["held", "0x"]])(
    "repeats no private key after %s %s %s",
    (...words) => {
      const key = "1914f327e9e5c6fc442e3dade3221e632d9b6db1d10c979113002dc562852e9a";
      const said = () => parseCommandLine(words.with(-1, `${words.at(-1)}${key}`));
      expect(said).toThrow(expect.objectContaining({ code: "USAGE" }));
      expect(said).not.toThrow(new RegExp(key.slice(0, 12)));
    },
  );

  it.each([
    [["helt"], 'there is no command "helt"; did you mean "held"?'],
    [
      ["held", "aprove"],
      'there is no "held aprove"; did you mean "approve"? (known are list, approve, reject, expire)',
    ],
    [["held", "nonsense"], 'there is no "held nonsense" (known are list, approve, reject, expire)'],
    [["run", "--json"], '"run" has no option --json'],
    [["check", "this"], '"check" takes no arguments, but got "this"'],
    [["confirm", "0xA", "0xB", "--yes"], '"confirm" takes one argument, but got "0xB" as well'],
    [["cancel", "0xA", "0xB", "0xC"], '"cancel" takes one argument, but got "0xB 0xC" as well'],
    [["nonce", "fix", "0xA", "--yes"], '"nonce fix" takes no arguments, but got "0xA"'],
    [["nonce", "info", "0xA", "0xB"], '"nonce info" takes one argument, but got "0xB" as well'],
    [["agent", "set", "0xA", "0xB"], '"agent set" takes one argument, but got "0xB" as well'],
    [["agent", "show", "0xA", "0xB", "0xC"], '"agent show" takes 2 arguments at the most, but got "0xC" as well'],
    [["publish", "source", "mine", "--yes"], '"publish source" takes no arguments, but got "mine"'],
    [["journal", "prune", "90d", "--yes"], '"journal prune" takes no arguments, but got "90d"'],
    [["held", "list", "17"], '"held list" takes no arguments, but got "17"'],
    [["run", "--bogus"], "Unknown option '--bogus'"],
    [["check", "--confg", "x"], "Unknown option '--confg'; did you mean --config?"],
    [["run", "--sink-max-paymnt", "1 OGPU"], "Unknown option '--sink-max-paymnt'; did you mean --sink-max-payment?"],
    [["run", "--dryrun"], "Unknown option '--dryrun'; did you mean --dry-run?"],
    [["pause", "--why", "--who", "ada"], /^[^\n]*'--why' argument is ambiguous[^\n]*$/],
    [["publish", "task", "0xA", "--max-expiry", "2h"], '"publish task" has no option --max-expiry'],
    [["publish", "task", "0xA", "--client", "0xB"], '"publish task" has no option --client'],
    [["publish", "source", "--name", "x", "--expires", "2h"], '"publish source" has no option --expires'],
    [["journal", "verify", "--since", "2030-01-01"], '"journal verify" has no option --since'],
    [["journal", "export", "--older-than", "90d"], '"journal export" has no option --older-than'],
    [["policy", "list", "--html", "x.html"], '"policy list" has no option --html'],
    [["policy", "backtest", "--decision", "1"], '"policy backtest" has no option --decision'],
    [["held", "--why", "x"], '"held" has no option --why'],
    [["held", "list", "--why", "x"], '"held list" has no option --why'],
    [["withdraw", "--all", "--why", "x", "--yes", "--dry-run"], '"withdraw" has no dry run: nothing was done'],
    [["journal", "prune", "--older-than", "90d", "--sink-dry-run"], '"journal" has no dry run'],
    [["held", "approve", "17", "--why", "x", "--dry-run"], '"held" has no dry run'],
    [["resume", "--dry-run"], '"resume" has no dry run'],
    [["help", "rum"], 'there is no command "rum"; did you mean "run"?'],
    [["help", "run", "held"], '"help" takes one argument, but got "held" as well'],
    [["help", "held", "aprove"], 'there is no "held aprove"; did you mean "approve"?'],
    [["help", "held", "approve", "17"], '"help" takes 2 arguments at the most, but got "17" as well'],
  ])("refuses %j, and says why", (argv, message) => {
    expect(() => parseCommandLine(argv)).toThrow(message);
  });

  it("refuses a wrong line as a usage error", () => {
    const parse = () => parseCommandLine(["confirm", "0xA", "0xB", "--yes"]);
    expect(parse).toThrow(expect.objectContaining({ code: "USAGE", exitCode: 78 }));
  });

  it.each([
    [["held", "approve", "17", "18", "19", "--why", "right"], 4],
    [["withdraw", "0xA", "0xB", "--why", "wrong"], 2],
    [["agent", "show", "0xA", "0xB"], 3],
    [["nonce", "info", "0xA"], 2],
    [["publish", "task", "0xA", "--expires", "2h", "--payment", "1 OGPU", "--url", "ipfs://x"], 2],
    [["publish", "source", "--name", "x", "--max-expiry", "2h", "--min-payment", "1 OGPU", "--cpu", "u"], 1],
    [["policy", "backtest", "p", "--from", "1", "--to", "2", "--html", "f"], 2],
    [["journal", "export", "--since", "2030-01-01", "--json"], 1],
  ])("takes every argument of %j", (argv, count) => {
    expect(parseCommandLine(argv)).toHaveProperty("args.length", count);
  });

  it.each([
    [[], undefined],
    [["--help"], undefined],
    [["help"], undefined],
    [["help", "held"], "held"],
    [["help", "held", "approve"], "held"],
    [["held", "--help"], "held"],
    [["held", "approve", "-h"], "held"],
  ])("takes %j for a question", (argv, name) => {
    expect(parseCommandLine(argv)).toMatchObject({ command: "help", ...(name && { of: { name } }) });
  });

  it("gives no option the name of a key of the configuration", () => {
    expect(Object.keys(commandOptions).filter((name) => name in configFlags())).toEqual([]);
  });
});

const takenAlone = commands.flatMap((command) =>
  Object.entries(command.actionOptions ?? {}).map(([action, own]) => ({ ...command, action, own })),
);

it.each(takenAlone)("$name $action has in its usage what some actions alone take", (each) => {
  const { action, own, actions, options, usage } = each;
  expect(Object.keys(actions ?? {})).toContain(action);
  const lines = usage.filter((line) => line.split(" ")[1]?.split("|").includes(action)).join("\n");
  expect(own.filter((option) => !lines.includes(`--${option}`))).toEqual([]);
  expect(options).toEqual(expect.arrayContaining([...own]));
});

describe("help", () => {
  it.each(commands.map((command) => [command.name, command] as const))("teaches %s by example", (name, command) => {
    expect(helpText()).toContain(`  ${name} `);
    for (const line of command.usage) expect(line.split(" ")[0]).toBe(name);
    for (const [, line] of command.examples) expect(commandHelp(command)).toContain(`  ogpu-confirmd ${line}`);
    expect(command.examples.length).toBeGreaterThan(0);
  });

  it.each(commands.flatMap(({ examples }) => examples.map(([, line]) => [line])))(
    "shows a line that can be read: %s",
    (line) => {
      const words = line.match(/"[^"]*"|\S+/g) ?? [];
      const end = words.findIndex((word) => word === ">" || word === "|");
      expect(parseCommandLine(words.slice(0, end < 0 ? undefined : end))).toHaveProperty("command.name");
    },
  );

  it("is coloured on a terminal alone", () => {
    expect(helpText(true)).toContain("\u001b[1mUsage:\u001b[22m");
    expect(helpText()).not.toContain("\u001b");
  });
});
