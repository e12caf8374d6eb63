import { ConfigError } from "../errors.ts";

/** One thing that is wrong in a policy file. Lines and columns count from 1. */
export type PolicyProblem = {
  readonly file: string;
  readonly line: number;
  readonly column: number;
  readonly message: string;
  /** What the operator can write instead; empty where there is nothing to say. */
  readonly hint: string;
};

/** Notes a problem at an offset (UTF-16 units) into the file that is being read. */
export type Report = (offset: number, message: string, hint?: string) => void;

/** `file:line:column: message (hint)`, which editors and terminals turn into a link. */
function formatProblem({ file, line, column, message, hint }: PolicyProblem): string {
  return `${file}:${line}:${column}: ${message}${hint ? ` (${hint})` : ""}`;
}

/** The error that carries every problem of every file, one a line. */
export type PolicyError = ConfigError & { readonly problems: readonly PolicyProblem[] };

/** Builds the error that `loadPolicies` throws. */
export function policyError(problems: readonly PolicyProblem[]): PolicyError {
  const error = new ConfigError(problems.map(formatProblem).join("\n"), {
    code: "POLICY_INVALID",
    remedy: "correct the policies; nothing was loaded",
  });
  return Object.assign(error, { problems });
}
