// Finds DuckDB's shared library and its functions.
#include "duckdb.h"

#include <string.h>

#include "roadmill/os.h"

#if defined(__APPLE__)
#define LIBRARY "libduckdb.dylib"
#else
#define LIBRARY "libduckdb.so"
#endif

static rml_status bind(rml_duckdb *api, void *library, rml_str path, rml_error *err)
{
    static const struct {
        const char *name;
        size_t offset;
    } functions[] = {
#define RML_DUCKDB_ROW(result, name, arguments) {"duckdb_" #name, offsetof(rml_duckdb, name)},
        RML_DUCKDB_FUNCTIONS(RML_DUCKDB_ROW)
#undef RML_DUCKDB_ROW
    };
    for (size_t i = 0; i < sizeof functions / sizeof *functions; i++) {
        void *symbol = rml_library_symbol(library, functions[i].name);
        if (symbol == NULL) {
            return rml_fail(err, RML_ERR_UNSUPPORTED, rml_place_file(path),
                            "./run setup fetches it",
                            "expected the C API of DuckDB 1.4, found no %s", functions[i].name);
        }
        // A pointer to an object is not one to a function in ISO C; POSIX says their bits are.
        memcpy((char *)api + functions[i].offset, &symbol, sizeof symbol);
    }
    return RML_OK;
}

rml_status rml_duckdb_load(rml_duckdb *api, rml_error *err)
{
    void *library = NULL;
    const char *given = rml_env("ROADMILL_DUCKDB");
    if (given != NULL) {
        if (rml_library_open(given, &library, NULL) != RML_OK) {
            return rml_fail(err, RML_ERR_MISSING, rml_place_file(rml_str_of(given)),
                            "./run setup fetches it",
                            "expected DuckDB's library where ROADMILL_DUCKDB says, found none");
        }
        return bind(api, library, rml_str_of(given), err);
    }
    rml_arena arena = {0};
    rml_str folder = rml_program_folder(&arena);
    static const char *const places[] = {"/" LIBRARY, "/../lib/" LIBRARY, "/../../lib/" LIBRARY};
    rml_str found = RML_STR(LIBRARY);
    for (size_t i = 0; i < sizeof places / sizeof *places && library == NULL; i++) {
        rml_str path = folder.data == NULL
                           ? (rml_str){0}
                           : rml_arena_printf(&arena, "%s%s", folder.data, places[i]);
        if (path.data != NULL && rml_file_exists(path.data)) {
            rml_status st = rml_library_open(path.data, &library, err);
            if (st != RML_OK) {
                rml_arena_reset(&arena);
                return st;
            }
            found = path;
        }
    }
    rml_status st = RML_OK;
    if (library == NULL && rml_library_open(LIBRARY, &library, NULL) != RML_OK) {
        st = rml_fail(err, RML_ERR_UNSUPPORTED, (rml_place){0}, "./run setup fetches it",
                      "expected " LIBRARY " (DuckDB 1.4) beside the program, in ../lib or in the "
                      "system, found none");
    }
    if (st == RML_OK) {
        st = bind(api, library, found, err);
    }
    rml_arena_reset(&arena);
    return st;
}
