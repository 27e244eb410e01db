# The image of the action. Both of Docker's builders must take it (act uses the classic one): no
# RUN --mount, no COPY --chmod, no here-documents; and act ignores .dockerignore, so COPY names paths.
FROM python:3.13-slim AS build

ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_ROOT_USER_ACTION=ignore

COPY requirements/build.txt requirements/runtime.txt /build/requirements/
WORKDIR /build
RUN python -m venv --without-pip /opt/hokusai \
    && pip install --no-deps --require-hashes --only-binary=:all: -r requirements/build.txt \
    && pip --python /opt/hokusai/bin/python install --no-deps --require-hashes --only-binary=:all: \
       --no-compile -r requirements/runtime.txt \
    # actions-toolkit brings its tests as a package of everybody.
    && rm -r /opt/hokusai/lib/python3.*/site-packages/tests

COPY pyproject.toml README.md LICENSE /build/
COPY src /build/src
RUN pip wheel --no-deps --no-build-isolation --wheel-dir dist . \
    && pip --python /opt/hokusai/bin/python install --no-deps --no-index --no-compile dist/*.whl \
    # By hash, so that no file time that a copy changes makes it stale.
    && python -m compileall -q -j 0 --invalidation-mode unchecked-hash /opt/hokusai/lib \
    && /opt/hokusai/bin/python -I -c "from hokusai_register.registrars.template import main; main()"

FROM python:3.13-slim

# The official image comes without the byte code of the standard library, which would be made again
# at each start.
RUN python -c "import compileall, re, sysconfig; compileall.compile_dir( \
    sysconfig.get_path('stdlib'), quiet=2, rx=re.compile('site-packages'))"

COPY --from=build /opt/hokusai /opt/hokusai

# Only a release says which one it is. Last, because a layer behind it would be built each time.
ARG VERSION=unreleased
ARG REVISION=unknown
LABEL org.opencontainers.image.title="hokusai/register-model" \
      org.opencontainers.image.description="Register a model from CI, and say honestly where it is now." \
      org.opencontainers.image.source="https://github.com/hokusai/register-model" \
      org.opencontainers.image.licenses="MIT" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"

# No USER: only root can write the runner's files. No shell: dash drops variables with hyphens.
# -I: nothing in the workspace or in a PYTHON… variable can get between; -u: each line at once.
ENTRYPOINT ["/opt/hokusai/bin/python", "-I", "-u", "-m", "hokusai_register"]
