# syntax=docker/dockerfile:1
# Two images of one code: `launcher` (drives runs, talks to S3, MLflow and the API
# server) and `worker` (every step; also the MLflow server). Build one with --target.
ARG PYTHON_IMAGE=python:3.11-slim-bookworm
ARG ACCELERATOR=cpu
ARG REVISION=unknown
ARG VERSION=0.1.0

# What both start from: Python, and caches where a read-only root leaves room.
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

# The launcher's libraries, installed in place: a copy from another stage would be read
# whole to see whether it changed, at every build.
FROM base AS launcher-libraries
COPY requirements/launcher.txt /requirements/
RUN python -m venv /opt/lcc \
    && pip install --no-cache-dir --no-deps --require-hashes -r /requirements/launcher.txt \
    && pip uninstall --yes pip

# The worker's libraries, for CPUs or with CUDA (ACCELERATOR=cuda); headers stay behind.
FROM base AS worker-libraries
ARG ACCELERATOR
COPY requirements/worker.txt requirements/cuda.txt /requirements/
RUN if [ "${ACCELERATOR}" = cuda ]; then list=cuda; else list=worker; fi \
    && python -m venv /opt/lcc \
    && pip install --no-cache-dir --no-deps --require-hashes -r "/requirements/${list}.txt" \
    && pip uninstall --yes pip \
    && rm -rf /opt/lcc/lib/python3*/site-packages/tensorflow/include

# The code comes last: a change of it makes one small layer.
FROM launcher-libraries AS launcher
ARG REVISION
ARG VERSION
LABEL org.opencontainers.image.title=lcc-launcher \
      org.opencontainers.image.version=${VERSION} \
      org.opencontainers.image.revision=${REVISION}
USER 10001:10001
ENTRYPOINT ["python", "-m"]
CMD ["lcc"]
COPY jobs /opt/app/jobs
COPY lcc /opt/app/lcc

FROM worker-libraries AS worker
ARG REVISION
ARG VERSION
LABEL org.opencontainers.image.title=lcc \
      org.opencontainers.image.version=${VERSION} \
      org.opencontainers.image.revision=${REVISION}
USER 10001:10001
ENTRYPOINT ["python", "-m"]
CMD ["jobs.train"]
COPY jobs /opt/app/jobs
COPY lcc /opt/app/lcc
