import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { openSqliteJournal } from "../../src/journal/sqliteJournal.ts";
import { judgeTask } from "../../src/judgeTask.ts";
import { createPayload } from "../../src/payload/createPayload.ts";
import { heapOf } from "../../src/payload/heapOf.ts";
import { loadPolicies } from "../../src/policy/loadPolicies.ts";
import { type ResponseAddress, unixSeconds, wei } from "../../src/protocol/brand.ts";
import { address, aResponse, aSnapshot, fakeChain, headAt, source, task } from "../support/fakeChain.ts";
import { createArena, optionsFor } from "./payload/support/arena.ts";
import { folderOf } from "./policy/support.ts";

const maxBytes = 10_240;

test("large documents that came first and are dear do not keep the cheapest from being compared", async () => {
  const directory = mkdtempSync(join(tmpdir(), "large-"));
  const journal = openSqliteJournal({ path: join(directory, "journal.sqlite"), chainId: 1071 });
  onTestFinished(async () => {
    await journal.close();
    rmSync(directory, { recursive: true });
  });
  const arena = createArena();
  const host = await arena.reply(JSON.stringify("x".repeat(maxBytes - 2)));
  const output = `output: { maxBytes: ${maxBytes}B, timeout: 400ms }`;
  const policies = loadPolicies(
    folderOf({
      "a.yaml": `apiVersion: ogpu-confirmd/v1\nname: a\nmode: enforce\nstrategy: cheapest\neligible: output.valid\n${output}`,
    }),
  );
  const payload = createPayload({ ...optionsFor(arena), memory: 3 * heapOf(maxBytes) });
  const responses = [90n, 80n, 70n, 60n, 20n].map((price, nth) =>
    aResponse({
      ...{ address: address<ResponseAddress>(0x30 + nth), data: `http://${host}/${nth}` },
      ...{ payment: wei(price), submittedAt: unixSeconds(1_000 + nth) },
    }),
  );
  const seen = responses.map((each) => ({ response: each.address, task }));
  await journal.intake({ tasks: [{ task, source }], responses: seen, touched: [] });
  const look = (second: number) =>
    judgeTask(
      {
        chain: fakeChain({
          snapshot: async () => aSnapshot({ block: headAt(100n, { timestamp: unixSeconds(second) }), responses }),
        }),
        ...{ journal, payload, policies, isWatched: async () => true },
        clock: { now: () => second * 1_000, scheduler: undefined as never },
        report: () => undefined,
      },
      { maxPayment: wei(1_000n), dryRun: false },
      task,
    );
  let now = 1_120;
  for (let looks = 0; looks < 10; looks++) {
    const { intent, againInMs = 0 } = await look(now);
    if (intent) {
      expect(intent.payment).toBe(20n);
      return;
    }
    now += againInMs / 1_000;
  }
  expect.unreachable("nobody is paid");
});
