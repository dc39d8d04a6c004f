# ./run fuzz [SECONDS] [NAME…]: sourced by run. Hunts with libFuzzer under ASan and UBSan, each target
# for so long; findings land in build/fuzz-findings. Also with failing allocations where the target asks.
install_packages clang
seconds=120
case ${1:-} in [0-9]*) seconds=$1; shift ;; esac
build_in fuzz all -DCMAKE_BUILD_TYPE=Check -DRML_FUZZ=ON -DCMAKE_C_COMPILER=clang \
    "-DRML_SANITIZE=address,undefined,fuzzer-no-link" "-DCMAKE_C_FLAGS_CHECK=-O1 -g1"
mkdir -p build/fuzz-findings
found=0
for program in build/fuzz/fuzz/*; do
    [ -x "$program" ] || continue
    name=$(basename "$program")
    [ $# -eq 0 ] || case " $* " in *" $name "*) ;; *) continue ;; esac
    mkdir -p "build/fuzz-corpus/$name"
    say "fuzz $name: $seconds s"
    if ! "$program" -max_total_time="$seconds" -rss_limit_mb=2048 -timeout=20 -print_final_stats=1 \
        -artifact_prefix="build/fuzz-findings/$name-" "build/fuzz-corpus/$name" "fuzz/corpus/$name" >"build/fuzz-findings/$name.log" 2>&1; then
        say "fuzz $name: a finding, see build/fuzz-findings/$name.log"
        found=$((found + 1))
    else
        grep -E 'stat::(number_of_executed_units|new_units_added)' "build/fuzz-findings/$name.log" | sed "s/^/  $name /" >&2
    fi
done
say "fuzz: $found findings"
[ "$found" -eq 0 ]
