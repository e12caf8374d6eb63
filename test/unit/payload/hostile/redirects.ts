import { resolvesTo } from "../support/arena.ts";
import { type HostileRow, notPublic, urlOf } from "./row.ts";

const refused = (reason: string) => `a redirect is refused: ${reason}`;

const to = (location: string, reason: string, status = 302): HostileRow => [
  `a redirect (${status}) to ${location}`,
  reason,
  ({ reply }) => urlOf(reply('{"a": "secret"}', { location }, status)),
];

export const redirects: readonly HostileRow[] = [
  [
    "redirects without end",
    "more than 3 redirects",
    ({ serve }) => urlOf(serve(({ url }, response) => void response.writeHead(302, { location: `${url}1` }).end())),
  ],
  to("http://127.0.0.1/", refused(notPublic)),
  to("http://2130706433/", refused(notPublic), 301),
  to("http://[::ffff:127.0.0.1]/", refused(notPublic), 307),
  to("http://169.254.169.254/latest/meta-data/", refused(notPublic), 308),
  to("//169.254.169.254/", refused(notPublic), 303),
  to("http://8.8.8.8:22/", refused("only the ports 443, 80 are fetched")),
  to("http://user:secret@8.8.8.8/", refused("credentials in a URL are refused")),
  to("file:///etc/passwd", refused("only http and https are fetched")),
  to("data:application/json,{}", refused("only http and https are fetched")),
  to("http://[", "a redirect leads to no URL"),
  [
    "a redirect to a name that is private",
    notPublic,
    async ({ reply }) => ({
      data: await urlOf(reply("", { location: "http://inside.example/" }, 302)),
      options: { lookup: resolvesTo("10.0.0.1") },
    }),
  ],
  [
    "a redirect from https to http",
    "a redirect leads from https to http",
    async ({ tls }) => {
      const location = "http://8.8.8.8/";
      return `https://${await tls((_request, response) => void response.writeHead(302, { location }).end(), true)}/`;
    },
  ],
  ["a redirect to nowhere", "HTTP 302", ({ reply }) => urlOf(reply("{}", {}, 302))],
  ["not modified", "HTTP 304", ({ reply }) => urlOf(reply("", {}, 304))],
];
