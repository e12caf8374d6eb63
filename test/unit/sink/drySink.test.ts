import { Subject } from "rxjs";
import { expect, it } from "vitest";
import type { Head } from "../../../src/chain/chainPort.ts";
import type { Confirmation } from "../../../src/journal/journal.ts";
import { wei } from "../../../src/protocol/brand.ts";
import type { Report } from "../../../src/report.ts";
import { createDrySink } from "../../../src/sink/drySink.ts";
import { fakeChain, headAt } from "../../support/fakeChain.ts";
import { signerOfKey } from "../../support/sinkBench.ts";
import { createVirtualTime } from "../../support/virtualTime.ts";

const [rich, poor] = [signerOfKey("1"), signerOfKey("2")];

it("pays nothing, reads what the keys could pay for once a minute, and ends with what it is given", async () => {
  const time = createVirtualTime();
  const head$ = new Subject<Head>();
  let answers = true;
  const chain = fakeChain({
    head$,
    balance: async (account) => {
      if (!answers) throw new Error("the node is down");
      return wei(account === rich.address ? 37_500_000n : 0n);
    },
  });
  const reports: Report[] = [];
  const sink = createDrySink({ chain, signers: [rich, poor], clock: time.clock, report: (each) => reports.push(each) });
  const intents$ = new Subject<Confirmation>();
  const seen = { paid: 0, ended: false };
  sink.pay(intents$).subscribe({ next: () => seen.paid++, complete: () => (seen.ended = true) });
  const newHead = async (number: bigint) => {
    head$.next(headAt(number));
    await time.pass(100);
  };

  intents$.next({} as Confirmation);
  await newHead(1n);
  await newHead(2n);
  expect(reports).toEqual([
    { type: "funds", signer: rich.address, balance: 37_500_000n, confirmations: 10 },
    { type: "funds", signer: poor.address, balance: 0n, confirmations: 0 },
  ]);
  answers = false;
  await time.pass(60_000);
  await newHead(3n);
  expect(reports.slice(2)).toEqual([expect.objectContaining({ type: "retry", what: "reading the balance" })]);
  answers = true;
  await time.pass(60_000);
  await newHead(4n);
  expect(reports.slice(3).map(({ type }) => type)).toEqual(["funds", "funds"]);
  expect(seen).toEqual({ paid: 0, ended: false });
  intents$.complete();
  expect(seen).toEqual({ paid: 0, ended: true });
  expect(head$.observed).toBe(false);
});
