import { chmodSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { ConfigError } from "../../../src/errors.ts";
import { type ReadKeysOptions, readKeys } from "../../../src/signer/readKeys.ts";
import { temporaryFolder } from "../../support/temporaryFolder.ts";
import { lock } from "./lockKeystore.ts";

const digits = (letter: string) => letter.repeat(64);
const key = (letter: string) => `0x${digits(letter)}`;
const missing = () => Object.assign(new Error("no such file"), { code: "ENOENT" });

type Given = {
  readonly keyFile?: string;
  readonly keys?: readonly string[];
  readonly passwordFile?: string;
  readonly role?: "agent" | "client";
  /** Somebody wrote the role. */
  readonly isGiven?: boolean;
  readonly env?: ReadKeysOptions["env"];
  readonly files?: Readonly<Record<string, string>>;
  readonly mode?: number;
  readonly cwd?: string;
};

const read = ({ keyFile, keys = [], passwordFile, role = "agent", env = {}, files = {}, ...rest }: Given) =>
  readKeys({
    config: { signer: { keyFile, keys, passwordFile, role } },
    origins: new Map(rest.isGiven ? [["signer.role", "--signer-role"]] : []),
    env,
    cwd: rest.cwd,
    fileStat: () => ({ mode: rest.mode ?? 0o100600, uid: 1000 }),
    readFile: (path) => {
      const text = files[path];
      if (text === undefined) throw missing();
      return text;
    },
  });

describe("readKeys", () => {
  const env = { AGENT_PRIVATE_KEY: key("c"), CLIENT_PRIVATE_KEY: digits("d"), CREDENTIALS_DIRECTORY: "/run/c" };
  const only = (name: string) => ({ [`/run/c/${name}`]: key("b") });
  const asClient = (files: Given["files"]): Given => ({ env, ...(files && { files }), role: "client", isGiven: true });
  const files = { "/key": `${digits("A")}\n`, "/run/c/agent-key": key("b"), "/run/c/client-key": key("e") };

  it.each<[string, Given, string, string]>([
    ["the key file before all", { keyFile: "/key", env, files }, "a", "/key"],
    ["systemd's credential before the environment", { env, files }, "b", "/run/c/agent-key"],
    ["the client's credential for that role", { env, files, role: "client" }, "e", "/run/c/client-key"],
    ["the agent's variable", { env }, "c", "environment AGENT_PRIVATE_KEY"],
    ["the client's variable for that role", { env, role: "client" }, "d", "environment CLIENT_PRIVATE_KEY"],
    [
      "the variable of its role before the other one's credential",
      { env, files: only("client-key") },
      "c",
      "environment AGENT_PRIVATE_KEY",
    ],
    [
      "the client's variable before the agent's credential",
      asClient(only("agent-key")),
      "d",
      "environment CLIENT_PRIVATE_KEY",
    ],
    [
      "the other variable where it is the only one",
      { env: { CLIENT_PRIVATE_KEY: key("d"), AGENT_PRIVATE_KEY: "" } },
      "d",
      "environment CLIENT_PRIVATE_KEY",
    ],
    [
      "a variable of .env",
      { cwd: "/srv", files: { "/srv/.env": `AGENT_PRIVATE_KEY=${key("f").replace("ff", "0f")}` } },
      "f",
      "environment AGENT_PRIVATE_KEY",
    ],
  ])("takes %s", (_, given, letter, from) => {
    const found = read(given);
    const privateKey = letter === "f" ? `0x0${digits("f").slice(1)}` : key(letter);
    expect(found).toEqual({ keys: [{ privateKey, from }], secrets: [], warnings: [] });
  });

  it.each<[string, Given, string]>([
    ["variable", { role: "client", env: { AGENT_PRIVATE_KEY: key("c") } }, "environment AGENT_PRIVATE_KEY"],
    ["credential", { role: "client", env: { CREDENTIALS_DIRECTORY: "/run/c" } }, "/run/c/agent-key"],
    ["variable, asked for the agent's", { env: { CLIENT_PRIVATE_KEY: key("d") } }, "environment CLIENT_PRIVATE_KEY"],
  ])("takes no other role's key where somebody wrote which one: a %s", (_, given, from) => {
    const files = only("agent-key");
    const { role = "agent" } = given;
    expect(() => read({ ...given, files, isGiven: true })).toThrow(
      expect.objectContaining({
        code: "KEY_MISSING",
        message: `signer.role is ${role} (--signer-role), but only the ${role === "agent" ? "client" : "agent"}'s key is given (${from})`,
      }),
    );
    expect(read({ ...given, files }).keys).toHaveLength(1);
  });

  it("answers nothing where there is no key", () => {
    expect(read({})).toEqual({ keys: [], secrets: [], warnings: [] });
  });

  it.each([
    ["too short", key("a").slice(0, -1)],
    ["too long", `${key("a")}a`],
    ["not hex", key("g")],
    ["empty", ""],
    ["zero", key("0")],
    ["beyond the curve's order", key("f")],
    ["two keys", `${key("a")}\n${key("b")}`],
  ])("refuses a key that is %s, without printing it", (_, text) => {
    let caught: unknown;
    try {
      read({ keyFile: "/key", files: { "/key": text } });
    } catch (error) {
      caught = error;
    }
    expect(caught).toBeInstanceOf(ConfigError);
    expect(caught).toMatchObject({ code: "KEY_INVALID" });
    expect(caught).not.toHaveProperty("cause");
    expect(`${(caught as Error).stack} ${(caught as ConfigError).remedy}`).not.toMatch(/([0-9a-g])\1{5}/);
  });

  it("says so when the key file is not there, instead of trying another key", () => {
    expect(() => read({ keyFile: "/none", env })).toThrow(
      expect.objectContaining({ code: "KEY_UNREADABLE", message: "the key file /none does not exist" }),
    );
  });

  it("warns when others may read the key file", () => {
    const given = { keyFile: "/key", files, mode: 0o100644 };
    expect(read(given).warnings).toEqual(["the key file /key is open to other users (mode 644): chmod 600 /key"]);
  });

  it("reads real files and their modes", () => {
    const folder = temporaryFolder("key-");
    const keyFile = join(folder, "key");
    writeFileSync(keyFile, digits("a"));
    chmodSync(keyFile, 0o644);
    const signer = { keyFile, keys: [], passwordFile: undefined, role: "agent" } as const;
    const found = readKeys({ config: { signer }, origins: new Map(), env: {} });
    expect(found.keys).toEqual([{ privateKey: key("a"), from: keyFile }]);
    expect(found.warnings).toEqual([expect.stringContaining("mode 644")]);
  });

  it("takes several files, bare keys and keystores with one password, in their order", () => {
    const found = read({
      keyFile: "/1",
      keys: ["/2", "/3"],
      passwordFile: "/password",
      files: { "/1": digits("a"), "/2": lock(key("b"), "pass word"), "/3": key("c"), "/password": "pass word\n" },
    });
    expect(found.keys.map(({ privateKey, from }) => [from, privateKey])).toEqual([
      ["/1", key("a")],
      ["/2", key("b")],
      ["/3", key("c")],
    ]);
    expect(found.secrets).toEqual(["pass word"]);
  });

  it("passes over the mark that some editors put before UTF-8, in keys, keystores and their password", () => {
    const texts = { "/1": digits("a"), "/2": lock(key("b"), "pass word"), "/password": "pass word\r\n" };
    const files = Object.fromEntries(Object.entries(texts).map(([path, text]) => [path, `\uFEFF${text}`]));
    const { keys } = read({ keyFile: "/1", keys: ["/2"], passwordFile: "/password", files });
    expect(keys.map(({ privateKey }) => privateKey)).toEqual([key("a"), key("b")]);
  });

  it("opens a keystore among systemd's credentials with the password beside it", () => {
    const given = { "/run/c/agent-key": lock(key("b"), "p\n"), "/run/c/keystore-password": "p\n\n" };
    expect(read({ env, files: given }).keys).toEqual([{ privateKey: key("b"), from: "/run/c/agent-key" }]);
  });

  it.each<[string, Given, string]>([
    ["no password is given", { keyFile: "/k" }, "there is no password for the keystore /k"],
    ["the password's file is not there", { keyFile: "/k", passwordFile: "/p" }, "the password file /p does not exist"],
  ])("says so when %s", (_, given, message) => {
    expect(() => read({ ...given, files: { "/k": lock(key("b"), "p") } })).toThrow(message);
  });

  it("refuses the same key twice", () => {
    expect(() => read({ keys: ["/1", "/2"], files: { "/1": key("a"), "/2": digits("a") } })).toThrow(
      "/1 and /2 hold the same key",
    );
  });
});
