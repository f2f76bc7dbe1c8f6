#!/bin/sh
# Fetches the libraries of the offline page from npm, in the versions below, and builds them into
# server/static/vendor. Run it to check that what is committed is what npm gives, or to upgrade.
set -eu
here=$(cd "$(dirname "$0")/.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund --save-exact \
  sm-crypto-v2@1.15.1 @noble/curves@1.9.7 zxing-wasm@3.1.4 jsqr@1.4.0 esbuild@0.25.0
echo 'export { sm2, sm3 } from "sm-crypto-v2";' > sm2-entry.js
npx esbuild sm2-entry.js --bundle --format=iife --global-name=smCrypto --minify --target=es2020 \
  --legal-comments=eof --log-level=error --outfile=sm2.js
into="$here/server/static/vendor"
mkdir -p "$into"
cp sm2.js "$into/sm2.js"
cp node_modules/zxing-wasm/dist/iife/reader/index.js "$into/zxing.js"
cp node_modules/zxing-wasm/dist/reader/zxing_reader.wasm "$into/zxing.wasm"
cp node_modules/jsqr/dist/jsQR.js "$into/jsqr.js"
sha256sum "$into"/*.js "$into"/*.wasm
