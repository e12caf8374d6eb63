import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { ConfigError } from "../../../src/errors.ts";
import { type ReadKeyOptions, readPrivateKey } from "../../../src/signer/readPrivateKey.ts";

const digits = (letter: string) => letter.repeat(64);
const key = (letter: string) => `0x${digits(letter)}`;
const missing = () => Object.assign(new Error("no such file"), { code: "ENOENT" });

type Given = {
  readonly keyFile?: string;
  readonly role?: "agent" | "client";
  readonly env?: ReadKeyOptions["env"];
  readonly files?: Readonly<Record<string, string>>;
  readonly mode?: number;
  readonly cwd?: string;
};

const read = ({ keyFile, role = "agent", env = {}, files = {}, mode = 0o100600, cwd }: Given) =>
  readPrivateKey({
    config: { signer: { keyFile, role } },
    env,
    cwd,
    fileMode: () => mode,
    readFile: (path) => {
      const text = files[path];
      if (text === undefined) throw missing();
      return text;
    },
  });

describe("readPrivateKey", () => {
  const env = { AGENT_PRIVATE_KEY: key("c"), CLIENT_PRIVATE_KEY: digits("d"), CREDENTIALS_DIRECTORY: "/run/c" };
  const files = { "/key": `${digits("A")}\n`, "/run/c/agent-key": key("b"), "/run/c/client-key": key("e") };

  it.each<[string, Given, string, string]>([
    ["the key file before all", { keyFile: "/key", env, files }, "a", "/key"],
    ["systemd's credential before the environment", { env, files }, "b", "/run/c/agent-key"],
    ["the client's credential for that role", { env, files, role: "client" }, "e", "/run/c/client-key"],
    ["the agent's variable", { env }, "c", "environment AGENT_PRIVATE_KEY"],
    ["the client's variable for that role", { env, role: "client" }, "d", "environment CLIENT_PRIVATE_KEY"],
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
    expect(found).toMatchObject({ from, warnings: [] });
    expect(found?.privateKey).toBe(letter === "f" ? `0x0${digits("f").slice(1)}` : key(letter));
  });

  it("answers nothing where there is no key", () => {
    expect(read({})).toBeUndefined();
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
    expect(read(given)?.warnings).toEqual(["the key file /key is open to other users (mode 644): chmod 600 /key"]);
  });

  it("reads real files and their modes", () => {
    const folder = mkdtempSync(join(tmpdir(), "key-"));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const keyFile = join(folder, "key");
    writeFileSync(keyFile, digits("a"));
    chmodSync(keyFile, 0o640);
    const found = readPrivateKey({ config: { signer: { keyFile, role: "agent" } }, env: {} });
    expect(found).toMatchObject({ privateKey: key("a"), warnings: [expect.stringContaining("mode 640")] });
  });
});
