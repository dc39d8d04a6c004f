// A scenario file into the lake, in one transaction that ends with its row of `recordings`.
#include "roadmill/base/json.h"
#include "roadmill/codec.h"
#include "roadmill/lake/recordings.h"
#include "roadmill/scenario.h"
#include "roadmill/store.h"

#include <assert.h>
#include <string.h>

enum { HEAD_BYTES = 4096 };

static rml_status file_hash(rml_str path, char id[RML_HASH_TEXT], rml_bytes *head, uint64_t *size,
                            rml_arena *arena, rml_error *err)
{
    rml_object m;
    rml_hash hash = {0};
    RML_TRY(rml_object_open(&m, path, err));
    *size = m.bytes.len;
    rml_status st = rml_sha256(m.bytes.data, m.bytes.len, &hash);
    if (st) {
        st = rml_fail_memory(err, m.bytes.len);
    } else if (head) {
        size_t len = m.bytes.len < HEAD_BYTES ? m.bytes.len : HEAD_BYTES;
        uint8_t *copy = rml_arena_make(arena, len ? len : 1);
        if (copy && len) {
            memcpy(copy, m.bytes.data, len);
        }
        *head = rml_bytes_of(copy, len);
        st = copy ? RML_OK : rml_fail_memory(err, len);
    }
    rml_object_close(&m);
    rml_hash_text(&hash, id);
    return st;
}

static rml_status importer_find(rml_str path, rml_bytes head, const rml_importer **out,
                                rml_error *err)
{
    size_t count;
    const rml_importer *importers = rml_importers(&count);
    for (size_t i = 0; i < count; i++) {
        if (importers[i].recognise(path, head)) {
            *out = &importers[i];
            return RML_OK;
        }
    }
    return rml_fail(err, RML_ERR_UNSUPPORTED, rml_place_file(path), NULL,
                    "expected a CommonRoad file (XML) or an Argoverse 2 scenario "
                    "(scenario_ID.parquet), found neither");
}

// A scenario has no vehicle whose drive it could belong to: it is a drive of its own.
static rml_status drive_id_of(const char *format, const char *recording_id, char id[RML_HASH_TEXT],
                              rml_error *err)
{
    rml_buffer text = {0};
    rml_hash hash;
    rml_status st = rml_buffer_printf(&text, err, "{\"recording_id\":\"%s\",\"source\":\"%s\"}",
                                      recording_id, format);
    if (!st) {
        st = rml_json_text_hash(rml_buffer_text(&text), &hash, err);
    }
    if (!st) {
        rml_hash_text(&hash, id);
    }
    rml_buffer_reset(&text);
    return st;
}

// What of the file is no column: docs/importers.md.
static rml_status ledger_write(const rml_traffic *t, const rml_import_result *result,
                               rml_buffer *out, rml_error *err)
{
    rml_json_writer w;
    rml_json_writer_init(&w, out, err);
    rml_json_object(&w);
    rml_json_kv_str(&w, "name", t->name);
    rml_json_kv_str(&w, "stated_source", t->stated_source);
    rml_json_kv_str(&w, "clock", RML_STR("relative"));
    rml_json_kv_i64(&w, "tracks", (int64_t)result->tracks);
    rml_json_kv_i64(&w, "map_elements", (int64_t)result->map_rows);
    rml_json_kv_i64(&w, "states_in", (int64_t)result->states_in);
    rml_json_kv_i64(&w, "rows", (int64_t)result->rows);
    rml_json_kv_i64(&w, "rejects", (int64_t)result->rejects);
    rml_json_key(&w, "passed_over");
    rml_json_object(&w);
    for (size_t i = 0; i < t->ignored_count; i++) {
        rml_json_kv_i64(&w, t->ignored[i].name.data, (int64_t)t->ignored[i].count);
    }
    rml_json_object_end(&w);
    if (t->map_uri.len > 0) {
        char id[RML_HASH_TEXT];
        uint64_t size;
        RML_TRY(file_hash(t->map_uri, id, NULL, &size, NULL, err));
        rml_json_kv_str(&w, "map_uri", t->map_uri);
        rml_json_kv_str(&w, "map_sha256", rml_str_of(id));
    }
    rml_json_object_end(&w);
    return rml_json_finish(&w);
}

// The first and last time over all tracks; false if there is no state.
static bool span_of(const rml_traffic *t, int64_t *start_ns, int64_t *end_ns)
{
    for (size_t i = 0; i < t->track_count; i++) {
        const rml_track *track = &t->tracks[i];
        int64_t first = track->states[0].t_ns, last = track->states[track->count - 1].t_ns;
        *start_ns = i == 0 || first < *start_ns ? first : *start_ns;
        *end_ns = i == 0 || last > *end_ns ? last : *end_ns;
    }
    return t->track_count > 0;
}

static rml_status drive_append(rml_lake_txn *txn, const rml_traffic *t, rml_error *err)
{
    rml_batch batch = {0};
    rml_drive_row row = {
        .drive_id = t->drive_id, .recording_id = t->recording_id, .place_id = t->place_id};
    row.has_span = span_of(t, &row.start_ns, &row.end_ns);
    RML_TRY(rml_batch_init(&batch, rml_drives_schema(), err));
    rml_status st = rml_row_append(&batch, &row, err);
    if (!st) {
        st = rml_lake_append(txn, "drives", &batch, err);
    }
    rml_batch_reset(&batch);
    return st;
}

static rml_status rejects_append(rml_lake_txn *txn, const rml_traffic *t, rml_error *err)
{
    if (t->reject_count == 0) {
        return RML_OK;
    }
    rml_batch batch = {0};
    rml_status st = rml_batch_init(&batch, rml_rejects_schema(), err);
    for (size_t i = 0; !st && i < t->reject_count; i++) {
        const rml_reject_row row = {.recording_id = t->recording_id,
                                    .stage = RML_STR("import"),
                                    .channel = t->rejects[i].track_id,
                                    .offset = t->rejects[i].offset,
                                    .reason = t->rejects[i].reason};
        st = rml_row_append(&batch, &row, err);
    }
    if (!st) {
        st = rml_lake_append(txn, "rejects", &batch, err);
    }
    rml_batch_reset(&batch);
    return st;
}

static rml_status recording_commit(rml_lake_txn *txn, const rml_traffic *t,
                                   const rml_importer *importer, const rml_import_options *options,
                                   const rml_import_result *result, rml_error *err)
{
    rml_batch batch = {0};
    rml_buffer ledger = {0};
    rml_status st = ledger_write(t, result, &ledger, err);
    rml_recording_row row = {
        .recording_id = t->recording_id,
        .drive_id = t->drive_id,
        .uri = t->uri,
        .format = rml_str_of(importer->format),
        .logger = t->stated_source,
        .bytes = result->bytes,
        .messages = result->states_in,
        .rows = result->rows,
        .rejects = result->rejects,
        .ledger = rml_buffer_text(&ledger),
        .completeness = RML_STR("whole"),
        .licence = options->licence,
        .purpose = options->purpose,
        .region = options->region,
    };
    row.has_span = span_of(t, &row.start_ns, &row.end_ns);
    if (!st) {
        st = rml_batch_init(&batch, rml_recordings_schema(), err);
    }
    if (!st) {
        st = rml_row_append(&batch, &row, err);
    }
    if (!st) {
        st = rml_lake_commit(txn, "recordings", &batch, err);
    }
    rml_batch_reset(&batch);
    rml_buffer_reset(&ledger);
    return st;
}

static rml_status write_all(rml_lake *lake, const rml_traffic *t, const rml_importer *importer,
                            const rml_import_options *options, rml_import_result *out,
                            rml_error *err)
{
    rml_lake_txn *txn = NULL;
    rml_traffic_rows rows = {0};
    RML_TRY(rml_lake_begin(lake, t->recording_id, &txn, err));
    rml_status st = rml_traffic_append(txn, t, &rows, err);
    if (!st) {
        st = drive_append(txn, t, err);
    }
    if (!st) {
        st = rejects_append(txn, t, err);
    }
    out->states_in = t->states_in;
    out->rows = rows.states;
    out->rejects = t->reject_count;
    out->map_rows = rows.elements;
    out->tracks = t->track_count;
    bool there = false;
    if (!st && options->before_commit) {
        st = options->before_commit(options->before_commit_context, err);
        st = st ? st : rml_lake_has(lake, t->recording_id, &there, err);
    }
    if (there) { // the same file has come into the lake meanwhile
        out->already = true;
        out->states_in = out->rows = out->rejects = out->map_rows = out->tracks = 0;
    } else if (!st) {
        assert(out->states_in == out->rows + out->rejects);
        st = recording_commit(txn, t, importer, options, out, err);
    }
    rml_lake_txn_close(txn);
    return st;
}

static rml_status import(rml_lake *lake, rml_str path, const rml_import_options *options,
                         rml_arena *arena, rml_import_result *out, rml_error *err)
{
    rml_str absolute;
    rml_bytes head;
    RML_TRY(rml_store_absolute(path, arena, &absolute, err));
    RML_TRY(file_hash(path, out->recording_id, &head, &out->bytes, arena, err));
    const rml_importer *importer = NULL;
    RML_TRY(importer_find(path, head, &importer, err));
    RML_TRY(drive_id_of(importer->format, out->recording_id, out->drive_id, err));
    RML_TRY(rml_lake_has(lake, rml_str_of(out->recording_id), &out->already, err));
    if (out->already) {
        return RML_OK;
    }
    rml_traffic traffic;
    RML_TRY(importer->read(path, arena, &traffic, err));
    traffic.recording_id = rml_str_of(out->recording_id);
    traffic.drive_id = rml_str_of(out->drive_id);
    traffic.licence = options->licence;
    traffic.uri = absolute;
    return write_all(lake, &traffic, importer, options, out, err);
}

rml_status rml_import_scenario(rml_lake *lake, rml_str path, const rml_import_options *options,
                               rml_import_result *out, rml_error *err)
{
    static const rml_import_options nothing_stated;
    rml_arena arena = {0};
    *out = (rml_import_result){0};
    rml_status st = import(lake, path, options ? options : &nothing_stated, &arena, out, err);
    rml_arena_reset(&arena);
    return st;
}
