#!/usr/bin/env bash
# Makes tools/editor/dist/codemirror.js, which the program embeds when it is there. Exact versions, whose hashes are in the lock file;
# no package may run a script of its own. The same input gives the same bytes.
set -euo pipefail
cd "$(dirname "$0")"
work="${1:?a directory to build in}"
mkdir -p "$work" dist
cp package.json package-lock.json editor.js "$work/"
(
  cd "$work"
  npm ci --ignore-scripts --no-audit --no-fund --silent
  node node_modules/esbuild/bin/esbuild editor.js --bundle --minify --format=esm --target=es2022 \
    --legal-comments=none --outfile=codemirror.js --log-level=warning
  {
    echo "/* CodeMirror 6 and what it needs, unchanged, as tools/editor of Doorward bundles it. MIT licence:"
    # One text for all of them: they differ in nothing but the line of the copyright.
    cat node_modules/@codemirror/state/LICENSE
    echo "*/"
    cat codemirror.js
  } >codemirror.whole.js
)
# Only when it differs: the program is built anew by the time of this file.
cmp -s "$work/codemirror.whole.js" dist/codemirror.js || cp "$work/codemirror.whole.js" dist/codemirror.js
