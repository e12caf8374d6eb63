// The health check of a container without a shell: exit code 0 if the daemon's probe (livez or readyz) says so.
const [probe = "livez"] = process.argv.slice(2);
const port = process.env.OGPU_HTTP_PORT || 9464;
try {
  const response = await fetch(`http://127.0.0.1:${port}/${probe}`, { signal: AbortSignal.timeout(4_000) });
  if (!response.ok) console.error(`${probe}: ${response.status} ${(await response.text()).slice(0, 500)}`);
  process.exit(response.ok ? 0 : 1);
} catch (error) {
  console.error(`${probe}: no answer at port ${port} (${error.cause?.code ?? error.name})`);
  process.exit(1);
}
