# ./run bench [--json] [NAME…]: sourced by run. Each program of bench/ prints one JSON line a figure:
# {"name","value","unit","peer","peer_value","ratio"}, ratio above 1 meaning that we are better (against
# a floor: the share of it). Without --json the lines become a table.
build_in bench all -DCMAKE_BUILD_TYPE=Release -DRML_BENCH=ON
export RML_DATA="$data" RML_PROGRAM="$root/build/bench/roadmill" RML_PYTHON="$root/build/venv/bin/python" LC_ALL=C
[ -f build/lib/libduckdb.so ] && export ROADMILL_DUCKDB="$root/build/lib/libduckdb.so"
# The reader of Rust, where there is a compiler for it.
if command -v cargo >/dev/null 2>&1 && cargo build -q --release --manifest-path bench/mcap_rust/Cargo.toml --target-dir build/bench/rust >/dev/null 2>&1; then
    export RML_MCAP_RUST="$root/build/bench/rust/release/mcap_rust"
fi
json= names=
while [ $# -gt 0 ]; do
    case $1 in
        --json) json=yes ;;
        --data) shift ;;
        *) names="$names $1" ;;
    esac
    shift
done
case " $names " in *" ngsim "*) # a table of its own, minutes: only when it is named
    exec sh bench/ngsim.sh ;;
esac
for program in build/bench/bench/*; do
    name=$(basename "$program")
    [ -f "$program" ] && [ -x "$program" ] || continue
    case " $names " in "  " | *" $name "*) ;; *) continue ;; esac
    "$program"
done | if [ -n "$json" ]; then cat; else build/venv/bin/python tools/bench_table.py; fi
