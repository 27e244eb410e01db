#!/usr/bin/env bash
# Register from any machine that has Docker: export HOKUSAI_API_KEY, then run this beside model/.
set -euo pipefail

image=hokusai-register-model:v1
docker image inspect "$image" >/dev/null 2>&1 ||
  docker build --tag "$image" https://github.com/hokusai/register-model.git#v1

# --env without a value: the key is taken from the environment, and no command line shows it.
# --user: what a local registration leaves here must not belong to root.
docker run --rm --env HOKUSAI_API_KEY --env MLFLOW_TRACKING_URI \
  --user "$(id -u):$(id -g)" --volume "$PWD:/workspace" --workdir /workspace \
  "$image" register --model-path model --model-name breast-cancer --metrics-file metrics.json "$@"
