# ./run test: sourced by run. C tests (plain, under ASan and UBSan, the concurrent ones under TSan),
# then whole commands, interop and faults by pytest. Each program's result lines are counted.
want=${data:+yes}
results=build/test-results
rm -rf $results && mkdir -p $results build/tmp
build_in check "all" -DCMAKE_BUILD_TYPE=Check -DRML_TESTS=ON -DRML_FUZZ=ON -DRML_FUZZ_REPLAY=ON
build_in asan tests -DCMAKE_BUILD_TYPE=Check -DRML_TESTS=ON -DRML_SANITIZE=address,undefined "-DCMAKE_C_FLAGS_CHECK=-O1 -g1"
export RML_DATA="$data" RML_PROGRAM="$root/build/check/roadmill" TMPDIR="$root/build/tmp" LC_ALL=C
export ROADMILL_DUCKDB="${ROADMILL_DUCKDB:-$root/build/lib/libduckdb.so}" ROADMILL_HOME=
[ -f "$ROADMILL_DUCKDB" ] || unset ROADMILL_DUCKDB
export ASAN_OPTIONS=detect_leaks=1:allocator_may_return_null=1 UBSAN_OPTIONS=print_stacktrace=1
[ -n "$data" ] || unset RML_DATA

# run_programs KIND FOLDER NAME...: test programs of a build side by side, the output of each kept.
# One of them:
cat >$results/run_program <<'end'
program=build/$2/tests/$3 log=build/test-results/$1-$3.log
[ -x "$program" ] || exit 0
echo "$3" >>build/test-results/under_way
if ! timeout 600 "$program" >"$log" 2>&1; then
    echo "[  CRASHED  ] $3 ($1)" >>"$log"
    echo "failed: $3 ($1), see $log" >&2
    grep -E 'FAILED|ERROR|error:|SUMMARY|\.c:[0-9]+' "$log" | head -n 12 >&2
fi
end
run_programs() {
    kind=$1 folder=$2
    shift 2
    say "testing $# programs ($kind)"
    tick "testing ($kind)" $results/under_way
    printf '%s\n' "$@" | xargs -P "$jobs" -n 1 sh $results/run_program "$kind" "$folder"
    tock
}
# shellcheck disable=SC2046
run_programs plain check $(ls build/check/tests)
# shellcheck disable=SC2046
run_programs asan asan $(ls build/asan/tests)
if [ "${RML_TSAN:-yes}" = yes ]; then
    build_in tsan "roadmill_static $(sed 's/^/test_/' tests/concurrent.txt | tr '\n' ' ')" -DCMAKE_BUILD_TYPE=Check \
        -DRML_TESTS=ON -DRML_SANITIZE=thread "-DCMAKE_C_FLAGS_CHECK=-O1 -g1"
    # shellcheck disable=SC2046
    run_programs tsan tsan $(cat tests/concurrent.txt)
fi

# The corpus of each fuzz target, replayed.
for program in build/check/fuzz/*; do
    [ -x "$program" ] || continue
    name=$(basename "$program")
    [ -d "fuzz/corpus/$name" ] || continue
    log=$results/replay-$name.log
    if timeout 300 "$program" "fuzz/corpus/$name" >"$log" 2>&1; then
        echo "[       OK ] replay $name" >>"$log"
    else
        echo "[  FAILED  ] replay $name" >>"$log"
        say "failed: replay of fuzz/corpus/$name, see $log"
    fi
done

pytest_log=$results/pytest.log
pytest_code=0
say "testing whole commands, what others read and write, and faults"
watched pytest "$pytest_log" timeout 1500 build/venv/bin/python -m pytest -q -rsfE --no-header -p no:cacheprovider tests --ignore=tests/soak || pytest_code=$?
[ $pytest_code -eq 0 ] || { say "pytest exited $pytest_code"; tail -n 60 "$pytest_log" >&2; }

# ---- tally ------------------------------------------------------------------------------------
count() { cat $results/*-*.log 2>/dev/null | grep -cE "$1" || :; }
number() { tail -n 1 "$pytest_log" | grep -oE "[0-9]+ $1" | grep -oE '[0-9]+' || echo 0; }
passed=$(($(count '^\[ +OK \]') + $(number passed)))
crashed=$(count '^\[  CRASHED  \]')
failed=$(($(count '^\[  FAILED  \] [A-Za-z_]') + $(number failed) + $(number error)))
skipped=$(($(count '^\[  SKIPPED \] [A-Za-z_]') + $(number skipped)))
[ "$failed" -gt 0 ] || failed=$crashed
[ $pytest_code -eq 0 ] || [ "$failed" -gt 0 ] || failed=1
if [ -z "$data" ]; then
    [ -z "$given" ] || failed=$((failed + 1))
    say "real data: none (skipped tests say \"skipped: no data\")"
else
    say "real data: $data"
fi
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ]
