# Pinned by version. To pin by digest as well, give the images as arguments:
#   docker build --build-arg BUILD_IMAGE=node:24-bookworm-slim@sha256:… --build-arg RUN_IMAGE=gcr.io/distroless/nodejs24-debian12:nonroot@sha256:…
# docs/container.md tells how to find them, and how these steps are proven where there is no Docker.
ARG BUILD_IMAGE=node:24-bookworm-slim
ARG RUN_IMAGE=gcr.io/distroless/nodejs24-debian12:nonroot

FROM ${BUILD_IMAGE} AS build
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci --ignore-scripts
COPY tsconfig.json tsconfig.build.json ./
COPY src ./src
RUN npm run build
RUN npm ci --omit=dev --omit=optional --ignore-scripts
RUN mkdir state

FROM ${RUN_IMAGE}
WORKDIR /app
COPY --from=build /app/package.json ./
COPY --from=build /app/node_modules ./node_modules
COPY --from=build /app/dist ./dist
COPY config ./config
COPY web ./web
COPY container/health.mjs ./container/health.mjs
COPY --from=build --chown=65532:65532 /app/state /var/lib/ogpu-confirmd
# STATE_DIRECTORY holds the journal unless journal.path says otherwise. Policies are mounted, never baked in: they decide about money.
ENV NODE_ENV=production
ENV MALLOC_ARENA_MAX=2 MALLOC_MMAP_THRESHOLD_=65536 MALLOC_TRIM_THRESHOLD_=131072
ENV NODE_OPTIONS=--disable-sigusr1
ENV STATE_DIRECTORY=/var/lib/ogpu-confirmd
ENV OGPU_POLICIES_DIR=/etc/ogpu-confirmd/policies
VOLUME /var/lib/ogpu-confirmd
EXPOSE 9464
USER nonroot
# Alive, not ready: a container is not to be restarted because the endpoints are down.
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s --retries=3 CMD ["/nodejs/bin/node", "container/health.mjs", "livez"]
ENTRYPOINT ["/nodejs/bin/node", "--min-semi-space-size=8", "--max-semi-space-size=8", "--max-old-space-size=512", "--heap-growing-percent=60", "--memory-saver-mode", "dist/main.js"]
CMD ["run"]
