#!/usr/bin/env bash
# A short trial under another Node: `tools/smoke.sh PATH_OF_NODE` asks the built package, then runs one test file each of engine, hub and serve.
set -euo pipefail
cd "$(dirname "$0")/.."
node=$1
echo "smoke under $("$node" --version)"
"$node" dist/cli/main.js chat examples/board.png "What is in row 1, column 1?" | grep '[^[:space:]]'
"$node" node_modules/vitest/vitest.mjs run test/engine/runtime.test.ts test/hub/checkpoint.test.ts test/serve/chat.test.ts --reporter=dot
