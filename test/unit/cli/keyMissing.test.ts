import { expect, it } from "vitest";
import { cli } from "../../support/cli.ts";

const set = (...words: readonly string[]) =>
  cli(["agent", "set", `0x${"1".repeat(40)}`, "--network", "devnet", "--rpc-http", "http://127.0.0.1:1", ...words]);

it("asks for the client's key alone where that is the one that is meant: no other would sign", async () => {
  const { code, err } = await set("--signer-role", "client");
  expect([code, err]).toEqual([
    78,
    expect.stringMatching(/^error KEY_MISSING: .* — set CLIENT_PRIVATE_KEY, or .*FILE$/m),
  ]);
  expect(err).not.toContain("AGENT_PRIVATE_KEY");
});

it("asks for either key where none is meant", async () => {
  expect((await set()).err).toMatch(/^error KEY_MISSING: .*CLIENT_PRIVATE_KEY or AGENT_PRIVATE_KEY/);
});
