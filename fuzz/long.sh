#!/bin/sh
# Fuzzes every parser for so many seconds each (600 if none are given), from the corpus in tests/data/fuzz.
# With cargo-fuzz and a nightly compiler by libFuzzer; without, by the seeded mutator of the tests.
set -eu
cd "$(dirname "$0")/.."
seconds=${1:-600}
if cargo +nightly fuzz --version >/dev/null 2>&1; then
    for folder in tests/data/fuzz/*/; do
        target=$(basename "$folder")
        mkdir -p "fuzz/corpus/$target"
        cargo +nightly fuzz run "$target" "fuzz/corpus/$target" "$folder" -- -max_total_time="$seconds"
    done
else
    echo "no cargo-fuzz here: the seeded mutator takes its place" >&2
    FUZZ_SECONDS=$seconds cargo test --workspace --test scanner fuzz -- --nocapture
fi
