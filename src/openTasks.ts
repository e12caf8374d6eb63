import type { Journal } from "./journal/journal.ts";
import type { TaskAddress } from "./protocol/brand.ts";

const tasksPerPage = 250;

/** Every open task, some at a time: a journal may hold more of them than memory should. */
export async function* openTasks(journal: Pick<Journal, "openTasks">): AsyncGenerator<readonly TaskAddress[], void> {
  for (let after: TaskAddress | undefined; ; ) {
    const page = await journal.openTasks(after, tasksPerPage);
    if (page.length > 0) yield page;
    if (page.length < tasksPerPage) return;
    after = page.at(-1);
  }
}
