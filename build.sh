#!/usr/bin/env bash
# Builds, shows and tests Hedgerow. Without an argument it says how.
#
# Needs Rust (rustup), Node >= 20 and a C linker, and for conformance and bench Python >= 3.11; everything else is fetched here: the wasm target by
# rustup, npm packages into node_modules/, the wasm tools into tools/target/, Chromium (tests only) by apt-get, the other libraries
# by pip into build/python/ (conformance) and by npm and pip into build/bench/ (bench). All that is made lies in target/, tools/target/, node_modules/ and build/, none of which
# git sees.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

readonly started=$SECONDS
readonly logs=build/log
export CARGO_TERM_COLOR=never
# The steps find what they build where cargo puts it by itself.
unset CARGO_TARGET_DIR CARGO_BUILD_TARGET_DIR CARGO_BUILD_TARGET
export PATH="$PWD/tools/target/debug:$PWD/node_modules/.bin:$PATH"

usage() {
  cat <<'TEXT'
usage: ./build.sh COMMAND

  demo      build everything, train the demo models, score the same rows natively and in WebAssembly, compare
  serve     open the studio page on http://127.0.0.1:8080 (PORT=… for another port); after a demo
  test      every test: Rust, command line, and the built package in Node, workerd, Deno, Bun and Chromium
  conformance
            make over 300 models with XGBoost, LightGBM, scikit-learn and ONNX, import them, and hold every answer to the
            original's, natively and in WebAssembly; needs Python >= 3.11, and once PyPI
  bench [--quick] [--only MODEL,…]
            time the package beside onnxruntime-web, m2cgen, YDF and the native libraries, on the same models in one run, and write
            benches/RESULTS.md; needs Python >= 3.11, and once npm and PyPI (see benches/README.md)
  package   build the npm package as a tarball
  size [--accept]
            say what the engine in it consists of, and hold each part to www/package/budget.json; --accept: make what there is the budget
  setup     fetch what is missing on this machine, and stop there
  help      this text

The first demo takes a few minutes, nearly all of it compiling; the next one takes seconds.
TEXT
}

# ---------------------------------------------------------------------------------------------------------------- telling

say() { printf '%s\n' "$*"; }
die() { printf '\nbuild.sh: %s\n' "$*" >&2; exit 2; }
elapsed() { printf '%dm%02ds' $(($1 / 60)) $(($1 % 60)); }

log_of() { printf '%s/%s.log' "$logs" "$(printf '%s' "$1" | tr -cs 'A-Za-z0-9' '-')"; }

# step "what it does" COMMAND…: runs it with its output in a log, tells how long it took, shows the log's end if it fails.
# Every 20 seconds a line says what it is at.
step() {
  local what=$1 log began pid status=0 tick=0
  shift
  mkdir -p "$logs"
  log=$(log_of "$what")
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

hedgerow=target/release/hedgerow

build_binary() { step "building the native binary" cargo build --release --locked --bin hedgerow; }
build_package() { step "building the npm package (WebAssembly)" npm run --silent package; }
build_studio() { step "assembling the studio page" node www/studio/build.mjs; }

# Each models/NAME.yaml to models/NAME.hedge, its report to build/reports/NAME.html.
train_models() {
  local config name
  mkdir -p build/reports
  for config in models/*.yaml; do
    name=$(basename "$config" .yaml)
    step "training $name" "$hedgerow" train --config "$config" --out "models/$name.hedge" --report "build/reports/$name.html" || return 1
  done
}

# ------------------------------------------------------------------------------------------------------------------- demo

demo() {
  say "Hedgerow's demo: from data to answers in WebAssembly"
  setup_base
  build_binary
  build_package
  train_models
  build_studio
  say ""
  node www/node/demo.mjs
  say ""
  say "The training reports are in build/reports/. To try the models in a page:  ./build.sh serve"
  say "demo done in $(elapsed $((SECONDS - started)))"
}

serve() {
  check_tools
  [ -f build/package/package.json ] || die "there is nothing to serve yet: run ./build.sh demo first"
  compgen -G 'models/*.hedge' >/dev/null || die "there are no models to show yet: run ./build.sh demo first"
  build_studio
  exec node www/serve.mjs --port "${PORT:-8080}"
}

make_package() {
  setup_base
  build_package
  cat "$(log_of "building the npm package (WebAssembly)")"
  say "the package is $(ls build/hedgerow-*.tgz)"
}

show_size() {
  setup_base
  # The table comes also where the build ends with an error: that is when it is wanted.
  node www/package/build.mjs --parts "$@"
}

# ------------------------------------------------------------------------------------------------------------------- test

readonly results=build/results.txt # a line per suite: its name, tests passed, tests failed

record() { printf '%s %s %s\n' "$1" "$2" "$3" >>"$results"; }

# check NAME "what it does" COMMAND…: one thing that holds or does not.
check() {
  local name=$1
  shift
  if step "$@"; then record "$name" 1 0; else record "$name" 0 1; fi
}

# tests NAME COUNT "what it does" COMMAND…: COUNT turns the log (standard input) into lines `suite passed failed`. A command that
# fails without a failed test (it did not build, say) fails as NAME.
tests() {
  local name=$1 count=$2 what=$3 status=0 counts
  shift 2
  step "$@" || status=1
  counts=$("$count" <"$(log_of "$what")")
  [ -z "$counts" ] || printf '%s\n' "$counts" >>"$results"
  if [ "$status" -ne 0 ] && ! awk '$3 > 0 { failed = 1 } END { exit !failed }' <<<"$counts"; then record "$name" 0 1; fi
}

# From cargo test's log: the library's unit tests, each file of tests/, the documentation.
count_cargo() {
  awk '
    /^ *Running unittests / { suite = /src\/lib\.rs/ ? "unit" : "" }
    /^ *Running tests\// { suite = $2; sub(/^tests\//, "", suite); sub(/\.rs$/, "", suite) }
    /^ *Doc-tests / { suite = "documentation" }
    /^test result:/ && suite != "" {
      for (i = 2; i <= NF; i++) { if ($i == "passed;") passed = $(i - 1); if ($i == "failed;") failed = $(i - 1) }
      print suite, passed, failed
      suite = ""
    }'
}

# From the summary of tests/web: `node.test.mjs   12 passed, 1 failed`.
count_web() {
  sed -nE 's/^([a-z0-9-]+)\.test\.mjs +([0-9]+) passed(, ([0-9]+) failed)?$/web:\1 \2 \4/p' | awk '{ print $1, $2, $3 + 0 }'
}

# The table of the results; ends the run with 1 where one is bad. $1: what ran.
sum_up() {
  say ""
  awk '
    { verdict = $3 > 0 ? "FAILED" : $2 == 0 ? "NO TEST RAN" : "ok"; bad += verdict != "ok"; passed += $2; failed += $3
      printf "  %-16s %5d passed %5d failed  %s\n", $1, $2, $3, verdict }
    END { printf "\n%d passed, %d failed\n", passed, failed; exit bad > 0 }' "$results" || {
    say "$1 failed after $(elapsed $((SECONDS - started))); the logs are in $logs"
    exit 1
  }
  say "all $1 passed in $(elapsed $((SECONDS - started)))"
}

run_tests() {
  local file name
  setup_base
  setup_tests
  mkdir -p build
  : >"$results"
  if cargo fmt --version >/dev/null 2>&1; then check format "checking the format" cargo fmt --check; fi
  if cargo clippy --version >/dev/null 2>&1; then
    check clippy "linting" cargo clippy --locked --all-targets --no-deps -- -D warnings
  fi
  check core "building the core without the trainer" cargo check --locked --no-default-features --lib
  tests rust count_cargo "running the Rust tests" cargo test --locked --no-fail-fast

  # The page's tests use the demo models; the debug binary is there already.
  check binary "building the native binary for the tests" cargo build --locked --bin hedgerow
  hedgerow=target/debug/hedgerow
  if train_models; then record demo-models 1 0; else record demo-models 0 1; fi
  tests web count_web "testing the package in Node, workerd, Deno, Bun and Chromium" npm test --silent

  # Whatever should have run and left no line did not run.
  for file in tests/*.rs tests/web/*.test.mjs; do
    name=$(basename "$file")
    case "$file" in *.mjs) name=web:${name%.test.mjs} ;; *) name=${name%.rs} ;; esac
    grep -q "^$name " "$results" || record "$name" 0 0
  done
  for name in unit documentation; do grep -q "^$name " "$results" || record "$name" 0 0; done

  sum_up tests
}

# ------------------------------------------------------------------------------------------------------------ conformance

readonly python=build/python/bin/python
readonly matrix=tests/import/matrix

sha256_of() { cat "$@" | node -e 'const h = require("node:crypto").createHash("sha256"); process.stdin.on("data", (d) => h.update(d)).on("end", () => process.stdout.write(h.digest("hex")))'; }

# python_environment FOLDER REQUIREMENTS: a virtual environment with the libraries that are pinned there.
python_environment() {
  local folder=$1 requirements=$2 found="" name stamp=$1/.hedgerow-requirements wanted
  for name in "${PYTHON:-}" python3 python3.13 python3.12 python3.11; do
    if [ -n "$name" ] && "$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
      found=$name
      break
    fi
  done
  [ -n "$found" ] || die "Python 3.11 or newer is missing: install it, or name it in PYTHON"
  wanted="$("$found" --version) $(sha256_of "$requirements")"
  if [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$wanted" ]; then return; fi
  rm -rf "$folder"
  step "making a Python environment" "$found" -m venv "$folder" || die "python3 -m venv failed (Debian: apt-get install python3-venv)"
  step "installing the other libraries (pip; some 400 MB)" "$folder/bin/python" -m pip install --disable-pip-version-check --no-input -r "$requirements"
  printf '%s' "$wanted" >"$stamp"
}

# build/conformance/LIBRARY/CASE/, made again where a generator or a library has changed.
make_cases() {
  local stamp=build/conformance/.hedgerow-generators wanted
  wanted=$(sha256_of $matrix/*.py $matrix/requirements.txt $(exporters))
  if [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$wanted" ]; then
    say "build/conformance is up to date"
    return
  fi
  rm -rf build/conformance
  step "making the models of the other libraries" "$python" $matrix/matrix.py --out build/conformance || return 1
  printf '%s' "$wanted" >"$stamp"
}

# What besides the generators decides what the cases are.
exporters() { compgen -G 'python/*.py' || true; }

# From the closing lines `12 passed, 0 failed`.
count_native() { sed -nE 's/^([0-9]+) passed, ([0-9]+) failed$/native \1 \2/p'; }
count_wasm() { sed -nE 's/^([0-9]+) passed, ([0-9]+) failed$/wasm \1 \2/p'; }

run_conformance() {
  local name log
  say "Hedgerow's conformance: other libraries' models, imported, beside the originals"
  setup_base
  setup_tests
  python_environment build/python $matrix/requirements.txt
  : >"$results"
  if make_cases; then record generated 1 0; else record generated 0 1; fi
  tests native count_native "importing every model and comparing its answers natively" \
    cargo run --release --locked --example conformance -- build/conformance build/conformance-answers
  tests wasm count_wasm "comparing the built package with the native answers, by bits" \
    node tests/web/conformance.mjs build/conformance-answers
  build_binary
  check readme "running the README's imports as they stand there" "$python" tests/import/readme.py
  if [ -f tests/export/check.py ]; then
    check export "checking exported ONNX models with onnxruntime" "$python" tests/export/check.py
  fi

  say ""
  for name in "importing every model and comparing its answers natively" "comparing the built package with the native answers, by bits"; do
    log=$(log_of "$name")
    [ -f "$log" ] && awk '/^library /{ on = 1 } on || /^(node|workerd|chromium|FAILED)/ { print }' "$log"
  done
  sum_up cases
}

# ------------------------------------------------------------------------------------------------------------------ bench

# build/bench/node_modules: the JavaScript libraries that the package is measured beside. Their install scripts, which would fetch
# libraries for GPUs, do not run.
install_peers() {
  local stamp=build/bench/node_modules/.hedgerow-lock wanted
  mkdir -p build/bench
  wanted=$(sha256_of benches/peers/package.json benches/peers/package-lock.json)
  if [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$wanted" ]; then return; fi
  cp benches/peers/package.json benches/peers/package-lock.json build/bench/
  step "installing the other JavaScript libraries (npm; some 700 MB)" npm ci --prefix build/bench --ignore-scripts --no-audit --no-fund
  printf '%s' "$wanted" >"$stamp"
}

run_bench() {
  local only="" argument previous=""
  for argument in "$@"; do
    case "$argument" in --only=*) only=${argument#--only=} ;; esac
    [ "$previous" = --only ] && only=$argument
    previous=$argument
  done
  say "Hedgerow's bench: the package beside what else there is"
  setup_base
  build_binary
  build_package
  install_peers
  python_environment build/bench/python benches/peers/requirements.txt
  step "training the models (once; some minutes)" build/bench/python/bin/python benches/train.py --out build/bench/models ${only:+--only "$only"}
  # shellcheck disable=SC2086 # Words are wanted: names of models.
  step "importing them, and asking the native binary for its answers" node benches/prepare.mjs ${only//,/ }
  node benches/bench.mjs "$@"
  say "bench done in $(elapsed $((SECONDS - started)))"
}

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
    conformance) run_conformance ;;
    bench) run_bench "${@:2}" ;;
    serve) serve ;;
    package) make_package ;;
    size) show_size "${@:2}" ;;
    help | -h | --help) usage ;;
    *)
      usage >&2
      die "there is no command \"$1\""
      ;;
  esac
}
main "$@"
