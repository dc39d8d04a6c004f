// SQL by DuckDB: a database in memory, and a connection for each result that is being read.
#include "roadmill/lake/sql.h"

#include <string.h>

#include "roadmill/os.h"

#include "delta_schema.h"
#include "duckdb.h"
#include "sql_plan.h"
#include "sql_rows.h"

struct rml_rows {
    rml_sql *sql;
    rml_arena arena; // plans
    duckdb_handle connection, statement, pending;
    duckdb_result result;
    bool has_result, over;
    rml_sql_plan *plans;
    rml_schema schema;
    rml_batch batch;
};

rml_status rml_sql_fail(rml_error *err, const char *message)
{
    static const struct {
        const char *prefix;
        rml_status status;
    } kinds[] = {
        {"Parser Error", RML_ERR_ARGUMENT},     {"Binder Error", RML_ERR_ARGUMENT},
        {"Catalog Error", RML_ERR_ARGUMENT},    {"Conversion Error", RML_ERR_ARGUMENT},
        {"Out of Memory", RML_ERR_MEMORY},      {"IO Error", RML_ERR_IO},
        {"Permission Error", RML_ERR_ARGUMENT}, {"Invalid Input Error", RML_ERR_ARGUMENT},
    };
    rml_status status = RML_ERR_DATA;
    rml_str text = rml_str_of(message != NULL ? message : "no reason given");
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        if (rml_str_starts(text, rml_str_of(kinds[i].prefix))) {
            status = kinds[i].status;
        }
    }
    char line[512];
    size_t n = 0;
    for (size_t i = 0; i < text.len && n + 1 < sizeof line; i++) {
        bool space = text.data[i] == '\n' || text.data[i] == ' ';
        if (!space || (n > 0 && line[n - 1] != ' ')) {
            line[n++] = space ? ' ' : text.data[i];
        }
    }
    line[n] = '\0';
    return rml_fail(err, status, rml_place_file(RML_STR("SQL")), NULL, "%s", line);
}

// ---- The database ------------------------------------------------------------------------------

static rml_status configure(rml_sql *sql, duckdb_handle config, rml_error *err)
{
    rml_arena arena = {0};
    const char *temporary = rml_env("TMPDIR");
    rml_str spill = rml_arena_printf(&arena, "%s/roadmill-sql", temporary ? temporary : "/tmp");
    rml_str threads = rml_arena_printf(&arena, "%zu", rml_thread_count());
    if (spill.data == NULL || threads.data == NULL) {
        rml_arena_reset(&arena);
        return rml_fail_memory(err, 256);
    }
    const char *settings[][2] = {
        {"autoinstall_known_extensions", "false"},
        {"autoload_known_extensions", "false"},
        {"allow_community_extensions", "false"},
        {"extension_directory", "/dev/null"}, // INSTALL has no place to put one
        {"temp_directory", spill.data},
        {"threads", threads.data},
    };
    rml_status st = RML_OK;
    for (size_t i = 0; st == RML_OK && i < sizeof settings / sizeof *settings; i++) {
        if (sql->api.set_config(config, settings[i][0], settings[i][1]) != 0) {
            st = rml_fail(err, RML_ERR_UNSUPPORTED, (rml_place){0}, RML_DUCKDB_REMEDY,
                          "expected DuckDB 1.4, found one without the setting %s", settings[i][0]);
        }
    }
    rml_arena_reset(&arena);
    return st;
}

rml_status rml_sql_open(rml_sql **out, rml_error *err)
{
    *out = NULL;
    rml_sql *sql = rml_heap_make(sizeof *sql);
    if (sql == NULL) {
        return rml_fail_memory(err, sizeof *sql);
    }
    sql->schemas = RML_ARRAY(rml_schema);
    duckdb_handle config = NULL;
    rml_status st = rml_duckdb_load(&sql->api, err);
    if (st != RML_OK) {
        rml_heap_free(sql);
        return st;
    }
    if (sql->api.create_config(&config) != 0) {
        st = rml_fail_memory(err, 1);
    }
    if (st == RML_OK) {
        st = configure(sql, config, err);
    }
    char *message = NULL;
    if (st == RML_OK && sql->api.open_ext(NULL, &sql->database, config, &message) != 0) {
        st = rml_sql_fail(err, message);
    }
    if (message != NULL) {
        sql->api.free(message);
    }
    if (st == RML_OK && sql->api.connect(sql->database, &sql->connection) != 0) {
        st = rml_sql_fail(err, "no connection");
    }
    if (config != NULL) {
        sql->api.destroy_config(&config);
    }
    if (st != RML_OK) {
        rml_sql_close(sql);
        return st;
    }
    *out = sql;
    return RML_OK;
}

void rml_sql_close(rml_sql *sql)
{
    if (sql == NULL) {
        return;
    }
    if (sql->connection != NULL) {
        sql->api.disconnect(&sql->connection);
    }
    if (sql->database != NULL) {
        sql->api.close(&sql->database);
    }
    rml_store_copies_close(&sql->copies);
    rml_array_reset(&sql->schemas);
    rml_arena_reset(&sql->arena);
    rml_heap_free(sql);
}

rml_status rml_sql_run(rml_sql *sql, rml_str text, rml_error *err)
{
    rml_arena arena = {0};
    rml_str copy = rml_arena_str(&arena, text);
    if (copy.data == NULL) {
        return rml_fail_memory(err, text.len);
    }
    duckdb_result result = {0};
    rml_status st = RML_OK;
    if (sql->api.query(sql->connection, copy.data, &result) != 0) {
        st = rml_sql_fail(err, sql->api.result_error(&result));
    }
    sql->api.destroy_result(&result);
    rml_arena_reset(&arena);
    return st;
}

// ---- Results -----------------------------------------------------------------------------------

static bool same_schema(rml_schema a, rml_schema b)
{
    bool same = a.count == b.count;
    for (size_t i = 0; same && i < a.count; i++) {
        same = rml_str_equal(a.fields[i].name, b.fields[i].name) &&
               rml_field_same(&a.fields[i], &b.fields[i]);
    }
    return same;
}

// The schema lives as long as the connection, because a batch that was taken out of the rows
// borrows it; the same schema is kept once.
static rml_status keep_schema(rml_sql *sql, rml_schema schema, rml_schema *out, rml_error *err)
{
    for (size_t i = 0; i < sql->schemas.count; i++) {
        rml_schema kept = *RML_AT(&sql->schemas, rml_schema, i);
        if (same_schema(kept, schema)) {
            *out = kept;
            return RML_OK;
        }
    }
    RML_TRY(rml_schema_copy(&sql->arena, schema, out, err));
    rml_schema *kept = rml_array_push(&sql->schemas, err);
    if (kept == NULL) {
        return RML_ERR_MEMORY;
    }
    *kept = *out;
    return RML_OK;
}

static rml_status make_plans(rml_rows *rows, rml_error *err)
{
    const rml_duckdb *api = &rows->sql->api;
    size_t count = (size_t)api->column_count(&rows->result);
    rml_field *fields = RML_NEW_ARRAY(&rows->arena, rml_field, count + 1);
    rows->plans = RML_NEW_ARRAY(&rows->arena, rml_sql_plan, count + 1);
    if (fields == NULL || rows->plans == NULL) {
        return rml_fail_memory(err, count * sizeof *fields);
    }
    for (size_t i = 0; i < count; i++) {
        rml_str name = rml_str_of(api->column_name(&rows->result, i));
        duckdb_handle type = api->column_logical_type(&rows->result, i);
        rml_status st =
            rml_sql_plan_make(api, type, name, &rows->arena, &rows->plans[i], &fields[i], err);
        api->destroy_logical_type(&type);
        RML_TRY(st);
    }
    RML_TRY(keep_schema(rows->sql, (rml_schema){fields, count}, &rows->schema, err));
    return rml_batch_init(&rows->batch, rows->schema, err);
}

static rml_status start(rml_rows *rows, const char *text, rml_error *err)
{
    const rml_duckdb *api = &rows->sql->api;
    if (api->connect(rows->sql->database, &rows->connection) != 0) {
        return rml_sql_fail(err, "no connection");
    }
    if (api->prepare(rows->connection, text, &rows->statement) != 0) {
        return rml_sql_fail(err, api->prepare_error(rows->statement));
    }
    // Streaming, so that a result is never whole in memory.
    if (api->pending_prepared_streaming(rows->statement, &rows->pending) != 0) {
        return rml_sql_fail(err, api->pending_error(rows->pending));
    }
    rows->has_result = true;
    if (api->execute_pending(rows->pending, &rows->result) != 0) {
        return rml_sql_fail(err, api->result_error(&rows->result));
    }
    return make_plans(rows, err);
}

rml_status rml_sql_query(rml_sql *sql, rml_str text, rml_rows **out, rml_error *err)
{
    *out = NULL;
    rml_rows *rows = rml_heap_make(sizeof *rows);
    if (rows == NULL) {
        return rml_fail_memory(err, sizeof *rows);
    }
    rows->sql = sql;
    rml_str copy = rml_arena_str(&rows->arena, text);
    rml_status st = copy.data == NULL ? rml_fail_memory(err, text.len) : RML_OK;
    if (st == RML_OK) {
        st = start(rows, copy.data, err);
    }
    if (st != RML_OK) {
        rml_rows_close(rows);
        return st;
    }
    *out = rows;
    return RML_OK;
}

rml_status rml_sql_read_parquet(rml_sql *sql, const char *path, rml_rows **out, rml_error *err)
{
    *out = NULL;
    rml_arena arena = {0};
    rml_str local;
    RML_TRY(rml_store_copy(&sql->copies, rml_str_of(path), &local, err));
    rml_str literal = rml_sql_quote(&arena, local);
    rml_str text = literal.data == NULL ? (rml_str){0}
                                        : rml_arena_printf(&arena,
                                                           "SELECT * FROM read_parquet([%s], "
                                                           "hive_partitioning=false)",
                                                           literal.data);
    rml_status st =
        text.data == NULL ? rml_fail_memory(err, strlen(path)) : rml_sql_query(sql, text, out, err);
    rml_arena_reset(&arena);
    return st;
}

rml_str rml_sql_quote(rml_arena *arena, rml_str text)
{
    size_t quotes = 0;
    for (size_t i = 0; i < text.len; i++) {
        quotes += text.data[i] == '\'';
    }
    char *out = rml_arena_make(arena, text.len + quotes + 3);
    if (out == NULL) {
        return (rml_str){0};
    }
    size_t n = 0;
    out[n++] = '\'';
    for (size_t i = 0; i < text.len; i++) {
        out[n++] = text.data[i];
        if (text.data[i] == '\'') {
            out[n++] = '\'';
        }
    }
    out[n++] = '\'';
    return (rml_str){out, n};
}

rml_schema rml_rows_schema(const rml_rows *rows)
{
    return rows->schema;
}

// Appends the next chunk to a batch; RML_END after the last.
static rml_status fetch(rml_rows *rows, rml_batch *batch, rml_error *err)
{
    const rml_duckdb *api = &rows->sql->api;
    if (rows->over) {
        return RML_END;
    }
    duckdb_handle chunk = api->fetch_chunk(rows->result);
    if (chunk == NULL || api->data_chunk_get_size(chunk) == 0) {
        rows->over = true;
        if (chunk != NULL) {
            api->destroy_data_chunk(&chunk);
        }
        const char *message = api->result_error(&rows->result);
        return message != NULL && *message != '\0' ? rml_sql_fail(err, message) : RML_END;
    }
    uint64_t count = api->data_chunk_get_size(chunk);
    rml_status st = RML_OK;
    for (size_t i = 0; st == RML_OK && i < rows->schema.count; i++) {
        st = rml_sql_plan_append(api, &rows->plans[i], api->data_chunk_get_vector(chunk, i), 0,
                                 count, &batch->columns[i], err);
    }
    batch->count += (size_t)count;
    api->destroy_data_chunk(&chunk);
    return st;
}

rml_status rml_rows_next(rml_rows *rows, const rml_batch **out, rml_error *err)
{
    *out = NULL;
    rml_batch_clear(&rows->batch);
    RML_TRY(fetch(rows, &rows->batch, err));
    *out = &rows->batch;
    return RML_OK;
}

rml_status rml_rows_all(rml_rows *rows, size_t most, rml_batch *out, rml_error *err)
{
    RML_TRY(rml_batch_init(out, rows->schema, err));
    rml_status st = RML_OK;
    while (st == RML_OK && out->count <= most) {
        st = fetch(rows, out, err);
    }
    if (st == RML_OK || (st == RML_END && out->count > most)) {
        st = rml_fail(err, RML_ERR_LIMIT, rml_place_file(RML_STR("SQL")), NULL,
                      "expected at most %zu rows, found more", most);
    }
    if (st != RML_END) {
        rml_batch_reset(out);
        return st;
    }
    return RML_OK;
}

void rml_rows_close(rml_rows *rows)
{
    if (rows == NULL) {
        return;
    }
    const rml_duckdb *api = &rows->sql->api;
    if (rows->has_result) {
        api->destroy_result(&rows->result);
    }
    if (rows->pending != NULL) {
        api->destroy_pending(&rows->pending);
    }
    if (rows->statement != NULL) {
        api->destroy_prepare(&rows->statement);
    }
    if (rows->connection != NULL) {
        api->disconnect(&rows->connection);
    }
    rml_batch_reset(&rows->batch);
    rml_arena_reset(&rows->arena);
    rml_heap_free(rows);
}
