import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { describeConfig } from "../../../tools/describeConfig.ts";

it("is docs/configuration.md, word for word (npm run docs writes it)", async () => {
  await expect(describeConfig()).toMatchFileSnapshot(
    fileURLToPath(new URL("../../../docs/configuration.md", import.meta.url)),
  );
});
