import { describe, expect, it } from "vitest";
import { createTaskIndex } from "../../../src/chain/taskIndex.ts";
import type { SourceAddress, TaskAddress } from "../../../src/protocol/brand.ts";
import { address } from "../../support/fakeChain.ts";

const small = { tasks: 64, responses: 64, sources: 8 };
const [task, otherTask] = [address<TaskAddress>(1), address<TaskAddress>(2)];
const [source, theirs] = [address<SourceAddress>(0xa), address<SourceAddress>(0xb)];
const response = address<string>(0xc);
const words = (one: string, two: string) => `0x${one.slice(2).padStart(64, "0")}${two.slice(2).padStart(64, "0")}`;
const status = (one: string) => words(one, "0x5");

describe("the task index", () => {
  it("calls nothing foreign of which it knows nothing", () => {
    const index = createTaskIndex(small);
    expect(index.isForeign("TaskPublished", words(task, source))).toBe(false);
    expect(index.isForeign("ResponseSubmitted", words(response, task))).toBe(false);
    expect(index.isForeign("TaskStatusChanged", status(task))).toBe(false);
    expect(index.isForeign("ResponseStatusChanged", status(response))).toBe(false);
  });

  it("follows a foreign source to its tasks, and on to their responses", () => {
    const index = createTaskIndex(small);
    index.judged(theirs, false);
    expect(index.isForeign("TaskPublished", words(task, theirs).toUpperCase().replace("0X", "0x"))).toBe(true);
    expect(index.isForeign("TaskStatusChanged", status(task))).toBe(true);
    expect(index.isForeign("ResponseSubmitted", words(response, task))).toBe(true);
    expect(index.isForeign("ResponseStatusChanged", status(response))).toBe(true);
    expect(index.isForeign("TaskStatusChanged", status(otherTask))).toBe(false);
    expect(index.sourceOf(task)).toBe(theirs);
  });

  it.each([
    ["no hex", (data: string) => `${data.slice(0, -1)}g`],
    ["a foreign alphabet", (data: string) => `${data.slice(0, 40)}ä${data.slice(41)}`],
  ])("calls nothing foreign that is not two words: %s", (_, spoil) => {
    const index = createTaskIndex(small);
    index.judged(theirs, false);
    expect(index.isForeign("TaskPublished", spoil(words(task, theirs)))).toBe(false);
    expect(index.isForeign("TaskStatusChanged", status(task))).toBe(false);
  });

  it("never calls a watched source's task foreign", () => {
    const index = createTaskIndex(small);
    index.judged(source, true);
    expect(index.isForeign("TaskPublished", words(task, source))).toBe(false);
    index.learn(task, source);
    expect(index.isForeign("ResponseSubmitted", words(response, task))).toBe(false);
    expect(index.isForeign("TaskStatusChanged", status(task))).toBe(false);
  });

  it("believes the newest word when a reorg gives a task's and a response's address to somebody else", () => {
    const index = createTaskIndex(small);
    index.judged(theirs, false);
    index.isForeign("TaskPublished", words(task, theirs));
    index.isForeign("ResponseSubmitted", words(response, task));
    expect(index.isForeign("TaskPublished", words(task, source))).toBe(false);
    expect(index.isForeign("TaskStatusChanged", status(task))).toBe(false);
    expect(index.isForeign("ResponseSubmitted", words(response, task))).toBe(false);
    expect(index.isForeign("ResponseStatusChanged", status(response))).toBe(false);
  });

  it("asks again about every source after it forgot the verdicts, and still knows whose task it is", () => {
    const index = createTaskIndex(small);
    index.judged(theirs, false);
    index.isForeign("TaskPublished", words(task, theirs));
    index.forgetVerdicts();
    expect(index.isForeign("ResponseSubmitted", words(response, task))).toBe(false);
    expect(index.isForeign("TaskPublished", words(otherTask, theirs))).toBe(false);
    index.learn(task, theirs);
    expect(index.sourceOf(task)).toBe(theirs);
    index.judged(theirs, false);
    expect(index.isForeign("ResponseSubmitted", words(response, task))).toBe(true);
  });

  it("forgets everything rather than grow when there are more sources than it has room for", () => {
    const index = createTaskIndex(small);
    for (let number = 0; number < 8; number++) index.judged(address<SourceAddress>(100 + number), false);
    index.learn(task, address<SourceAddress>(100));
    expect(index.isForeign("TaskStatusChanged", status(task))).toBe(true);
    index.judged(address<SourceAddress>(200), true);
    expect(index.isForeign("TaskStatusChanged", status(task))).toBe(false);
    expect(index.sourceOf(task)).toBeUndefined();
  });
});
