import { describe, expect, it } from "vitest";
import { createPaymentStandings } from "../../../src/chain/paymentStandings.ts";
import { RetryableError } from "../../../src/errors.ts";
import { responseAbi, taskAbi } from "../../../src/protocol/abi.ts";
import type { ResponseAddress, TaskAddress } from "../../../src/protocol/brand.ts";
import { ResponseStatus, TaskStatus } from "../../../src/protocol/statuses.ts";
import { address, aResponse, response, task } from "../../support/fakeChain.ts";
import { missing, type View, viewsNode, wireBlock } from "../../support/viewsNode.ts";

const unknown = { task: address<TaskAddress>(0x98), response: address<ResponseAddress>(0x99) };
const { provider, data, payment } = aResponse();
const views: readonly View[] = [
  [task, taskAbi, "getStatus", TaskStatus.CANCELED],
  [task, taskAbi, "getExpiryTime", 5_000n],
  [response, responseAbi, "getResponseParams", { task, provider, data, payment }],
  [response, responseAbi, "getStatus", ResponseStatus.SUBMITTED],
];
const standingsOn = (block: object | null) => createPaymentStandings(viewsNode(views, block), () => 0, missing);

describe("what decides whether confirmations can be paid", () => {
  it("is read of each of them in that block, in their order; what the block does not have is missing", async () => {
    const asked = [unknown, { task, response }, { ...unknown, task }];
    const { block, standings } = await standingsOn(wireBlock)(asked, 100n);
    expect(block).toMatchObject({ number: 100n, timestamp: 1_000 });
    const standing = { task, provider, data, payment, status: ResponseStatus.SUBMITTED };
    expect(standings).toEqual([
      { taskStatus: undefined, expiresAt: undefined, response: undefined },
      { taskStatus: TaskStatus.CANCELED, expiresAt: 5_000, response: standing },
      { taskStatus: TaskStatus.CANCELED, expiresAt: 5_000, response: undefined },
    ]);
  });

  it("is not told by a node that does not have the block", async () => {
    await expect(standingsOn(null)([{ task, response }], 100n)).rejects.toBeInstanceOf(RetryableError);
  });
});
