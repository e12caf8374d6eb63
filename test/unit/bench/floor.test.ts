import { expect, it } from "vitest";
import { judgeFloor } from "../../../bench/latency/floor.ts";

it("says that a goal is out of reach where the required steps alone take longer", () => {
  expect(judgeFloor(3.1, 1, 3)).toMatchObject({
    reachable: false,
    says: expect.stringMatching(/take 3\.10 ms, 3\.1 times the limit: 3 times cannot be reached/),
  });
});

it("says that a goal can be reached where they take as long at the most", () => {
  expect(judgeFloor(3, 1, 3)).toMatchObject({ reachable: true, says: expect.stringMatching(/3 times can be reached/) });
});
