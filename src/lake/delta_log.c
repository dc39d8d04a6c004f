// Replaying a Delta log: actions in, live files and metadata out.
//
// Source: Delta transaction log protocol, "Actions" and "Action Reconciliation".
#include "delta_log.h"

#include <string.h>

#include "delta_schema.h"

// Reader features that change nothing for a reader of rows, or that are checked file by file.
static const char *const harmless[] = {"timestampNtz", "v2Checkpoint", "vacuumProtocolCheck",
                                       "deletionVectors", "columnMapping"};

void rml_delta_state_begin(rml_delta_state *s, rml_delta *out)
{
    *s = (rml_delta_state){.out = out,
                           .files_arena = &out->arena,
                           .files = RML_ARRAY(rml_delta_item),
                           .features = RML_ARRAY(rml_str),
                           .sidecars = RML_ARRAY(rml_str)};
}

void rml_delta_state_reset(rml_delta_state *s)
{
    rml_arena_reset(&s->line);
    rml_map_reset(&s->index);
    rml_array_reset(&s->files);
    rml_array_reset(&s->features);
    rml_array_reset(&s->sidecars);
}

// ---- Values ------------------------------------------------------------------------------------

static rml_status keep(rml_delta_state *s, rml_str text, rml_str *out, rml_error *err)
{
    *out = rml_arena_str(&s->out->arena, text);
    return out->data == NULL ? rml_fail_memory(err, text.len) : RML_OK;
}

static int hex(char c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

// Paths are relative references (RFC 2396): percent signs hide bytes. file: URIs become paths.
static rml_status keep_path(rml_delta_state *s, rml_str path, rml_str *out, rml_error *err)
{
    if (rml_str_starts(path, RML_STR("file:///"))) {
        path = (rml_str){path.data + 7, path.len - 7};
    } else if (rml_str_starts(path, RML_STR("file:/"))) {
        path = (rml_str){path.data + 5, path.len - 5};
    } else if (rml_str_find(path, RML_STR("://")) < path.len) {
        return rml_fail(err, RML_ERR_UNSUPPORTED, s->at, NULL,
                        "expected a data file below the table, found %.*s", RML_FMT(path));
    }
    char *text = rml_arena_make(&s->out->arena, path.len + 1);
    if (text == NULL) {
        return rml_fail_memory(err, path.len);
    }
    size_t n = 0;
    for (size_t i = 0; i < path.len; i++) {
        int high = path.data[i] == '%' && i + 2 < path.len ? hex(path.data[i + 1]) : -1;
        int low = high >= 0 ? hex(path.data[i + 2]) : -1;
        if (low >= 0) {
            text[n++] = (char)(high * 16 + low);
            i += 2;
        } else {
            text[n++] = path.data[i];
        }
    }
    if (memchr(text, '\0', n) != NULL || n == 0) {
        return rml_fail(err, RML_ERR_DATA, s->at, NULL,
                        "expected a path without zero bytes, found %.*s", RML_FMT(path));
    }
    *out = (rml_str){text, n};
    return RML_OK;
}

static rml_status keep_partition(rml_delta_state *s, const rml_json *values, rml_delta_file *file,
                                 rml_error *err)
{
    if (values == NULL || values->count == 0) {
        return RML_OK;
    }
    rml_delta_value *out = RML_NEW_ARRAY(&s->out->arena, rml_delta_value, values->count);
    if (out == NULL) {
        return rml_fail_memory(err, values->count * sizeof *out);
    }
    file->partition = out;
    for (const rml_json *v = values->child; v != NULL; v = v->next, out++) {
        out->null = v->kind != RML_JSON_STRING;
        RML_TRY(keep(s, v->key, &out->name, err));
        RML_TRY(keep(s, out->null ? RML_STR("") : v->string, &out->text, err));
        file->partition_count++;
    }
    return RML_OK;
}

// ---- Actions -----------------------------------------------------------------------------------

// A logical file is a path and its deletion vector: the same path with another vector is another
// file, so that a commit may add the one and remove the other in any order.
static rml_status key_of(rml_delta_state *s, rml_str path, const rml_json *action, rml_str *out,
                         rml_error *err)
{
    const rml_json *vector = rml_json_get(action, "deletionVector");
    if (vector == NULL || vector->kind == RML_JSON_NULL) {
        *out = path;
        return RML_OK;
    }
    rml_str storage = rml_json_get_str(vector, "storageType", RML_STR(""));
    rml_str where = rml_json_get_str(vector, "pathOrInlineDv", RML_STR(""));
    *out = rml_arena_printf(&s->line, "%.*s|%.*s%.*s@%lld", RML_FMT(path), RML_FMT(storage),
                            RML_FMT(where), (long long)rml_json_get_i64(vector, "offset", 0));
    return out->data == NULL ? rml_fail_memory(err, path.len) : RML_OK;
}

// The item of a key; a new one is not live.
static rml_status item_of(rml_delta_state *s, rml_str path, rml_delta_item **out, rml_error *err)
{
    uint64_t index = s->files.count;
    if (!rml_map_get(&s->index, path, &index)) {
        if (rml_array_push(&s->files, err) == NULL) {
            return RML_ERR_MEMORY;
        }
        RML_TRY(rml_map_put(&s->index, path, index, err));
    }
    *out = RML_AT(&s->files, rml_delta_item, index);
    return RML_OK;
}

static rml_status apply_add(rml_delta_state *s, const rml_json *add, rml_error *err)
{
    rml_delta_file file = {0};
    RML_TRY(keep_path(s, rml_json_get_str(add, "path", RML_STR("")), &file.path, err));
    int64_t size = rml_json_get_i64(add, "size", 0);
    file.size = size > 0 ? (uint64_t)size : 0;
    RML_TRY(keep_partition(s, rml_json_get(add, "partitionValues"), &file, err));
    RML_TRY(keep(s, rml_json_get_str(add, "stats", RML_STR("")), &file.stats, err));
    const rml_json *tags = rml_json_get(add, "tags");
    RML_TRY(keep(s, rml_json_get_str(tags, "owner", RML_STR("")), &file.owner, err));
    RML_TRY(keep(s, rml_json_get_str(tags, "last", RML_STR("")), &file.last, err));
    if (!rml_hash_parse(rml_json_get_str(tags, "rows", RML_STR("")), &file.rows_of) ||
        !rml_parse_u64(rml_json_get_str(tags, "files", RML_STR("")), &file.parts)) {
        file.parts = 0;
    }
    file.has_sha256 = rml_hash_parse(rml_json_get_str(tags, "sha256", RML_STR("")), &file.sha256);
    RML_TRY(keep(s, rml_json_get_str(tags, "digest", RML_STR("")), &file.digest, err));
    file.rearranged = !rml_json_get_bool(add, "dataChange", true);
    const rml_json *stats = NULL;
    if (file.stats.len > 0 &&
        rml_json_parse(&s->line, file.stats, s->at.file, &stats, NULL) == RML_OK) {
        int64_t rows = rml_json_get_i64(stats, "numRecords", 0);
        file.rows = rows > 0 ? (uint64_t)rows : 0;
    }
    rml_delta_item *item = NULL;
    rml_str key;
    RML_TRY(key_of(s, file.path, add, &key, err));
    RML_TRY(item_of(s, key, &item, err));
    const rml_json *vector = rml_json_get(add, "deletionVector");
    *item = (rml_delta_item){
        .file = file, .live = true, .has_vector = vector != NULL && vector->kind != RML_JSON_NULL};
    return RML_OK;
}

static rml_status apply_remove(rml_delta_state *s, const rml_json *remove, rml_error *err)
{
    rml_str path, key;
    RML_TRY(keep_path(s, rml_json_get_str(remove, "path", RML_STR("")), &path, err));
    RML_TRY(key_of(s, path, remove, &key, err));
    uint64_t index = 0;
    if (rml_map_get(&s->index, key, &index)) {
        RML_AT(&s->files, rml_delta_item, index)->live = false;
    }
    return RML_OK;
}

static rml_status apply_metadata(rml_delta_state *s, const rml_json *meta, rml_error *err)
{
    rml_str text = rml_json_get_str(meta, "schemaString", RML_STR(""));
    const rml_json *schema = NULL;
    // The first metaData of a table that is still being set up may lack it; the last may not.
    if (text.len > 0) {
        RML_TRY(rml_json_parse(&s->line, text, s->at.file, &schema, err));
        RML_TRY(
            rml_schema_parse(&s->out->arena, schema, s->at, &s->out->schema, &s->out->exact, err));
    }
    RML_TRY(keep(s, text, &s->out->schema_text, err));
    RML_TRY(keep(s, rml_json_get_str(meta, "id", RML_STR("")), &s->out->table_id, err));
    const rml_json *partition = rml_json_get(meta, "partitionColumns");
    s->partitioned = partition != NULL && partition->count > 0;
    const rml_json *settings = rml_json_get(meta, "configuration");
    rml_str mapping = rml_json_get_str(settings, "delta.columnMapping.mode", RML_STR("none"));
    s->mapped = !rml_str_equal(mapping, RML_STR("none"));
    s->out->append_only = rml_str_equal(
        rml_json_get_str(settings, "delta.appendOnly", RML_STR("false")), RML_STR("true"));
    s->has_metadata = true;
    return RML_OK;
}

static rml_status apply_protocol(rml_delta_state *s, const rml_json *protocol, rml_error *err)
{
    s->reader_version = rml_json_get_i64(protocol, "minReaderVersion", 0);
    s->writer_version = rml_json_get_i64(protocol, "minWriterVersion", 0);
    rml_array_clear(&s->features);
    const rml_json *features = rml_json_get(protocol, "readerFeatures");
    for (const rml_json *f = features != NULL ? features->child : NULL; f != NULL; f = f->next) {
        rml_str *feature = rml_array_push(&s->features, err);
        if (feature == NULL) {
            return RML_ERR_MEMORY;
        }
        RML_TRY(keep(s, f->string, feature, err));
    }
    return RML_OK;
}

static rml_status apply_sidecar(rml_delta_state *s, const rml_json *sidecar, rml_error *err)
{
    rml_str *name = rml_array_push(&s->sidecars, err);
    if (name == NULL) {
        return RML_ERR_MEMORY;
    }
    return keep_path(s, rml_json_get_str(sidecar, "path", RML_STR("")), name, err);
}

static const struct {
    const char *name;
    rml_status (*apply)(rml_delta_state *s, const rml_json *action, rml_error *err);
} actions[] = {
    {"add", apply_add},           {"remove", apply_remove},   {"metaData", apply_metadata},
    {"protocol", apply_protocol}, {"sidecar", apply_sidecar},
};

rml_status rml_delta_apply(rml_delta_state *s, rml_str action, rml_error *err)
{
    rml_arena_reset(&s->line);
    const rml_json *object = NULL;
    RML_TRY(rml_json_parse(&s->line, action, s->at.file, &object, err));
    if (object->kind != RML_JSON_OBJECT) {
        return rml_fail(err, RML_ERR_DATA, s->at, NULL, "expected an action as a JSON object");
    }
    for (size_t i = 0; i < sizeof actions / sizeof *actions; i++) {
        const rml_json *body = rml_json_get(object, actions[i].name);
        if (body != NULL && body->kind == RML_JSON_OBJECT) {
            RML_TRY(actions[i].apply(s, body, err));
        }
    }
    return RML_OK;
}

rml_status rml_delta_apply_lines(rml_delta_state *s, rml_str text, rml_error *err)
{
    rml_str left = text;
    while (left.len > 0) {
        rml_str line;
        left = rml_str_cut(left, '\n', &line);
        line = rml_str_trim(line);
        if (line.len > 0) {
            RML_TRY(rml_delta_apply(s, line, err));
        }
    }
    return RML_OK;
}

// ---- The end -----------------------------------------------------------------------------------

static rml_status refuse(const rml_delta_state *s, rml_str feature, rml_error *err)
{
    return rml_fail(err, RML_ERR_UNSUPPORTED, rml_place_file(s->out->folder),
                    "read it with another engine, or rewrite the table without the feature",
                    "expected a table of reader version 1, found the feature %.*s",
                    RML_FMT(feature));
}

static rml_status check_protocol(const rml_delta_state *s, rml_error *err)
{
    if (s->reader_version < 1 || !s->has_metadata) {
        return rml_fail(err, RML_ERR_DATA, rml_place_file(s->out->folder), NULL,
                        "expected the actions protocol and metaData in the log, found %s",
                        s->has_metadata         ? "no protocol"
                        : s->reader_version < 1 ? "neither"
                                                : "no metaData");
    }
    if (s->out->schema_text.len == 0) {
        return rml_fail(err, RML_ERR_DATA, rml_place_file(s->out->folder), NULL,
                        "expected a schemaString in metaData, found none");
    }
    if (s->reader_version > 3) {
        return rml_fail(err, RML_ERR_UNSUPPORTED, rml_place_file(s->out->folder), NULL,
                        "expected a reader version up to 3, found %lld",
                        (long long)s->reader_version);
    }
    if (s->reader_version >= 2 && s->mapped) {
        return refuse(s, RML_STR("columnMapping"), err);
    }
    for (size_t i = 0; i < s->features.count; i++) {
        rml_str feature = *RML_AT(&s->features, rml_str, i);
        bool fine = false;
        for (size_t k = 0; k < sizeof harmless / sizeof *harmless; k++) {
            fine = fine || rml_str_equal(feature, rml_str_of(harmless[k]));
        }
        if (!fine) {
            return refuse(s, feature, err);
        }
    }
    return RML_OK;
}

static int compare_files(const void *a, const void *b, void *context)
{
    (void)context;
    return rml_str_compare(((const rml_delta_file *)a)->path, ((const rml_delta_file *)b)->path);
}

rml_status rml_delta_state_end(rml_delta_state *s, rml_error *err)
{
    RML_TRY(check_protocol(s, err));
    rml_array live = RML_ARRAY(rml_delta_file);
    rml_status st = RML_OK;
    for (size_t i = 0; st == RML_OK && i < s->files.count; i++) {
        const rml_delta_item *item = RML_AT(&s->files, rml_delta_item, i);
        if (!item->live) {
            continue;
        }
        rml_delta_file *file = item->has_vector ? NULL : rml_array_push(&live, err);
        if (file == NULL) {
            st = item->has_vector ? refuse(s, RML_STR("deletionVectors"), err) : RML_ERR_MEMORY;
        } else {
            *file = item->file;
        }
    }
    if (st == RML_OK) {
        st = rml_array_sort(&live, compare_files, NULL, err);
    }
    rml_delta_file *files = RML_NEW_ARRAY(s->files_arena, rml_delta_file, live.count + 1);
    if (st == RML_OK && files == NULL) {
        st = rml_fail_memory(err, live.count * sizeof *files);
    }
    if (st == RML_OK && live.count > 0) {
        memcpy(files, live.data, live.count * sizeof *files);
    }
    s->out->files = files;
    s->out->file_count = st == RML_OK ? live.count : 0;
    s->out->writable = s->writer_version <= 2 && !s->partitioned;
    rml_array_reset(&live);
    return st;
}

rml_status rml_delta_replay(rml_delta *d, rml_str log, rml_error *err)
{
    *d = (rml_delta){0};
    rml_delta_state s;
    rml_delta_state_begin(&s, d);
    s.at = rml_place_file(RML_STR("log"));
    rml_status st = rml_delta_apply_lines(&s, log, err);
    if (st == RML_OK) {
        st = rml_delta_state_end(&s, err);
    }
    rml_delta_state_reset(&s);
    if (st != RML_OK) {
        rml_delta_close(d);
    }
    return st;
}

void rml_delta_close(rml_delta *d)
{
    rml_arena_reset(&d->arena);
    *d = (rml_delta){0};
}
