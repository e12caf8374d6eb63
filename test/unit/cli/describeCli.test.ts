import { join } from "node:path";
import { expect, it } from "vitest";
import { describeCli } from "../../../tools/describeCli.ts";

it("is docs/cli.md, word for word (npm run docs writes it)", async () => {
  await expect(describeCli()).toMatchFileSnapshot(join(import.meta.dirname, "../../../docs/cli.md"));
});
