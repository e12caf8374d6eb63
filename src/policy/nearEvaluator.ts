import { assessInOrder } from "./assessInOrder.ts";
import { type Assessor, createAssessor } from "./assessor.ts";
import { hasBoundedSchema } from "./boundedSchema.ts";
import type { Evaluator } from "./evaluator.ts";
import { createCompiler, type Role } from "./expression.ts";
import type { Program } from "./program.ts";
import { roles } from "./roles.ts";
import { areSmall } from "./smallFacts.ts";

/** More are worth the way to a thread, which leaves this one free meanwhile. */
const mostTogether = 4;

/**
 * Evaluates in this thread what its form keeps short, and leaves everything else to threads that can be killed: the way to a
 * thread and back takes many times as long as a plain condition does, while somebody waits to be paid. A program has to be
 * bounded in all its parts, and so have the facts of a response. Both say the same of the same facts. What is bounded is
 * compiled in a thread when one is first asked, so that none has to start for a set that has nothing else.
 */
export function createNearEvaluator(threads: Evaluator): Evaluator {
  let near: ReadonlyMap<string, Assessor> = new Map();
  return {
    prepare: async (programs) => {
      const bounded = new Set(programs.filter(isBoundedProgram));
      // What takes too long to compile shows there.
      await threads.prepare(programs.filter((each) => !bounded.has(each)));
      const made = [...bounded].map(async (each) => [each.digest, await createAssessor(each)] as const);
      near = new Map(await Promise.all(made));
    },
    assess: async (program, facts, options) => {
      const assess =
        facts.length > mostTogether || !facts.every((each) => areSmall(each)) ? undefined : near.get(program.digest);
      if (assess === undefined) return threads.assess(program, facts, options);
      return assessInOrder(assess, facts, options);
    },
    close: async () => {
      near = new Map();
      await threads.close();
    },
  };
}

const compile = createCompiler();

/** Whether what a program says of a response is bounded by its form: a plug-in is a program, and may do anything. */
export function isBoundedProgram({ eligible, score, key, schema, plugin }: Program): boolean {
  const isBounded = (source: string | undefined, role: Role): boolean => {
    if (source === undefined) return true;
    const compiled = compile(source, role);
    return compiled.ok && compiled.expression.isBounded;
  };
  return (
    plugin === undefined &&
    (schema === undefined || hasBoundedSchema(schema)) &&
    isBounded(eligible, roles.eligible) &&
    isBounded(score, roles.score) &&
    isBounded(key, roles.key)
  );
}
