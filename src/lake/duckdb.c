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
            return rml_fail(err, RML_ERR_UNSUPPORTED, rml_place_file(path), RML_DUCKDB_REMEDY,
                            "expected the C API of DuckDB 1.4, found no %s", functions[i].name);
        }
        // A pointer to an object is not one to a function in ISO C; POSIX says their bits are.
        memcpy((char *)api + functions[i].offset, &symbol, sizeof symbol);
    }
    return RML_OK;
}

// Beside the program or the library that this code is in, or where an install or a build puts it.
static rml_status find(rml_arena *arena, void **library, rml_str *found, rml_error *err)
{
    static const char *const places[] = {"/" LIBRARY,
                                         "/roadmill/" LIBRARY,
                                         "/../roadmill/" LIBRARY,
                                         "/../lib/roadmill/" LIBRARY,
                                         "/../lib/" LIBRARY,
                                         "/../../lib/" LIBRARY};
    const rml_str folders[] = {rml_program_folder(arena), rml_library_folder(arena)};
    for (size_t k = 0; k < sizeof folders / sizeof *folders; k++) {
        for (size_t i = 0; folders[k].data != NULL && i < sizeof places / sizeof *places; i++) {
            *found = rml_arena_printf(arena, "%s%s", folders[k].data, places[i]);
            if (found->data != NULL && rml_file_exists(found->data)) {
                return rml_library_open(found->data, library, err);
            }
        }
    }
    *found = RML_STR(LIBRARY);
    if (rml_library_open(LIBRARY, library, NULL) != RML_OK) {
        return rml_fail(err, RML_ERR_UNSUPPORTED, (rml_place){0}, RML_DUCKDB_REMEDY,
                        "expected " LIBRARY " (DuckDB 1.4) beside the program, in ../lib/roadmill "
                        "or in the system, found none");
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
                            RML_DUCKDB_REMEDY,
                            "expected DuckDB's library where ROADMILL_DUCKDB says, found none");
        }
        return bind(api, library, rml_str_of(given), err);
    }
    rml_arena arena = {0};
    rml_str found;
    rml_status st = find(&arena, &library, &found, err);
    st = st ? st : bind(api, library, found, err);
    rml_arena_reset(&arena);
    return st;
}
