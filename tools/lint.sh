# ./run lint [deep]: sourced by run. What a machine can check of how this code reads: format, layers, headers that
# compile alone in C and C++, tidy, the shape of files.
case ${1:-} in '' | deep) ;; *) die "lint: expected nothing or deep, found $1" ;; esac
faults=0
fault() { say "lint: $*"; faults=$((faults + 1)); }

ours() { git ls-files 'src/*.c' 'src/*.h' 'include/*.h' 'tests/*.c' 'tests/*.h' 'fuzz/*.c' 'bench/*.c' 'bench/*.h' 'examples/*.c' 'cmake/*.c'; }

badly=$(ours | xargs -r clang-format --dry-run 2>&1 | grep -oE '^[^: ]+\.[ch]:' | tr -d : | sort -u)
[ -z "$badly" ] || for file in $badly; do fault "$file: expected the format of .clang-format; clang-format -i $file"; done

for header in $(git ls-files 'include/roadmill/*.h'); do
    alone="#include \"${header#include/}\"
int lint;"
    echo "$alone" | cc -std=c17 -Wall -Wextra -Wpedantic -Werror -fsyntax-only -x c -Iinclude - || fault "$header: does not compile alone in C"
    echo "$alone" | c++ -std=c++17 -Wall -Wextra -Wpedantic -Werror -fsyntax-only -x c++ -Iinclude - || fault "$header: does not compile alone in C++"
done

# Layers: the build enforces them; this tells rooms without a line and files with several thoughts, and
# tools/lint_house.py what else keeps the house.
for room in src/*/; do
    name=$(basename "$room")
    grep -q "^$name:" src/LAYERS || fault "src/$name: has no line in src/LAYERS"
    [ -f "include/roadmill/$name.h" ] || fault "include/roadmill/$name.h: missing, each room has its public header"
done

# Things that belong to one room: malloc to base, system headers to os.
belongs() { # PATTERN ROOM WHAT
    hits=$(git grep -nE "$1" -- 'src/*.c' 'src/*.h' | grep -vE "^src/($2)/" || :)
    [ -z "$hits" ] || { say "$hits"; fault "$3"; }
}
belongs '\b(malloc|calloc|realloc)\(' 'base|os/mpi' "malloc belongs to base (the module for MPI stands apart)"
belongs '#include <(unistd|pthread|sys/[a-z]+|dlfcn|fcntl|signal)\.h>' 'os' "system headers belong to os"
belongs '^[^"]*\b(printf|fprintf|puts|exit|abort)\(' 'cli' "the library never prints, exits or aborts"
belongs '#include.*\.\./' 'none' "an #include goes by room, never by ../"
belongs '\b(strcpy|strcat|sprintf|gets|atoi|atof|strtok|rand|alloca)\(' 'none' "banned function"

for file in $(ours); do
    [ -f "$file" ] || continue
    lines=$(wc -l <"$file")
    [ "$lines" -le 800 ] || head -n 12 "$file" | grep -qi 'one table\|generated\|one family' || fault "$file: $lines lines, above 800: split it or say in its first comment why not"
    case $(head -c 2 "$file") in //) ;; *) fault "$file: expected a first line that says what the file is for" ;; esac
done
long=$(git ls-files 'src/*.c' | xargs -r awk '
    FNR == 1 { open = 0 }
    /^\{/ { open = FNR }
    /^\}/ { if (open && FNR - open > 80) print FILENAME ":" open ": a function of " FNR - open " lines"; open = 0 }')
[ -z "$long" ] || { say "$long"; fault "functions fit a screen (70 lines)"; }

build_in lint roadmill_static -DCMAKE_BUILD_TYPE=Check -DCMAKE_C_COMPILER=clang
python3 tools/lint_house.py --library build/lint/libroadmill.a >&2 || fault "the house: see above"
# Of clang's analyzer neither the core checks, which do not follow "status is OK, so the pointer is
# set" (sanitizers and fuzz targets look for the same faults), nor names of the C library.
deep_checks=
if [ "${1:-}" = deep ]; then
    deep_checks='clang-analyzer-deadcode.*,clang-analyzer-security.insecureAPI.*,-clang-analyzer-security.insecureAPI.DeprecatedOrUnsafeBufferHandling,clang-analyzer-unix.API,clang-analyzer-unix.Vfork'
fi
tidy_log=build/lint/tidy.log
say "clang-tidy, minutes"
tick clang-tidy "$tidy_log"
git ls-files 'src/*.c' | xargs -P "$jobs" -n 8 clang-tidy --quiet --checks="$deep_checks" -p build/lint >"$tidy_log" 2>/dev/null || :
tock
if grep -qE '(warning|error):' "$tidy_log"; then
    grep -E '(warning|error):' "$tidy_log" | sort -u | head -n 40 >&2
    fault "clang-tidy: see $tidy_log"
fi

# The C that leaves for the car: MISRA C:2012 by cppcheck's addon, on a file with every op. What is
# not held is listed in docs/deploy.md, and nothing else may be.
misra_deviations='2\.5|8\.9|12\.1|12\.3|19\.2'
build_in lint test_deploy_export -DCMAKE_BUILD_TYPE=Check -DCMAKE_C_COMPILER=clang -DRML_TESTS=ON
rm -rf build/lint/emitted
mkdir -p build/lint/emitted
build/lint/tests/deploy_export write build/lint/emitted 1
misra_log=build/lint/misra.log
cppcheck --quiet --addon=misra --std=c99 --language=c build/lint/emitted/every_op.c >"$misra_log" 2>&1 || :
grep -q 'misra-c2012-' "$misra_log" || fault "cppcheck's MISRA addon found not even the listed deviations: see $misra_log"
if grep -E 'misra-c2012-' "$misra_log" | grep -vE "misra-c2012-($misra_deviations)\]" >&2; then
    fault "emitted C: MISRA rules beside the listed deviations: see $misra_log"
fi

if [ "$faults" -gt 0 ]; then die "lint: $faults faults"; fi
say "lint: clean"
