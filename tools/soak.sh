# ./run soak: sourced by run. What takes long: hundreds of kills, recordings of 2 and 4 GB under a ceiling
# of memory, tens of thousands of damaged recordings. Each part says what it did; the first failure ends it.
build_in check all -DCMAKE_BUILD_TYPE=Check -DRML_TESTS=ON
export RML_DATA="$data" RML_PROGRAM="$root/build/check/roadmill" LC_ALL=C
[ -f build/lib/libduckdb.so ] && export ROADMILL_DUCKDB="$root/build/lib/libduckdb.so"
[ -n "$data" ] || unset RML_DATA
say "damaged recordings: every byte of the head, every 997th cut, 10,000 flips for each container"
RML_DAMAGE=3500 build/check/tests/convert_damage
say "a fault at every operation of a store of objects, from ingest to a registered model"
RML_FAULTS=all build/check/tests/store_wheel
RML_KILLS=200 build/venv/bin/python -m pytest -q -rs --no-header -p no:cacheprovider tests/fault tests/soak
