# ./run demo: sourced by run. Turns the wheel once, on the real data where it is, else on a made fleet,
# and says which.
home=build/demo
roadmill="$root/build/release/roadmill"
[ -f build/lib/libduckdb.so ] && export ROADMILL_DUCKDB="$root/build/lib/libduckdb.so"
start=$(date +%s)
if [ -n "$data" ]; then
    say "demo: real data: $data"
    licence=BSD-3-Clause
    sources="$data/logs/ros2-bags/derived/test1_mcap/test1_mcap.mcap $data/scenes/ngsim-commonroad/2020a"
    # A drive of a Husky robot (IMU, odometry, GNSS) and recorded traffic of three American roads.
    "$roadmill" ingest --home $home --vehicle husky --licence BSD-3-Clause --purpose research \
        "$data/logs/ros2-bags/derived/test1_mcap/test1_mcap.mcap" | head -n 3
else
    say "demo: no real data (--data DIR names some): a made fleet"
    licence=Apache-2.0
    "$roadmill" synth build/demo-fleet --drives 30 --vehicles 16 --duration 14 --seed 1
    sources=build/demo-fleet
fi
# On a terminal the program itself shows how far it is.
[ -t 2 ] || tick "turning the wheel" /dev/null
# shellcheck disable=SC2086
"$roadmill" turn --home $home --licence "$licence" --purpose research $sources
[ -t 2 ] || tock
say "demo: $(($(date +%s) - start)) s; the report: $root/$home/report.html"
