import { didYouMean } from "../policy/didYouMean.ts";
import { type AnswerRule, answerClasses } from "../sink/nodeErrors.ts";
import { type Format, mismatch, quote } from "./format.ts";

/** Shorter texts stand in too many answers. */
const leastLength = 4;
const expects = `a class and a text that the answer holds, like "busy: my proxy is full"; the classes: ${answerClasses.join(", ")}`;

/** What an answer of a node means that the daemon does not know: `class: text`. */
export const answerRule: Format<AnswerRule> = {
  expects,
  show: (rule) => `${rule.class}: ${rule.contains}`,
  parse: (value) => {
    const [, name, contains] = (typeof value === "string" && /^\s*([\w-]+)\s*:\s*(.*\S)\s*$/.exec(value)) || [];
    if (name === undefined || contains === undefined) throw mismatch(value, expects);
    const known = answerClasses.find((each) => each === name.toLowerCase());
    if (known === undefined)
      throw new TypeError(`is ${quote(value)}; there is no class ${quote(name)}: ${didYouMean(name, answerClasses)}`);
    if (contains.length < leastLength)
      throw new TypeError(`is ${quote(value)}, whose text fits too many answers; write ${leastLength} letters or more`);
    return { class: known, contains };
  },
};
