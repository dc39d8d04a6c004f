// Checkpoints and vacuum. The log is asked by SQL: its commits and the checkpoint before them as
// one table of actions, of which the last for each path, application and kind counts (Delta
// transaction log protocol, "Action Reconciliation").
#include "roadmill/lake/upkeep.h"

#include "roadmill/os.h"
#include "roadmill/store.h"

#include "delta_log.h"
#include "lake.h"

#define CHECKPOINT_SIZE_MAX ((size_t)1 << 30)
#define HOUR_NS ((int64_t)3600 * 1000000000)

// The columns of a checkpoint, for the reader of JSON.
static const char columns[] =
    "{txn: 'STRUCT(appId VARCHAR, version BIGINT, lastUpdated BIGINT)', "
    "add: 'STRUCT(path VARCHAR, partitionValues MAP(VARCHAR, VARCHAR), size BIGINT, "
    "modificationTime BIGINT, dataChange BOOLEAN, stats VARCHAR, tags MAP(VARCHAR, VARCHAR))', "
    "remove: 'STRUCT(path VARCHAR, deletionTimestamp BIGINT, dataChange BOOLEAN)', "
    "metaData: 'STRUCT(id VARCHAR, name VARCHAR, description VARCHAR, format STRUCT(provider "
    "VARCHAR, options MAP(VARCHAR, VARCHAR)), schemaString VARCHAR, partitionColumns VARCHAR[], "
    "configuration MAP(VARCHAR, VARCHAR), createdTime BIGINT)', "
    "protocol: 'STRUCT(minReaderVersion INTEGER, minWriterVersion INTEGER)'}";

// The actions of a table, each with the version `v` of its commit.
typedef struct log_files {
    rml_str folder;     // of the log
    int64_t checkpoint; // the newest of ours up to `version`; -1: none
    int64_t version;    // of the newest commit
    rml_buffer list;    // SQL list of the commits behind the checkpoint
    uint64_t commits;   // in it
    rml_store_copies copies;
} log_files;

static void log_close(log_files *log)
{
    rml_buffer_reset(&log->list);
    rml_store_copies_close(&log->copies);
}

// A file of the log as an SQL literal.
static rml_status quote_file(log_files *log, rml_arena *arena, rml_str name, rml_str *out,
                             rml_error *err)
{
    rml_str uri = rml_path_join(arena, log->folder, name), path;
    RML_TRY(uri.data == NULL ? rml_fail_memory(err, name.len)
                             : rml_store_copy(&log->copies, uri, &path, err));
    *out = rml_sql_quote(arena, path);
    return out->data == NULL ? rml_fail_memory(err, path.len) : RML_OK;
}

static int64_t checkpoint_version(rml_str name)
{
    int64_t version = 0;
    bool ours = name.len == 39 && rml_str_ends(name, RML_STR(".checkpoint.parquet")) &&
                rml_parse_i64((rml_str){name.data, 20}, &version);
    return ours ? version : -1;
}

static rml_status find_log(rml_arena *arena, rml_str folder, log_files *out, rml_error *err)
{
    rml_array names = RML_ARRAY(rml_str);
    out->folder = rml_path_join(arena, folder, RML_STR("_delta_log"));
    out->checkpoint = out->version = -1;
    rml_status st = out->folder.data == NULL ? rml_fail_memory(err, folder.len)
                                             : rml_store_list(out->folder, arena, &names, err);
    for (size_t i = 0; st == RML_OK && i < names.count; i++) {
        rml_str name = *RML_AT(&names, rml_str, i);
        int64_t commit = rml_delta_commit_version(name), checkpoint = checkpoint_version(name);
        out->version = commit > out->version ? commit : out->version;
        out->checkpoint = checkpoint > out->checkpoint ? checkpoint : out->checkpoint;
    }
    for (size_t i = 0; st == RML_OK && i < names.count; i++) {
        rml_str name = *RML_AT(&names, rml_str, i);
        if (rml_delta_commit_version(name) > out->checkpoint) {
            rml_str quoted;
            st = quote_file(out, arena, name, &quoted, err);
            st = st ? st
                    : rml_buffer_printf(&out->list, err, "%s%.*s", out->commits > 0 ? ", " : "",
                                        RML_FMT(quoted));
            out->commits++;
        }
    }
    rml_array_reset(&names);
    // A log that was cleaned up behind a checkpoint of another kind tells only half of the table.
    if (st == RML_OK && out->commits != (uint64_t)(out->version - out->checkpoint)) {
        st = rml_fail(err, RML_ERR_UNSUPPORTED, rml_place_file(out->folder),
                      "keep it up with the engine that wrote its checkpoint",
                      "expected every commit from version %lld to %lld, found %llu of them (and no "
                      "classic checkpoint in one file)",
                      (long long)out->checkpoint + 1, (long long)out->version,
                      (unsigned long long)out->commits);
    }
    return st;
}

// "WITH a AS (…all actions…), f AS (…the last action of each path…)"
static rml_status actions_text(rml_arena *arena, log_files *log, rml_buffer *out, rml_error *err)
{
    RML_TRY(rml_buffer_str(out,
                           RML_STR("WITH a AS (SELECT * FROM (SELECT -1 AS v, NULL AS txn, "
                                   "NULL AS \"add\", NULL AS remove, NULL AS metaData, NULL "
                                   "AS protocol) WHERE false"),
                           err));
    if (log->checkpoint >= 0) {
        rml_str quoted;
        rml_str name =
            rml_arena_printf(arena, "%020lld.checkpoint.parquet", (long long)log->checkpoint);
        RML_TRY(name.data == NULL ? rml_fail_memory(err, 64)
                                  : quote_file(log, arena, name, &quoted, err));
        RML_TRY(rml_buffer_printf(
            out, err,
            " UNION ALL BY NAME SELECT %lld AS v, txn, \"add\", remove, metaData, protocol FROM "
            "read_parquet(%.*s, hive_partitioning=false)",
            (long long)log->checkpoint, RML_FMT(quoted)));
    }
    if (log->commits > 0) {
        RML_TRY(rml_buffer_printf(
            out, err,
            " UNION ALL BY NAME SELECT CAST(regexp_extract(filename, '(\\d{20})\\.json$', 1) AS "
            "BIGINT) AS v, txn, \"add\", remove, metaData, protocol FROM read_json([%.*s], "
            "columns=%s, format='newline_delimited', filename=true, "
            "maximum_object_size=268435456)",
            RML_FMT(rml_buffer_text(&log->list)), columns));
    }
    return rml_buffer_str(
        out,
        RML_STR("), f AS (SELECT coalesce(\"add\".path, remove.path) AS path, arg_max(\"add\", v) "
                "FILTER (WHERE \"add\" IS NOT NULL) AS \"add\", arg_max(remove, v) FILTER (WHERE "
                "remove IS NOT NULL) AS remove, coalesce(max(v) FILTER (WHERE \"add\" IS NOT "
                "NULL), -1) > coalesce(max(v) FILTER (WHERE remove IS NOT NULL), -2) AS live FROM "
                "a WHERE \"add\" IS NOT NULL OR remove IS NOT NULL GROUP BY 1)"),
        err);
}

// ---- Checkpoints -------------------------------------------------------------------------------

static rml_status checkpoint_text(rml_arena *arena, log_files *log, rml_str to, rml_buffer *out,
                                  rml_error *err)
{
    int64_t since_ms = (rml_clock_unix_ns() - RML_LAKE_RETAIN_HOURS * HOUR_NS) / 1000000;
    rml_str quoted = rml_sql_quote(arena, to);
    RML_TRY(rml_buffer_str(out, RML_STR("COPY ("), err));
    RML_TRY(actions_text(arena, log, out, err));
    return rml_buffer_printf(
        out, err,
        " SELECT arg_max(txn, v) AS txn, NULL AS \"add\", NULL AS remove, NULL AS metaData, NULL "
        "AS protocol FROM a WHERE txn IS NOT NULL GROUP BY txn.appId UNION ALL BY NAME SELECT "
        "\"add\" FROM f WHERE live UNION ALL BY NAME SELECT remove FROM f WHERE NOT live AND "
        "coalesce(remove.deletionTimestamp, 0) > %lld UNION ALL BY NAME SELECT arg_max(metaData, "
        "v) AS metaData FROM a WHERE metaData IS NOT NULL UNION ALL BY NAME SELECT "
        "arg_max(protocol, v) AS protocol FROM a WHERE protocol IS NOT NULL) TO %.*s (FORMAT "
        "parquet)",
        (long long)since_ms, RML_FMT(quoted));
}

// How many actions a checkpoint holds: the "size" of _last_checkpoint.
static rml_status count_actions(rml_sql *sql, rml_arena *arena, rml_str made, int64_t *out,
                                rml_error *err)
{
    rml_str quoted = rml_sql_quote(arena, made);
    rml_str text =
        rml_arena_printf(arena, "SELECT count(*) FROM read_parquet(%.*s)", RML_FMT(quoted));
    rml_rows *rows = NULL;
    rml_batch batch = {0};
    RML_TRY(text.data == NULL ? rml_fail_memory(err, made.len)
                              : rml_sql_query(sql, text, &rows, err));
    rml_status st = rml_rows_all(rows, 1, &batch, err);
    *out = st == RML_OK ? rml_column_get_i64(&batch.columns[0], 0) : 0;
    rml_batch_reset(&batch);
    rml_rows_close(rows);
    return st;
}

static rml_status publish(const log_files *log, rml_arena *arena, rml_str made, int64_t actions,
                          rml_error *err)
{
    rml_buffer content = {0};
    rml_str path = rml_arena_printf(arena, "%.*s/%020lld.checkpoint.parquet", RML_FMT(log->folder),
                                    (long long)log->version);
    rml_str last = rml_path_join(arena, log->folder, RML_STR("_last_checkpoint"));
    rml_str text = rml_arena_printf(arena, "{\"version\":%lld,\"size\":%lld}",
                                    (long long)log->version, (long long)actions);
    if (path.data == NULL || last.data == NULL || text.data == NULL) {
        return rml_fail_memory(err, 256);
    }
    rml_status st = rml_file_read(made.data, CHECKPOINT_SIZE_MAX, &content, err);
    if (st == RML_OK) {
        st = rml_store_put_new(path, rml_buffer_bytes(&content), err);
        st = st == RML_ERR_EXISTS ? RML_OK : st; // another process was faster: the same state
    }
    rml_buffer_reset(&content);
    return st ? st : rml_store_put(last, rml_bytes_of_str(text), err);
}

static rml_status folder_of(rml_lake *lake, const char *table, rml_arena *arena, rml_str *folder,
                            rml_error *err)
{
    RML_TRY(rml_lake_check_name(table, err));
    return rml_lake_path(lake, rml_str_of(table), arena, folder, err);
}

static rml_status write_checkpoint(rml_sql *sql, rml_arena *arena, log_files *log, rml_error *err)
{
    rml_str folder;
    rml_buffer text = {0};
    int64_t actions = 0;
    RML_TRY(rml_folder_temporary(arena, &folder, err));
    rml_str made = rml_path_join(arena, folder, RML_STR("checkpoint.parquet"));
    rml_status st = made.data == NULL ? rml_fail_memory(err, folder.len)
                                      : checkpoint_text(arena, log, made, &text, err);
    st = st ? st : rml_sql_run(sql, rml_buffer_text(&text), err);
    st = st ? st : count_actions(sql, arena, made, &actions, err);
    st = st ? st : publish(log, arena, made, actions, err);
    rml_buffer_reset(&text);
    rml_status removed = rml_folder_remove(folder.data, st ? NULL : err);
    return st ? st : removed;
}

static rml_status table_open(rml_lake *lake, const char *table, const rml_delta **state,
                             rml_error *err)
{
    RML_TRY(rml_lake_latest(lake, rml_str_of(table), state, err));
    return (*state)->writable
               ? RML_OK
               : rml_fail(err, RML_ERR_UNSUPPORTED, rml_place_file(rml_str_of(table)), NULL,
                          "expected a table of writer version 2 without partitions, found one "
                          "that needs more");
}

rml_status rml_lake_checkpoint(rml_lake *lake, const char *table, rml_lake_checkpoint_info *out,
                               rml_error *err)
{
    rml_arena arena = {0};
    rml_str folder;
    const rml_delta *state;
    log_files log = {0};
    rml_sql *sql = NULL;
    *out = (rml_lake_checkpoint_info){0};
    rml_status st = folder_of(lake, table, &arena, &folder, err);
    st = st ? st : table_open(lake, table, &state, err);
    st = st ? st : find_log(&arena, folder, &log, err);
    if (st == RML_OK) {
        *out = (rml_lake_checkpoint_info){log.version, log.commits, log.commits > 0};
    }
    if (st == RML_OK && out->written) {
        st = rml_sql_open(&sql, err);
        st = st ? st : write_checkpoint(sql, &arena, &log, err);
    }
    rml_sql_close(sql);
    log_close(&log);
    rml_arena_reset(&arena);
    return st;
}

// ---- Vacuum ------------------------------------------------------------------------------------

// When the log says that files were removed: paths to indexes into times in ms.
static rml_status removed_paths(rml_arena *arena, log_files *log, rml_map *index,
                                rml_array *removed_ms, rml_error *err)
{
    rml_sql *sql = NULL;
    rml_rows *rows = NULL;
    rml_buffer text = {0};
    const rml_batch *b;
    rml_status st = actions_text(arena, log, &text, err);
    st = st ? st
            : rml_buffer_str(&text,
                             RML_STR(" SELECT path, coalesce(remove.deletionTimestamp, 0) FROM f "
                                     "WHERE NOT live"),
                             err);
    st = st ? st : rml_sql_open(&sql, err);
    st = st ? st : rml_sql_query(sql, rml_buffer_text(&text), &rows, err);
    while (st == RML_OK && (st = rml_rows_next(rows, &b, err)) == RML_OK) {
        for (size_t i = 0; st == RML_OK && i < b->count; i++) {
            int64_t *at = rml_array_push(removed_ms, err);
            st = at == NULL ? RML_ERR_MEMORY
                            : rml_map_put(index, rml_column_get_str(&b->columns[0], i),
                                          removed_ms->count - 1, err);
            if (at != NULL) {
                *at = rml_column_get_i64(&b->columns[1], i);
            }
        }
    }
    rml_rows_close(rows);
    rml_sql_close(sql);
    rml_buffer_reset(&text);
    return st == RML_END ? RML_OK : st;
}

static rml_status live_paths(const rml_delta *state, rml_map *live, rml_error *err)
{
    rml_status st = RML_OK;
    for (size_t i = 0; st == RML_OK && i < state->file_count; i++) {
        st = rml_map_put(live, state->files[i].path, i, err);
    }
    return st;
}

typedef struct vacuum {
    const rml_lake_vacuum_options *options;
    rml_str folder; // of the table
    int64_t before_ns;
    rml_map live, removed; // by path relative to the folder
    rml_array removed_ms;  // int64_t, by the value in removed
    rml_array *paths;
    rml_lake_vacuum_result *out;
} vacuum;

// A file of the table's folder: needed, too young, or removed.
static rml_status look_at(vacuum *v, rml_str path, rml_error *err)
{
    rml_str relative = {path.data + v->folder.len + 1, path.len - v->folder.len - 1};
    rml_file_info info;
    size_t index;
    if (rml_str_starts(relative, RML_STR("_")) || rml_map_get(&v->live, relative, NULL)) {
        return RML_OK;
    }
    bool known = rml_map_get(&v->removed, relative, &index);
    int64_t removed_ms = known ? *RML_AT(&v->removed_ms, int64_t, index) : 0;
    RML_TRY(rml_store_stat(path, &info, err));
    int64_t unused_ns =
        removed_ms * 1000000 > info.modified_ns ? removed_ms * 1000000 : info.modified_ns;
    if (unused_ns > v->before_ns) {
        v->out->kept_young++;
        return RML_OK;
    }
    v->out->files++;
    v->out->bytes += info.size;
    if (v->paths != NULL) {
        rml_str *place = rml_array_push(v->paths, err);
        if (place == NULL) {
            return RML_ERR_MEMORY;
        }
        *place = path;
    }
    return v->options->keep ? RML_OK : rml_store_remove(path, err);
}

static rml_status check_retention(const rml_lake_vacuum_options *o, rml_error *err)
{
    if (o->retain_hours >= 0 && (o->insist || o->retain_hours >= RML_LAKE_RETAIN_HOURS)) {
        return RML_OK;
    }
    return rml_fail(err, RML_ERR_ARGUMENT, (rml_place){0},
                    "--insist, if nobody writes or reads older versions",
                    "expected to retain at least %d hours, found %lld", RML_LAKE_RETAIN_HOURS,
                    (long long)o->retain_hours);
}

rml_status rml_lake_vacuum(rml_lake *lake, const char *table,
                           const rml_lake_vacuum_options *options, rml_arena *arena,
                           rml_array *paths, rml_lake_vacuum_result *out, rml_error *err)
{
    *out = (rml_lake_vacuum_result){0};
    RML_TRY(check_retention(options, err));
    const rml_delta *state;
    log_files log = {0};
    rml_array files = RML_ARRAY(rml_str);
    vacuum v = {.options = options,
                .before_ns = rml_clock_unix_ns() - options->retain_hours * HOUR_NS,
                .removed_ms = RML_ARRAY(int64_t),
                .paths = paths,
                .out = out};
    // Files first: one that is written and committed later is not among them.
    rml_status st = folder_of(lake, table, arena, &v.folder, err);
    st = st ? st : rml_store_walk(v.folder, arena, &files, err);
    st = st ? st : table_open(lake, table, &state, err);
    st = st ? st : live_paths(state, &v.live, err);
    st = st ? st : find_log(arena, v.folder, &log, err);
    st = st ? st : removed_paths(arena, &log, &v.removed, &v.removed_ms, err);
    for (size_t i = 0; st == RML_OK && i < files.count; i++) {
        st = look_at(&v, *RML_AT(&files, rml_str, i), err);
    }
    rml_map_reset(&v.live);
    rml_map_reset(&v.removed);
    rml_array_reset(&v.removed_ms);
    rml_array_reset(&files);
    log_close(&log);
    return st;
}
