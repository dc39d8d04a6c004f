#!/bin/sh
# tools/golden_home.sh PROGRAM FOLDER: a small home as PROGRAM makes it, with traffic, saved answers, a version, a
# training, an evaluation and a registered model. tests/golden/home_0e67bf3.tar.xz is what the program of 0e67bf3 made,
# packed by `tar --sort=name --mtime=@0 --owner=0 --group=0 --numeric-owner -C FOLDER -c . | xz -9`.
set -eu
program=$1 home=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"$program" init "$home"
"$program" synth "$work/fleet" --seed 7 --drives 2 --vehicles 4 --duration 14 --road 300 >/dev/null
"$program" ingest --home "$home" "$work/fleet" >/dev/null
"$program" find "speed(a) > 1 m/s" --save --home "$home" >/dev/null
"$program" scenes build --home "$home" --stride 40 >/dev/null
"$program" dataset create tiny --home "$home" --split recording --stride 40 --share train=0.5 --share validation=0.5 >/dev/null
printf 'width: 16\nblocks: 1\nheads: 2\nhidden: 16\nbatch: 4\nsteps: 4\n' >"$work/tiny.yaml"
"$program" train "$work/tiny.yaml" --dataset tiny --home "$home" >/dev/null
run=$("$program" runs --home "$home" --json | tr -d ' \n' | sed -n 's/.*"run":"\([0-9a-f]*\)".*/\1/p')
"$program" models add tiny "$home/runs/$run" --run "$run" --home "$home" >/dev/null
# What is known of it, for the tests: the program's own words.
"$program" lake tables --home "$home" --json >"$home/tables.json"
"$program" lineage tiny/1 --home "$home" --json >"$home/lineage.json"
