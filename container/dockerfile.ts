/** One instruction of a Dockerfile, with its words as they stand there. */
export type Instruction = { readonly name: string; readonly rest: string };

export type Stage = { readonly name: string; readonly instructions: readonly Instruction[] };

/** Reads a Dockerfile of the plain kind that ours is: no heredocs, no parser directives. */
export function parseDockerfile(text: string): readonly Stage[] {
  const stages: { name: string; instructions: Instruction[] }[] = [];
  const lines = text
    .replace(/^\s*#.*$/gm, "")
    .replace(/\\\n/g, " ")
    .split("\n");
  for (const line of lines) {
    const match = /^([A-Z]+)\s+(.+)$/.exec(line.trim());
    const [, name = "", rest = ""] = match ?? [];
    if (match === null) {
      if (line.trim() !== "") throw new Error(`not an instruction: ${line}`);
    } else if (name === "FROM") {
      stages.push({ name: / AS (\S+)$/i.exec(rest)?.[1] ?? "final", instructions: [] });
    } else stages.at(-1)?.instructions.push({ name, rest: rest.replace(/\s+/g, " ").trim() });
  }
  return stages;
}

export type Copy = {
  readonly from: string | undefined;
  readonly owner: string | undefined;
  readonly sources: readonly string[];
  readonly target: string;
};

export function parseCopy(rest: string): Copy {
  const words = rest.split(" ");
  const option = (name: string) => words.find((word) => word.startsWith(`--${name}=`))?.slice(name.length + 3);
  const paths = words.filter((word) => !word.startsWith("--"));
  return { from: option("from"), owner: option("chown"), sources: paths.slice(0, -1), target: paths.at(-1) ?? "" };
}

/** Whether `.dockerignore` lets a top-level path into the build: ours ignores all, and names what it keeps. */
export function isInContext(dockerignore: string, path: string): boolean {
  const lines = dockerignore.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
  if (lines[0] !== "*") throw new Error(".dockerignore is to begin by ignoring everything");
  return lines.some((line) => line.startsWith("!") && `${path}/`.startsWith(`${line.slice(1)}/`));
}
