// Opening a Delta table: the newest complete checkpoint not after the version, then the commits.
//
// Source: Delta transaction log protocol, "Checkpoints". The folder is listed, so _last_checkpoint,
// which is only a hint and may be missing or wrong, is not needed. Checkpoints in Parquet are read
// by DuckDB, each row as the JSON of its action.
#include <string.h>

#include "roadmill/lake/delta.h"
#include "roadmill/lake/sql.h"
#include "roadmill/os.h"
#include "roadmill/store.h"

#include "delta_log.h"

int64_t rml_delta_commit_version(rml_str name)
{
    uint64_t version = 0;
    if (name.len != 25 || !rml_str_ends(name, RML_STR(".json")) ||
        !rml_parse_u64((rml_str){name.data, 20}, &version) || version > INT64_MAX) {
        return -1;
    }
    return (int64_t)version;
}

rml_str rml_delta_log_path(rml_arena *arena, rml_str folder, rml_str name)
{
    return rml_arena_printf(arena, "%.*s/_delta_log/%.*s", RML_FMT(folder), RML_FMT(name));
}

// ---- Checkpoints -------------------------------------------------------------------------------

// N.checkpoint.parquet, N.checkpoint.PART.PARTS.parquet, N.checkpoint.UUID.{parquet,json}
typedef struct checkpoint {
    int64_t version; // -1: not a checkpoint
    uint64_t part, parts;
    bool json;
} checkpoint;

static checkpoint checkpoint_of(rml_str name)
{
    checkpoint none = {.version = -1}, c = {.parts = 1, .part = 1};
    rml_str rest = name, head, word, tail;
    rest = rml_str_cut(rest, '.', &head);
    rest = rml_str_cut(rest, '.', &word);
    uint64_t version = 0;
    if (head.len != 20 || !rml_parse_u64(head, &version) || version > INT64_MAX ||
        !rml_str_equal(word, RML_STR("checkpoint"))) {
        return none;
    }
    c.version = (int64_t)version;
    rml_str after = rml_str_cut(rest, '.', &tail);
    if (rml_str_equal(rest, RML_STR("parquet"))) {
        return c;
    }
    if (rml_parse_u64(tail, &c.part) && tail.len == 10) {
        rml_str kind = rml_str_cut(after, '.', &head);
        bool numbered = rml_parse_u64(head, &c.parts) && c.parts > 0;
        return numbered && rml_str_equal(kind, RML_STR("parquet")) ? c : none;
    }
    c.part = 1;
    c.json = rml_str_equal(after, RML_STR("json"));
    return c.json || rml_str_equal(after, RML_STR("parquet")) ? c : none;
}

static bool same_checkpoint(checkpoint a, checkpoint b)
{
    return a.version == b.version && a.parts == b.parts;
}

// The newest checkpoint up to a version of which every part is there; .version -1: none.
static checkpoint find_checkpoint(const rml_array *names, int64_t version)
{
    checkpoint best = {.version = -1};
    for (size_t i = 0; i < names->count; i++) {
        checkpoint c = checkpoint_of(*RML_AT(names, rml_str, i));
        if (c.version < 0 || c.version > version || c.version <= best.version) {
            continue;
        }
        uint64_t found = 0;
        for (size_t k = 0; k < names->count && c.parts > 1; k++) {
            found += same_checkpoint(checkpoint_of(*RML_AT(names, rml_str, k)), c);
        }
        if (c.parts == 1 || found == c.parts) {
            best = c;
        }
    }
    return best;
}

static rml_status read_parquet(rml_delta_state *s, rml_sql *sql, rml_str path, rml_error *err)
{
    rml_arena arena = {0};
    rml_store_copies copies = {0};
    rml_str local = {0}, text = {0};
    rml_rows *rows = NULL;
    rml_status st = rml_store_copy(&copies, path, &local, err);
    if (st == RML_OK) {
        rml_str literal = rml_sql_quote(&arena, local);
        text = rml_arena_printf(
            &arena,
            "SELECT to_json(t)::VARCHAR FROM read_parquet([%.*s], hive_partitioning=false) t",
            RML_FMT(literal));
        st = text.data == NULL ? rml_fail_memory(err, path.len)
                               : rml_sql_query(sql, text, &rows, err);
    }
    const rml_batch *batch = NULL;
    while (st == RML_OK && (st = rml_rows_next(rows, &batch, err)) == RML_OK) {
        for (size_t i = 0; st == RML_OK && i < batch->count; i++) {
            st = rml_delta_apply(s, rml_column_get_str(&batch->columns[0], i), err);
        }
    }
    rml_rows_close(rows);
    rml_store_copies_close(&copies);
    rml_arena_reset(&arena);
    return st == RML_END ? RML_OK : st;
}

static rml_status read_json(rml_delta_state *s, rml_str path, rml_error *err)
{
    rml_buffer text = {0};
    rml_status st = rml_store_get(path, RML_DELTA_COMMIT_SIZE_MAX, &text, err);
    if (st == RML_OK) {
        s->at = rml_place_file(path);
        st = rml_delta_apply_lines(s, rml_buffer_text(&text), err);
    }
    rml_buffer_reset(&text);
    return st;
}

static rml_status read_checkpoint_file(rml_delta_state *s, rml_sql **sql, bool json, rml_str path,
                                       rml_error *err)
{
    if (path.data == NULL) {
        return rml_fail_memory(err, 256);
    }
    s->at = rml_place_file(path);
    if (json) {
        return read_json(s, path, err);
    }
    if (*sql == NULL) {
        RML_TRY(rml_sql_open(sql, err));
    }
    return read_parquet(s, *sql, path, err);
}

static rml_status read_checkpoint(rml_delta_state *s, const rml_array *names, checkpoint c,
                                  rml_error *err)
{
    rml_sql *sql = NULL;
    rml_arena *arena = &s->out->arena;
    rml_status st = RML_OK;
    bool done = false;
    for (size_t i = 0; st == RML_OK && !done && i < names->count; i++) {
        rml_str name = *RML_AT(names, rml_str, i);
        checkpoint here = checkpoint_of(name);
        if (same_checkpoint(here, c) && here.json == c.json) {
            rml_str path = rml_delta_log_path(arena, s->out->folder, name);
            st = read_checkpoint_file(s, &sql, here.json, path, err);
            done = c.parts == 1; // several of V2 are the same state
        }
    }
    for (size_t i = 0; st == RML_OK && i < s->sidecars.count; i++) {
        rml_str name = *RML_AT(&s->sidecars, rml_str, i);
        rml_str path = name.data[0] == '/'
                           ? name
                           : rml_arena_printf(arena, "%.*s/_delta_log/_sidecars/%.*s",
                                              RML_FMT(s->out->folder), RML_FMT(name));
        st = read_checkpoint_file(s, &sql, false, path, err);
    }
    rml_sql_close(sql);
    return st;
}

// ---- Opening -----------------------------------------------------------------------------------

static rml_status fail_missing(rml_str folder, int64_t version, rml_error *err)
{
    return rml_fail(err, RML_ERR_MISSING, rml_place_file(folder), "roadmill lake tables lists them",
                    version < 0 ? "expected a Delta table, found no _delta_log with a commit"
                                : "expected version %lld of the table, found none",
                    (long long)version);
}

static rml_status read_commit(rml_delta_state *s, int64_t version, rml_error *err)
{
    rml_arena arena = {0};
    rml_str name = rml_arena_printf(&arena, "%020lld.json", (long long)version);
    rml_str path = rml_delta_log_path(&arena, s->out->folder, name);
    rml_status st = path.data == NULL ? rml_fail_memory(err, 256) : read_json(s, path, err);
    s->at = (rml_place){0};
    rml_arena_reset(&arena);
    return st;
}

static rml_status replay(rml_delta_state *s, const rml_array *names, int64_t version,
                         rml_error *err)
{
    checkpoint c = find_checkpoint(names, version);
    if (c.version >= 0) {
        RML_TRY(read_checkpoint(s, names, c, err));
    }
    for (int64_t v = c.version + 1; v <= version; v++) {
        rml_status st = read_commit(s, v, err);
        if (st == RML_ERR_MISSING) {
            return v == 0 ? fail_missing(s->out->folder, version, err)
                          : rml_fail(err, RML_ERR_DATA, rml_place_file(s->out->folder), NULL,
                                     "expected commit %lld in the log, found none", (long long)v);
        }
        RML_TRY(st);
    }
    s->out->version = version;
    return rml_delta_state_end(s, err);
}

// Opens s->out, which is empty, at a version; -1: the latest.
static rml_status open_state(rml_delta_state *s, rml_str folder, int64_t version, rml_error *err)
{
    rml_delta *d = s->out;
    d->folder = rml_arena_str(&d->arena, folder);
    rml_str log = rml_arena_printf(&d->arena, "%.*s/_delta_log", RML_FMT(folder));
    if (d->folder.data == NULL || log.data == NULL) {
        return rml_fail_memory(err, folder.len);
    }
    rml_array names = RML_ARRAY(rml_str);
    rml_status st = rml_store_list(log, &d->arena, &names, err);
    int64_t latest = -1;
    for (size_t i = 0; i < names.count; i++) {
        rml_str name = *RML_AT(&names, rml_str, i);
        int64_t v = rml_delta_commit_version(name);
        v = v < 0 ? checkpoint_of(name).version : v;
        latest = v > latest ? v : latest;
    }
    if (st == RML_OK && (latest < 0 || version > latest)) {
        st = fail_missing(folder, version, err);
    }
    if (st == RML_OK) {
        st = replay(s, &names, version < 0 ? latest : version, err);
    }
    rml_array_reset(&names);
    return st;
}

rml_status rml_delta_open(rml_delta *d, rml_str folder, int64_t version, rml_error *err)
{
    *d = (rml_delta){0};
    rml_delta_state s;
    rml_delta_state_begin(&s, d);
    rml_status st = open_state(&s, folder, version, err);
    rml_delta_state_reset(&s);
    if (st != RML_OK) {
        rml_delta_close(d);
    }
    return st;
}

// ---- Following ---------------------------------------------------------------------------------

static rml_status commit_info(const rml_delta *d, int64_t version, rml_file_info *out,
                              rml_error *err)
{
    rml_arena arena = {0};
    rml_str name = rml_arena_printf(&arena, "%020lld.json", (long long)version);
    rml_str path = rml_delta_log_path(&arena, d->folder, name);
    rml_status st = path.data == NULL ? rml_fail_memory(err, 256) : rml_store_stat(path, out, err);
    rml_arena_reset(&arena);
    return st;
}

static rml_status follow_on(rml_delta_follower *f, rml_error *err)
{
    int64_t version = f->delta.version;
    rml_status st;
    while ((st = read_commit(&f->state, f->delta.version + 1, err)) == RML_OK) {
        f->delta.version++;
    }
    if (st != RML_ERR_MISSING) {
        return st;
    }
    if (err != NULL) {
        *err = (rml_error){0};
    }
    if (f->delta.version == version) {
        return RML_OK;
    }
    rml_arena_reset(&f->files);
    return rml_delta_state_end(&f->state, err);
}

rml_status rml_delta_follow(rml_delta_follower *f, rml_str folder, rml_error *err)
{
    rml_file_info info = {0};
    if (f->open) {
        RML_TRY(commit_info(&f->delta, f->delta.version, &info, err));
        if (!info.exists || info.size != f->size || info.modified_ns != f->modified_ns) {
            rml_delta_follower_close(f);
        }
    }
    rml_status st;
    if (f->open) {
        st = follow_on(f, err);
    } else {
        *f = (rml_delta_follower){.open = true};
        rml_delta_state_begin(&f->state, &f->delta);
        f->state.files_arena = &f->files;
        st = open_state(&f->state, folder, -1, err);
    }
    if (st == RML_OK) {
        st = commit_info(&f->delta, f->delta.version, &info, err);
        f->size = info.size;
        f->modified_ns = info.modified_ns;
    }
    if (st != RML_OK) {
        rml_delta_follower_close(f);
    }
    return st;
}

void rml_delta_follower_close(rml_delta_follower *f)
{
    if (f->open) {
        rml_delta_state_reset(&f->state);
        rml_arena_reset(&f->files);
        rml_delta_close(&f->delta);
    }
    *f = (rml_delta_follower){0};
}
