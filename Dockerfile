# One image for the flow (ta-bot run) and its sidecar (ta-bot api). To pin the base by its digest as well:
# --build-arg PYTHON_IMAGE=python:3.12-slim@sha256:...
ARG PYTHON_IMAGE=python:3.12-slim

FROM ${PYTHON_IMAGE} AS build
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_INPUT=1
WORKDIR /src
COPY requirements/build.lock requirements/runtime.lock requirements/
RUN set -eu; \
    for each in build ta-bot; do \
        python -m venv --without-pip "/opt/$each"; \
    done; \
    pip --python /opt/build/bin/python install -q --require-hashes --only-binary :all: -r requirements/build.lock; \
    pip --python /opt/ta-bot/bin/python install -q --require-hashes --only-binary :all: -r requirements/runtime.lock
COPY pyproject.toml README.md LICENSE ./
COPY config_api config_api
COPY dataflow dataflow
COPY operators operators
COPY state state
COPY strategies strategies
RUN set -eu; \
    /opt/build/bin/python -m hatchling build --target wheel --directory /wheel; \
    pip --python /opt/ta-bot/bin/python install -q --no-index --no-deps /wheel/*.whl; \
    mkdir /data

FROM ${PYTHON_IMAGE} AS runtime
ARG VERSION=unknown
ARG REVISION=unknown
LABEL org.opencontainers.image.title="petrosa-ta-bot" \
      org.opencontainers.image.description="Turns closed klines into trading signals" \
      org.opencontainers.image.licenses="MIT" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
COPY --from=build /opt/ta-bot /opt/ta-bot
COPY --from=build --chown=10001:10001 /data /data
ENV PATH=/opt/ta-bot/bin:/usr/local/bin:/usr/bin:/bin \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    HOME=/data \
    RECOVERY_DIR=/data/recovery \
    HEALTH_HOST=0.0.0.0 \
    LOG_FORMAT=json
WORKDIR /data
VOLUME /data
USER 10001:10001
EXPOSE 8080 8081
STOPSIGNAL SIGTERM
ENTRYPOINT ["ta-bot"]
CMD ["run"]
