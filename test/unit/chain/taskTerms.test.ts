import { describe, expect, it } from "vitest";
import { createTaskTerms } from "../../../src/chain/taskTerms.ts";
import { RetryableError } from "../../../src/errors.ts";
import { taskAbi } from "../../../src/protocol/abi.ts";
import type { TaskAddress } from "../../../src/protocol/brand.ts";
import { DeliveryMethod, TaskStatus } from "../../../src/protocol/statuses.ts";
import { address, task } from "../../support/fakeChain.ts";
import { missing, type View, viewsNode, wireBlock } from "../../support/viewsNode.ts";

const unknown = address<TaskAddress>(0x99);
const truth = {
  getSource: "0xABcdEFABcdEFabcdEfAbCdefabcdeFABcDEFabCD",
  getStatus: TaskStatus.CANCELED,
  getExpiryTime: 5_000n,
  getDeliveryMethod: DeliveryMethod.FIRST_RESPONSE,
} as const;
const views = Object.entries(truth).map(([name, result]): View => [task, taskAbi, name, result]);
const termsOn = (block: object | null) => createTaskTerms(viewsNode(views, block), () => 0, missing);

describe("what decides whether tasks are over", () => {
  it("is read of each of them in that block, in their order; a task that the node does not have is left open", async () => {
    const { block, terms } = await termsOn(wireBlock)([unknown, task], 100n);
    expect(block).toMatchObject({ number: 100n, timestamp: 1_000 });
    expect(terms).toEqual([
      undefined,
      {
        source: truth.getSource.toLowerCase(),
        status: TaskStatus.CANCELED,
        expiryTime: 5_000,
        deliveryMethod: DeliveryMethod.FIRST_RESPONSE,
      },
    ]);
  });

  it("is not told by a node that does not have the block", async () => {
    await expect(termsOn(null)([task], 100n)).rejects.toBeInstanceOf(RetryableError);
  });
});
