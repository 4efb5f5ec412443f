# syntax=docker/dockerfile:1
# Two images of one code: `launcher` (drives runs, talks to S3, MLflow and the API
# server) and `worker` (every step; also the MLflow server). Build one with --target.
ARG PYTHON_IMAGE=python:3.11-slim-bookworm
ARG ACCELERATOR=cpu
ARG REVISION=unknown
ARG VERSION=0.1.0

# What both images start from: Python, a numeric user, caches where a read-only root
# leaves room.
FROM ${PYTHON_IMAGE} AS base
ENV PATH=/opt/lcc/bin:${PATH} \
    PYTHONPATH=/opt/app \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    HOME=/tmp \
    KERAS_HOME=/tmp/keras \
    MPLCONFIGDIR=/tmp/matplotlib \
    XDG_CACHE_HOME=/tmp/cache
WORKDIR /tmp

# The launcher's libraries; stays behind with pip's own files.
FROM base AS build-launcher
COPY requirements/launcher.txt /requirements/launcher.txt
RUN python -m venv /opt/lcc && pip install --no-cache-dir --require-hashes \
    -r /requirements/launcher.txt && pip uninstall --yes setuptools pip

# The worker's libraries, for CPUs or with CUDA (ACCELERATOR=cuda).
FROM base AS build-worker
ARG ACCELERATOR
COPY requirements/worker.txt requirements/cuda.txt /requirements/
RUN python -m venv /opt/lcc && pip install --no-cache-dir --require-hashes \
    -r "/requirements/$(test "${ACCELERATOR}" = cuda && echo cuda || echo worker).txt" \
    && pip uninstall --yes pip && rm -rf /opt/lcc/lib/python3*/site-packages/tensorflow/include

FROM base AS launcher
ARG REVISION
ARG VERSION
LABEL org.opencontainers.image.title=lcc-launcher \
      org.opencontainers.image.version=${VERSION} \
      org.opencontainers.image.revision=${REVISION}
COPY --from=build-launcher /opt/lcc /opt/lcc
COPY jobs /opt/app/jobs
COPY lcc /opt/app/lcc
USER 10001:10001
ENTRYPOINT ["python", "-m"]
CMD ["lcc"]

FROM base AS worker
ARG REVISION
ARG VERSION
LABEL org.opencontainers.image.title=lcc \
      org.opencontainers.image.version=${VERSION} \
      org.opencontainers.image.revision=${REVISION}
COPY --from=build-worker /opt/lcc /opt/lcc
COPY jobs /opt/app/jobs
COPY lcc /opt/app/lcc
USER 10001:10001
ENTRYPOINT ["python", "-m"]
CMD ["jobs.train"]
