type Options = { readonly atLeast: number };
type Facts = {
  readonly task: { readonly config: { readonly data?: { readonly keywords?: readonly string[] } } | null };
  readonly output: {
    readonly valid: boolean;
    readonly error: string;
    readonly json: { readonly text?: unknown } | null;
  };
};

/** Counts how many of the task's keywords stand in the answer. */
export default ({ atLeast }: Options) =>
  ({ task, output }: Facts) => {
    if (!output.valid) return { verdict: "reject", reason: output.error };
    const text = typeof output.json?.text === "string" ? output.json.text.toLowerCase() : "";
    const keywords = task.config?.data?.keywords ?? [];
    const score = keywords.filter((word) => text.includes(word.toLowerCase())).length;
    if (score < atLeast) return { verdict: "reject", reason: `${score} of ${keywords.length} keywords` };
    return { verdict: "eligible", score, reason: `${score} of ${keywords.length} keywords` };
  };
