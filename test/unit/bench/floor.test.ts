import { expect, it } from "vitest";
import { judgeFloor } from "../../../bench/latency/floor.ts";

it("says that a goal is out of reach where the required steps alone take longer", () => {
  expect(judgeFloor(3.1, 1, 3)).toMatchObject({
    reachable: false,
    says: expect.stringMatching(/take 3\.10 ms, 3\.1 times the limit: 3 times cannot be reached/),
  });
});

it("says what is left for the daemon's own work where they take as long at the most", () => {
  expect(judgeFloor(2.5, 1, 3)).toMatchObject({
    reachable: true,
    says: expect.stringMatching(/take 2\.50 ms, 2\.5 times the limit: 3 times leaves 0\.50 ms/),
  });
  expect(judgeFloor(3, 1, 3).reachable).toBe(true);
});
