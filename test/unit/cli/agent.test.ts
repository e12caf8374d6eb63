import { expect, it } from "vitest";
import { cli } from "../../support/cli.ts";
import { signerOfKey } from "../../support/sinkBench.ts";

const { address } = signerOfKey("1");
/** With the key of the agent itself, as the daemon's configuration names it, and an endpoint that nobody asks. */
const asAgent = (...words: readonly string[]) =>
  cli([...words, "--network", "devnet", "--rpc-http", "http://127.0.0.1:1"], {
    env: { AGENT_PRIVATE_KEY: `0x${"1".repeat(64)}` },
  });

it.each(["set", "revoke"])("an agent's own key is not taken for the client's: %s", async (action) => {
  const { code, out, err } = await asAgent("agent", action, address, "--yes");
  expect([code, out, err]).toEqual([
    78,
    "",
    expect.stringMatching(
      /^error ADDRESS_INVALID: .* is the key that signs.* — .*client's key: --signer-key-file FILE$/m,
    ),
  ]);
});

it("is not told whether it may act for itself: the client has to be named", async () => {
  expect(await asAgent("agent", "show", address)).toMatchObject({
    ...{ code: 78, out: "" },
    err: expect.stringMatching(/^error USAGE: the client's address is missing/),
  });
});
