FROM node:24-bookworm-slim AS build
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci --ignore-scripts
COPY tsconfig.json tsconfig.build.json ./
COPY src ./src
RUN npm run build \
 && npm ci --omit=dev --omit=optional --ignore-scripts \
 && mkdir /state

FROM gcr.io/distroless/nodejs24-debian12:nonroot
WORKDIR /app
COPY --from=build /app/package.json ./
COPY --from=build /app/node_modules ./node_modules
COPY --from=build /app/dist ./dist
COPY config ./config
COPY web ./web
COPY --from=build --chown=65532:65532 /state /var/lib/ogpu-confirmd
# STATE_DIRECTORY holds the journal unless journal.path says otherwise. Policies are mounted, never baked in: they decide about money.
ENV NODE_ENV=production \
    MALLOC_ARENA_MAX=2 \
    NODE_OPTIONS=--disable-sigusr1 \
    STATE_DIRECTORY=/var/lib/ogpu-confirmd \
    OGPU_POLICIES_DIR=/etc/ogpu-confirmd/policies
VOLUME /var/lib/ogpu-confirmd
EXPOSE 9464
USER nonroot
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s --retries=3 \
  CMD ["/nodejs/bin/node", "-e", "fetch(`http://127.0.0.1:${process.env.OGPU_HTTP_PORT || 9464}/livez`).then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
ENTRYPOINT ["/nodejs/bin/node", "--max-semi-space-size=8", "--max-old-space-size=512", "dist/main.js"]
CMD ["run"]
