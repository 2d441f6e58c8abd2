#!/usr/bin/env bash
# Builds, shows and tests Hedgerow. Without an argument it says how.
#
# Needs Rust (rustup), Node >= 20 and a C linker; Python 3 and everything else are optional or fetched here: the wasm target by rustup,
# npm packages into node_modules/, the wasm tools into tools/target/, Chromium (tests only) by apt-get. All that is made lies in
# target/, tools/target/, node_modules/ and build/, none of which git sees.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

readonly started=$SECONDS
readonly logs=build/log
export CARGO_TERM_COLOR=never
export PATH="$PWD/tools/target/debug:$PWD/node_modules/.bin:$PATH"

usage() {
  cat <<'TEXT'
usage: ./build.sh COMMAND

  demo      build everything, train the demo models, score the same rows natively and in WebAssembly, compare
  serve     open the studio page on http://127.0.0.1:8080 (PORT=… for another port); after a demo
  test      every test: Rust, command line, and the built package in Node, workerd, Deno, Bun and Chromium
  package   build the npm package as a tarball
  setup     fetch what is missing on this machine, and stop there
  help      this text

The first demo takes a few minutes, nearly all of it compiling; the next one takes seconds.
TEXT
}

# ---------------------------------------------------------------------------------------------------------------- telling

say() { printf '%s\n' "$*"; }
die() { printf '\nbuild.sh: %s\n' "$*" >&2; exit 2; }
elapsed() { printf '%dm%02ds' $(($1 / 60)) $(($1 % 60)); }

# step "what it does" COMMAND…: runs it with its output in a log, tells how long it took, shows the log's end if it fails.
# Every 20 seconds a line says what it is at.
step() {
  local what=$1 log began pid status=0 tick=0
  shift
  mkdir -p "$logs"
  log="$logs/$(printf '%s' "$what" | tr -cs 'A-Za-z0-9' '-').log"
  began=$SECONDS
  printf '[%s] %s\n' "$(elapsed $((SECONDS - started)))" "$what"
  "$@" >"$log" 2>&1 </dev/null &
  pid=$!
  trap 'kill "$pid" 2>/dev/null; exit 130' INT TERM
  while kill -0 "$pid" 2>/dev/null; do
    sleep 0.2
    tick=$((tick + 1))
    if [ $((tick % 100)) -eq 0 ]; then
      printf '[%s]   … %s\n' "$(elapsed $((SECONDS - started)))" "$(tail -n 1 "$log" | tr -d '\r' | cut -c1-100)"
    fi
  done
  wait "$pid" || status=$?
  trap - INT TERM
  if [ "$status" -ne 0 ]; then
    printf '\nfailed after %s; the end of %s:\n\n' "$(elapsed $((SECONDS - began)))" "$log" >&2
    tail -n 40 "$log" >&2
  fi
  return "$status"
}

# ------------------------------------------------------------------------------------------------------------------ setup

check_tools() {
  command -v cargo >/dev/null || die "cargo is missing: install Rust from https://rustup.rs"
  command -v node >/dev/null || die "node is missing: install Node 20 or newer from https://nodejs.org"
  command -v npm >/dev/null || die "npm is missing: it comes with Node (https://nodejs.org)"
  local major
  major=$(node -p 'process.versions.node.split(".")[0]')
  [ "$major" -ge 20 ] || die "node $(node --version) is too old: 20 or newer is needed"
}

has_wasm_target() { [ -d "$(rustc --print sysroot)/lib/rustlib/wasm32-unknown-unknown/lib" ]; }

setup_base() {
  check_tools
  if ! has_wasm_target; then
    command -v rustup >/dev/null || die "the Rust target wasm32-unknown-unknown is missing, and there is no rustup to add it"
    step "adding the Rust target wasm32-unknown-unknown" rustup target add wasm32-unknown-unknown
  fi
  # What npm installed last is what the lockfile asks for: nothing to do.
  local lock stamp=node_modules/.hedgerow-lock
  lock=$(node -p 'require("node:crypto").createHash("sha256").update(require("node:fs").readFileSync("package-lock.json")).digest("hex")')
  if [ ! -f "$stamp" ] || [ "$(cat "$stamp")" != "$lock" ]; then
    step "installing npm packages" npm ci --no-audit --no-fund
    printf '%s' "$lock" >"$stamp"
  fi
}

find_chromium() {
  local name
  for name in "${CHROMIUM:-}" chromium chromium-browser google-chrome google-chrome-stable; do
    if [ -n "$name" ] && command -v "$name" >/dev/null; then
      command -v "$name"
      return
    fi
  done
  return 1
}

install_chromium() {
  apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium
}

setup_tests() {
  if ! find_chromium >/dev/null; then
    command -v apt-get >/dev/null || die "Chromium is missing and there is no apt-get: install it, or set CHROMIUM to its path"
    [ "$(id -u)" -eq 0 ] || die "Chromium is missing: run 'sudo apt-get install chromium', or set CHROMIUM to its path"
    step "installing Chromium for the browser tests (Debian's package)" install_chromium
  fi
  CHROMIUM=$(find_chromium) || die "Chromium is still missing after its installation"
  export CHROMIUM
}

# ------------------------------------------------------------------------------------------------------------------ build

build_binary() { step "building the native binary" cargo build --release --locked --bin hedgerow; }
build_package() { step "building the npm package (WebAssembly)" npm run --silent package; }

# ------------------------------------------------------------------------------------------------------------------- main

main() {
  case "${1:-help}" in
    setup)
      setup_base
      setup_tests
      say "everything that is needed is here"
      ;;
    demo) demo ;;
    test) run_tests ;;
    serve) serve ;;
    package) make_package ;;
    help | -h | --help) usage ;;
    *)
      usage >&2
      die "there is no command \"$1\""
      ;;
  esac
}
main "$@"
