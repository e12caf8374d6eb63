import { describe, expect, it } from "vitest";
import { createCourses } from "../../../src/sink/courses.ts";

const room = (key: string, inFlight = 0, most = 100) => ({ key, inFlight, room: most - inFlight });
const tick = () => new Promise((resolve) => setImmediate(resolve));

describe("the courses of batches", () => {
  it("sign one after the other, in the order in which they began, whatever became of the one before", async () => {
    const courses = createCourses<string>();
    const [first, second, third] = [1, 2, 3].map(() => courses.begin("a", 1));
    const gate = Promise.withResolvers<void>();
    const deeds: string[] = [];
    const one = first?.sign(async () => {
      await gate.promise;
      deeds.push("first");
      throw new Error("broken");
    });
    const rest = [second?.sign(async () => deeds.push("second")), third?.sign(async () => deeds.push("third"))];
    await tick();
    expect(deeds).toEqual([]);
    gate.resolve();
    await expect(one).rejects.toThrow("broken");
    await Promise.all(rest);
    expect(deeds).toEqual(["first", "second", "third"]);
  });

  it("are read two at a time, whatever becomes of a read", async () => {
    const courses = createCourses<string>();
    const gates = [1, 2, 3, 4].map(() => Promise.withResolvers<void>());
    const begun: number[] = [];
    const reads = gates.map((gate, index) =>
      courses.begin("a", 1).read(() => {
        begun.push(index);
        return gate.promise;
      }),
    );
    await tick();
    expect(begun).toEqual([0, 1]);
    gates[0]?.reject(new Error("no answer"));
    await expect(reads[0]).rejects.toThrow("no answer");
    await tick();
    expect(begun).toEqual([0, 1, 2]);
    gates[1]?.resolve();
    await tick();
    expect(begun).toEqual([0, 1, 2, 3]);
  });

  it("of one key do not wait for another's", async () => {
    const courses = createCourses<string>();
    void courses.begin("slow", 1).sign(() => new Promise(() => undefined));
    expect(await courses.begin("quick", 1).sign(async () => "signed")).toBe("signed");
  });

  it("let the next one sign while one is sent, and never send two at once", async () => {
    const courses = createCourses<string>();
    const [first, second] = [courses.begin("a", 1), courses.begin("a", 1)];
    const gate = Promise.withResolvers<string>();
    const sent = first.send(() => gate.promise);
    expect(await second.sign(async () => "signed")).toBe("signed");
    let isSecondSent = false;
    const next = second.send(async () => {
      isSecondSent = true;
    });
    await tick();
    expect(isSecondSent).toBe(false);
    gate.resolve("sent");
    await Promise.all([sent, next]);
    expect(isSecondSent).toBe(true);
  });

  it("send what comes after one that could not be sent, and say so whenever one has ended", async () => {
    const courses = createCourses<string>();
    const [broken, next] = [courses.begin("a", 1), courses.begin("a", 1)];
    const moves: string[] = [];
    courses.moved$.subscribe(() => void moves.push("moved"));
    await expect(broken.send(() => Promise.reject(new Error("no answer")))).rejects.toThrow("no answer");
    expect(await next.send(async () => "sent")).toBe("sent");
    broken.end();
    next.end();
    expect(moves).toEqual(["moved", "moved"]);
  });

  it("count against a key's room until what they signed is in flight, and are five at the most", async () => {
    const courses = createCourses<string>();
    const begun = [courses.begin("a", 30), courses.begin("a", 60)];
    expect(courses.free([room("a", 5), room("b")])).toEqual([
      { key: "a", inFlight: 95, room: 5 },
      { key: "b", inFlight: 0, room: 100 },
    ]);
    expect(courses.free([room("a", 10)])).toEqual([]);
    await begun[0]?.send(async () => undefined);
    expect(courses.free([room("a", 30)])).toEqual([{ key: "a", inFlight: 90, room: 10 }]);
    for (let more = 0; more < 3; more++) courses.begin("a", more === 0 ? 1 : 0);
    expect(courses.free([room("a")])).toEqual([]);
    for (const course of begun) course.end();
    expect(courses.free([room("a")])).toEqual([{ key: "a", inFlight: 1, room: 99 }]);
  });
});
