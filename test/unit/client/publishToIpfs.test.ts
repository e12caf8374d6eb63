import { expect, it } from "vitest";
import { publishToIpfs } from "../../../src/client/publishToIpfs.ts";

it.each([undefined, () => 1, { data: 5n }])("%o is no JSON, and is not uploaded", async (data) => {
  const upload = publishToIpfs({ uploadUrl: "http://127.0.0.1:9/" }, data);
  await expect(upload).rejects.toMatchObject({ name: "InputError", code: "NOT_JSON" });
});

it.each([-1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, "1 s" as never])(
  "an upload within %s ms is no failed upload, but a wrong option",
  async (timeoutMs) => {
    const upload = publishToIpfs({ uploadUrl: "http://127.0.0.1:9/" }, {}, { timeoutMs });
    await expect(upload).rejects.toMatchObject({ name: "InputError", code: "OPTION_INVALID" });
  },
);
