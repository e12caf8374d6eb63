import { expect, it } from "vitest";
import type { Confirmation } from "../../../src/journal/journal.ts";
import { createLane } from "../../../src/sink/lane.ts";

it("is empty for good once somebody else goes on with what was in it, also for a send that was under way", () => {
  const lane = createLane();
  const confirmation = { id: 1, state: "signed", attempts: [], mined: undefined } as unknown as Confirmation;
  lane.keep(confirmation, { sentAt: 0 });
  expect(lane.unmined()).toBe(1);
  lane.close();
  lane.keepAll([confirmation], { sentAt: 1 });
  expect([lane.unmined(), lane.inFlight()]).toEqual([0, []]);
});
