// The part of DuckDB's C API that is used here, found in a shared library at run time.
//
// Source: duckdb.h of DuckDB 1.4 (stable C API). Handles are pointers to structs there and void *
// here; the layout of duckdb_result, passed by value, is part of the API.
#ifndef ROADMILL_LAKE_DUCKDB_H
#define ROADMILL_LAKE_DUCKDB_H

#include "roadmill/base.h"

// What somebody can do who has only what was installed.
#define RML_DUCKDB_REMEDY                                                                          \
    "set ROADMILL_DUCKDB to libduckdb.so of DuckDB 1.4 (from duckdb.org), or put it beside the "   \
    "program"

enum {
    DUCKDB_BOOLEAN = 1,
    DUCKDB_TINYINT = 2,
    DUCKDB_SMALLINT = 3,
    DUCKDB_INTEGER = 4,
    DUCKDB_BIGINT = 5,
    DUCKDB_UTINYINT = 6,
    DUCKDB_USMALLINT = 7,
    DUCKDB_UINTEGER = 8,
    DUCKDB_UBIGINT = 9,
    DUCKDB_FLOAT = 10,
    DUCKDB_DOUBLE = 11,
    DUCKDB_TIMESTAMP = 12,
    DUCKDB_DATE = 13,
    DUCKDB_HUGEINT = 16,
    DUCKDB_VARCHAR = 17,
    DUCKDB_BLOB = 18,
    DUCKDB_DECIMAL = 19,
    DUCKDB_TIMESTAMP_S = 20,
    DUCKDB_TIMESTAMP_MS = 21,
    DUCKDB_TIMESTAMP_NS = 22,
    DUCKDB_ENUM = 23,
    DUCKDB_LIST = 24,
    DUCKDB_STRUCT = 25,
    DUCKDB_MAP = 26,
    DUCKDB_TIMESTAMP_TZ = 31,
    DUCKDB_ARRAY = 33,
    DUCKDB_SQLNULL = 36,
};

typedef void *duckdb_handle;
typedef struct duckdb_result {
    uint64_t deprecated_counts[3];
    void *deprecated_columns, *deprecated_error, *internal;
} duckdb_result;
typedef struct duckdb_list_entry {
    uint64_t offset, length;
} duckdb_list_entry;
// Up to 12 bytes inline, else a pointer after a prefix of 4.
typedef struct duckdb_text {
    uint32_t length;
    char prefix[4];
    const char *data;
} duckdb_text;
typedef struct duckdb_hugeint {
    uint64_t lower;
    int64_t upper;
} duckdb_hugeint;

// result type, name, arguments
#define RML_DUCKDB_FUNCTIONS(X)                                                                    \
    X(int, create_config, (duckdb_handle * config))                                                \
    X(int, set_config, (duckdb_handle config, const char *name, const char *value))                \
    X(void, destroy_config, (duckdb_handle * config))                                              \
    X(int, open_ext, (const char *path, duckdb_handle *database, duckdb_handle config, char **))   \
    X(void, close, (duckdb_handle * database))                                                     \
    X(int, connect, (duckdb_handle database, duckdb_handle * connection))                          \
    X(void, disconnect, (duckdb_handle * connection))                                              \
    X(void, free, (void *))                                                                        \
    X(int, query, (duckdb_handle connection, const char *sql, duckdb_result *result))              \
    X(void, destroy_result, (duckdb_result * result))                                              \
    X(const char *, result_error, (duckdb_result * result))                                        \
    X(int, prepare, (duckdb_handle connection, const char *sql, duckdb_handle *statement))         \
    X(const char *, prepare_error, (duckdb_handle statement))                                      \
    X(void, destroy_prepare, (duckdb_handle * statement))                                          \
    X(int, pending_prepared_streaming, (duckdb_handle statement, duckdb_handle * pending))         \
    X(const char *, pending_error, (duckdb_handle pending))                                        \
    X(int, execute_pending, (duckdb_handle pending, duckdb_result * result))                       \
    X(void, destroy_pending, (duckdb_handle * pending))                                            \
    X(uint64_t, column_count, (duckdb_result * result))                                            \
    X(const char *, column_name, (duckdb_result * result, uint64_t column))                        \
    X(duckdb_handle, column_logical_type, (duckdb_result * result, uint64_t column))               \
    X(duckdb_handle, fetch_chunk, (duckdb_result result))                                          \
    X(void, destroy_data_chunk, (duckdb_handle * chunk))                                           \
    X(uint64_t, data_chunk_get_size, (duckdb_handle chunk))                                        \
    X(duckdb_handle, data_chunk_get_vector, (duckdb_handle chunk, uint64_t column))                \
    X(void *, vector_get_data, (duckdb_handle vector))                                             \
    X(uint64_t *, vector_get_validity, (duckdb_handle vector))                                     \
    X(duckdb_handle, list_vector_get_child, (duckdb_handle vector))                                \
    X(duckdb_handle, struct_vector_get_child, (duckdb_handle vector, uint64_t index))              \
    X(duckdb_handle, array_vector_get_child, (duckdb_handle vector))                               \
    X(int, get_type_id, (duckdb_handle type))                                                      \
    X(void, destroy_logical_type, (duckdb_handle * type))                                          \
    X(uint8_t, decimal_width, (duckdb_handle type))                                                \
    X(uint8_t, decimal_scale, (duckdb_handle type))                                                \
    X(int, decimal_internal_type, (duckdb_handle type))                                            \
    X(int, enum_internal_type, (duckdb_handle type))                                               \
    X(uint32_t, enum_dictionary_size, (duckdb_handle type))                                        \
    X(char *, enum_dictionary_value, (duckdb_handle type, uint64_t index))                         \
    X(duckdb_handle, list_type_child_type, (duckdb_handle type))                                   \
    X(duckdb_handle, array_type_child_type, (duckdb_handle type))                                  \
    X(uint64_t, array_type_array_size, (duckdb_handle type))                                       \
    X(duckdb_handle, map_type_key_type, (duckdb_handle type))                                      \
    X(duckdb_handle, map_type_value_type, (duckdb_handle type))                                    \
    X(uint64_t, struct_type_child_count, (duckdb_handle type))                                     \
    X(char *, struct_type_child_name, (duckdb_handle type, uint64_t index))                        \
    X(duckdb_handle, struct_type_child_type, (duckdb_handle type, uint64_t index))

typedef struct rml_duckdb {
#define RML_DUCKDB_MEMBER(result, name, arguments) result(*name) arguments;
    RML_DUCKDB_FUNCTIONS(RML_DUCKDB_MEMBER)
#undef RML_DUCKDB_MEMBER
} rml_duckdb;

// RML_ERR_MISSING when there is no library. It is never closed: its threads and exit handlers
// outlive a close.
rml_status rml_duckdb_load(rml_duckdb *api, rml_error *err) RML_CHECKED;

#endif
