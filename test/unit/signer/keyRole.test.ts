import { describe, expect, it } from "vitest";
import { loadConfig } from "../../../src/config/loadConfig.ts";
import { requireMeantKey } from "../../../src/signer/keyRole.ts";

const remote = {
  OGPU_SIGNER_REMOTE_URL: "https://signer.example",
  OGPU_SIGNER_REMOTE_ADDRESSES: `0x${"1".repeat(40)}`,
};
const file = { OGPU_SIGNER_KEY_FILE: "/agent-key" };

const require = (env: Readonly<Record<string, string>>, flags: Readonly<Record<string, string>>) => {
  const { config, origins } = loadConfig({ flags: { network: "devnet", ...flags }, env, cwd: "/" });
  requireMeantKey(config.signer, origins);
};

describe("requireMeantKey", () => {
  it.each([
    [
      "a role beside a file",
      file,
      { "signer-role": "client" },
      /--signer-role asks for the client's key, but signer\.keyFile \(environment OGPU_SIGNER_KEY_FILE\)/,
    ],
    ["a role beside a list of files", { OGPU_SIGNER_KEYS: "/a,/b" }, { "signer-role": "agent" }, /but signer\.keys \(/],
    ["a role beside a remote signer", remote, { "signer-role": "client" }, /but signer\.remoteUrl \(/],
    [
      "a file beside a remote signer",
      remote,
      { "signer-key-file": "/k" },
      /^--signer-key-file is given, but signer\.remoteUrl \(/,
    ],
  ])("refuses %s that the configuration names", (_, env, flags, message) => {
    expect(() => require(env, flags)).toThrow(
      expect.objectContaining({ code: "KEY_MISSING", message: expect.stringMatching(message) }),
    );
  });

  it.each([
    ["a file in the place of the configuration's", file, { "signer-key-file": "/client-key" }],
    ["a file, and whose it is", file, { "signer-key-file": "/client-key", "signer-role": "client" }],
    ["a role where no key is named", {}, { "signer-role": "client" }],
    ["what the configuration says in one place", { ...file, OGPU_SIGNER_ROLE: "client" }, {}],
    ["a container's file beside a remote signer", { ...file, ...remote }, {}],
  ])("takes %s", (_, env, flags) => {
    expect(() => require(env, flags)).not.toThrow();
  });
});
