// Loads the report of a drive: rows of `drives` and `recordings`, and the ledgers in them.
#include "roadmill/report.h"

#include <math.h>

#include "roadmill/base/json.h"
#include "roadmill/lake/sql.h"

#define RECORDINGS_MAX 100000
// Log times from here on count from 1970; smaller ones count from some start of their own.
#define EPOCH_NS_MIN ((int64_t)100000000000000000)

typedef struct loader {
    rml_arena *arena;
    rml_drive_report *out;
    rml_array channels, recordings;
    rml_error *err;
} loader;

// Times are written as strings, as RFC 8785 keeps integers to 2^53 only.
static int64_t ns_of(const rml_json *object, const char *key)
{
    int64_t value = 0;
    (void)rml_parse_i64(rml_json_get_str(object, key, (rml_str){0}), &value);
    return value;
}

static uint64_t count_of(const rml_json *object, const char *key)
{
    return (uint64_t)rml_json_get_i64(object, key, 0);
}

static size_t length_of(const rml_json *list)
{
    size_t count = 0;
    for (const rml_json *v = list == NULL ? NULL : list->child; v != NULL; v = v->next) {
        count++;
    }
    return count;
}

static rml_status load_gaps(loader *l, const rml_json *from, rml_drive_channel *c)
{
    const rml_json *list = rml_json_get(from, "gaps");
    size_t count = length_of(list);
    rml_drive_span *gaps = RML_NEW_ARRAY(l->arena, rml_drive_span, count + 1);
    if (gaps == NULL) {
        return rml_fail_memory(l->err, count * sizeof(*gaps));
    }
    c->gaps = gaps;
    for (const rml_json *v = list == NULL ? NULL : list->child; v != NULL; v = v->next) {
        int64_t from_ns = ns_of(v, "from_ns");
        gaps[c->gaps_kept++] = (rml_drive_span){from_ns, from_ns + ns_of(v, "length_ns")};
    }
    return RML_OK;
}

static rml_status load_bins(loader *l, const rml_json *from, rml_drive_channel *c)
{
    const rml_json *over_time = rml_json_get(from, "over_time");
    const rml_json *list = over_time == NULL ? NULL : rml_json_get(over_time, "messages");
    size_t count = length_of(list);
    rml_drive_bin *bins = RML_NEW_ARRAY(l->arena, rml_drive_bin, count + 1);
    if (bins == NULL) {
        return rml_fail_memory(l->err, count * sizeof(*bins));
    }
    c->bins = bins;
    int64_t at_ns = over_time == NULL ? 0 : ns_of(over_time, "from_ns");
    int64_t width_ns = over_time == NULL ? 0 : ns_of(over_time, "width_ns");
    for (const rml_json *v = list == NULL ? NULL : list->child; v != NULL; v = v->next) {
        if (v->integer > 0) {
            bins[c->bin_count++] = (rml_drive_bin){at_ns, width_ns, (uint64_t)v->integer};
        }
        at_ns += width_ns;
    }
    return RML_OK;
}

static rml_status load_channel(loader *l, const rml_json *from)
{
    rml_drive_channel *c = rml_array_push(&l->channels, l->err);
    if (c == NULL) {
        return RML_ERR_MEMORY;
    }
    const rml_str none = {0};
    *c =
        (rml_drive_channel){.recording = l->recordings.count - 1,
                            .topic = rml_json_get_str(from, "topic", none),
                            .type = rml_json_get_str(from, "type", none),
                            .sensor_clock = rml_json_get_str(from, "sensor_clock", none),
                            .messages = count_of(from, "messages"),
                            .gap_count = count_of(from, "gap_count"),
                            .sequence_drops = count_of(from, "sequence_drops"),
                            .duplicates = count_of(from, "duplicates"),
                            .out_of_order = count_of(from, "out_of_order"),
                            .first_ns = ns_of(from, "first_ns"),
                            .last_ns = ns_of(from, "last_ns"),
                            .period_ns = ns_of(from, "period_ns"),
                            .gap_ns_max = ns_of(from, "gap_ns_max"),
                            .latency_s_mean = rml_json_get_f64(from, "latency_ns_mean", NAN) * 1e-9,
                            .drift_ppm = rml_json_get_f64(from, "drift_ppm", NAN)};
    RML_TRY(load_gaps(l, from, c));
    return load_bins(l, from, c);
}

static rml_str text_at(const rml_batch *b, const char *name, size_t row, rml_arena *arena)
{
    const rml_column *c = rml_batch_column(b, name);
    return c == NULL || rml_column_is_null(c, row)
               ? (rml_str){0}
               : rml_arena_str(arena, rml_column_get_str(c, row));
}

static uint64_t number_at(const rml_batch *b, const char *name, size_t row)
{
    const rml_column *c = rml_batch_column(b, name);
    return c == NULL || rml_column_is_null(c, row) ? 0 : (uint64_t)rml_column_get_i64(c, row);
}

static rml_status load_recording(loader *l, const rml_batch *b, size_t row)
{
    rml_drive_recording *r = rml_array_push(&l->recordings, l->err);
    if (r == NULL) {
        return RML_ERR_MEMORY;
    }
    *r = (rml_drive_recording){.recording_id = text_at(b, "recording_id", row, l->arena),
                               .uri = text_at(b, "uri", row, l->arena),
                               .format = text_at(b, "format", row, l->arena),
                               .completeness = text_at(b, "completeness", row, l->arena),
                               .findings = text_at(b, "findings", row, l->arena),
                               .messages = number_at(b, "messages", row),
                               .bytes = number_at(b, "bytes", row),
                               .bytes_lost = number_at(b, "bytes_lost", row)};
    if (row == 0) {
        l->out->drive_id = text_at(b, "drive_id", 0, l->arena);
        l->out->vehicle = text_at(b, "vehicle", 0, l->arena);
    }
    rml_str text = text_at(b, "ledger", row, l->arena);
    if (text.len == 0) {
        return RML_OK;
    }
    const rml_json *ledger;
    RML_TRY(rml_json_parse(l->arena, text, RML_STR("ledger"), &ledger, l->err));
    const rml_json *channels = rml_json_get(ledger, "channels");
    for (const rml_json *v = channels == NULL ? NULL : channels->child; v != NULL; v = v->next) {
        RML_TRY(load_channel(l, v));
    }
    return RML_OK;
}

static int by_topic(const void *a, const void *b, void *context)
{
    (void)context;
    const rml_drive_channel *x = a, *y = b;
    int order = rml_str_compare(x->topic, y->topic);
    return order != 0 ? order : (x->first_ns > y->first_ns) - (x->first_ns < y->first_ns);
}

// From the first to the last message on the clock (from 1970, or not) of most messages.
static void find_span(rml_drive_report *r)
{
    uint64_t counts[2] = {0};
    for (size_t i = 0; i < r->channel_count; i++) {
        counts[r->channels[i].first_ns >= EPOCH_NS_MIN] += r->channels[i].messages;
    }
    bool epoch = counts[1] >= counts[0];
    for (size_t i = 0; i < r->channel_count; i++) {
        const rml_drive_channel *c = &r->channels[i];
        if (c->messages > 0 && (c->first_ns >= EPOCH_NS_MIN) == epoch) {
            r->start_ns = !r->has_span || c->first_ns < r->start_ns ? c->first_ns : r->start_ns;
            r->end_ns = !r->has_span || c->last_ns > r->end_ns ? c->last_ns : r->end_ns;
            r->has_span = true;
        }
    }
}

static rml_status take_rows(loader *l, const rml_batch *b, rml_str prefix)
{
    size_t drives = 0;
    const rml_column *ids = rml_batch_column(b, "drive_id");
    for (size_t i = 0; i < b->count; i++) {
        drives +=
            i == 0 || !rml_str_equal(rml_column_get_str(ids, i), rml_column_get_str(ids, i - 1));
    }
    if (drives != 1) {
        return rml_fail(l->err, drives == 0 ? RML_ERR_MISSING : RML_ERR_ARGUMENT, (rml_place){0},
                        "roadmill drives lists them",
                        "expected one drive with an id that begins with \"%.*s\", found %zu",
                        RML_FMT(prefix), drives);
    }
    for (size_t i = 0; i < b->count; i++) {
        RML_TRY(load_recording(l, b, i));
    }
    RML_TRY(rml_array_sort(&l->channels, by_topic, NULL, l->err));
    rml_drive_channel *channels = RML_NEW_ARRAY(l->arena, rml_drive_channel, l->channels.count + 1);
    rml_drive_recording *recordings =
        RML_NEW_ARRAY(l->arena, rml_drive_recording, l->recordings.count + 1);
    if (channels == NULL || recordings == NULL) {
        return rml_fail_memory(l->err, l->channels.count * sizeof(*channels));
    }
    for (size_t i = 0; i < l->channels.count; i++) {
        channels[i] = *RML_AT(&l->channels, rml_drive_channel, i);
    }
    for (size_t i = 0; i < l->recordings.count; i++) {
        recordings[i] = *RML_AT(&l->recordings, rml_drive_recording, i);
    }
    l->out->channels = channels;
    l->out->channel_count = l->channels.count;
    l->out->recordings = recordings;
    l->out->recording_count = l->recordings.count;
    find_span(l->out);
    return RML_OK;
}

rml_status rml_drive_report_load(rml_lake *lake, rml_str prefix, rml_arena *arena,
                                 rml_drive_report *out, rml_error *err)
{
    rml_str quoted = rml_sql_quote(arena, prefix);
    rml_str sql = rml_arena_printf(
        arena,
        "SELECT d.drive_id, d.vehicle, d.findings, r.recording_id, r.uri, r.format, "
        "r.completeness, r.messages, r.bytes, r.bytes_lost, r.ledger FROM drives d "
        "JOIN recordings r USING (recording_id) WHERE starts_with(d.drive_id, %.*s) "
        "ORDER BY d.drive_id, r.start_ns, r.recording_id",
        RML_FMT(quoted));
    if (quoted.data == NULL || sql.data == NULL) {
        return rml_fail_memory(err, 512);
    }
    *out = (rml_drive_report){0};
    loader l = {.arena = arena,
                .out = out,
                .channels = RML_ARRAY(rml_drive_channel),
                .recordings = RML_ARRAY(rml_drive_recording),
                .err = err};
    rml_rows *rows;
    rml_batch batch = {0};
    RML_TRY(rml_lake_sql(lake, sql, &rows, err));
    rml_status st = rml_rows_all(rows, RECORDINGS_MAX, &batch, err);
    rml_rows_close(rows);
    if (st == RML_OK) {
        st = take_rows(&l, &batch, prefix);
    }
    rml_batch_reset(&batch);
    rml_array_reset(&l.channels);
    rml_array_reset(&l.recordings);
    return st;
}
