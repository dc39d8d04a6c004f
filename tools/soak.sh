# ./run soak: sourced by run. What takes long: hundreds of kills, a recording of 2 GB under a ceiling of
# memory. Each part says what it did; the first failure ends it.
build_in check all -DCMAKE_BUILD_TYPE=Check -DRML_TESTS=ON
export RML_DATA="$data" RML_PROGRAM="$root/build/check/roadmill" LC_ALL=C
[ -f build/lib/libduckdb.so ] && export ROADMILL_DUCKDB="$root/build/lib/libduckdb.so"
[ -n "$data" ] || unset RML_DATA
RML_KILLS=100 build/venv/bin/python -m pytest -q -rs --no-header -p no:cacheprovider tests/fault tests/soak
