// Messages that list objects become `tracks` and `maps`: see rml_tracks_make. What an object is and
// where it stands in its message is a row of object_sources.c.
#include "objects.h"

#include "recipe.h"
#include "roadmill/lake/recordings.h"
#include "roadmill/lake/sql.h"
#include "roadmill/math.h"
#include "signals.h"

#include <assert.h>
#include <math.h>

enum { STATES_MAX = 100000000, ID_TEXT = 72 };

typedef struct object_track {
    rml_track track; // without states
    size_t count;    // of its states
} object_track;

typedef struct object_state {
    size_t track;
    uint64_t message; // in the order of the log
    rml_track_state state;
} object_state;

// The fields of an object in the batch at hand.
typedef struct object_fields {
    rml_nested object, id, x, y, z, yaw, turn[4], vx, vy, length, width;
} object_fields;

typedef struct objects {
    rml_lake *lake;
    rml_arena *arena;
    rml_str recording_id, table, topic;
    const object_source *source;
    object_fields fields;
    rml_traffic_builder builder;
    rml_map ids;      // track_id -> place in tracks
    rml_array tracks; // object_track
    rml_array states; // object_state, in the order of the log
    rml_array times;  // int64_t, of messages
    rml_str frame;    // of the first object that is kept
    uint64_t message; // at hand
    rml_traffic traffic;
} objects;

// ---- One object --------------------------------------------------------------------------------

static void find_fields(objects *o, rml_nested object)
{
    static const char *const parts[] = {"x", "y", "z", "w"};
    const object_source *s = o->source;
    rml_nested turn = rml_nested_at(object, s->quaternion);
    o->fields = (object_fields){.object = object,
                                .id = rml_nested_at(object, s->id),
                                .x = rml_nested_at(object, s->x),
                                .y = rml_nested_at(object, s->y),
                                .z = rml_nested_at(object, s->z),
                                .yaw = rml_nested_at(object, s->yaw),
                                .vx = rml_nested_at(object, s->vx),
                                .vy = rml_nested_at(object, s->vy),
                                .length = rml_nested_at(object, s->length),
                                .width = rml_nested_at(object, s->width)};
    for (size_t i = 0; i < 4; i++) {
        o->fields.turn[i] = rml_nested_at(turn, parts[i]);
    }
}

static rml_status track_of(objects *o, rml_str id, size_t row, bool is_ego, size_t *out,
                           rml_error *err)
{
    uint64_t at = o->tracks.count;
    if (!rml_map_get(&o->ids, id, &at)) {
        RML_TRY(rml_map_put(&o->ids, id, at, err));
        object_track *item = rml_array_push(&o->tracks, err);
        if (!item) {
            return RML_ERR_MEMORY;
        }
        *item = (object_track){.track = {.length_m = NAN, .width_m = NAN, .is_ego = is_ego}};
        RML_TRY(rml_copy_str(o->arena, id, &item->track.track_id, err));
    }
    // Class and size are those that were told first.
    rml_track *track = &RML_AT(&o->tracks, object_track, at)->track;
    if (track->agent_class == RML_AGENT_UNKNOWN) {
        object_class c = o->source->classify(o->fields.object, row);
        track->agent_class = c.agent_class;
        RML_TRY(rml_str_equal(c.source_class, track->source_class)
                    ? RML_OK
                    : rml_copy_str(o->arena, c.source_class, &track->source_class, err));
    }
    if (isnan(track->length_m)) {
        track->length_m = rml_nested_f64(o->fields.length, row);
        track->width_m = rml_nested_f64(o->fields.width, row);
    }
    *out = (size_t)at;
    return RML_OK;
}

static double yaw_of(const objects *o, size_t row)
{
    if (o->source->yaw) {
        return rml_nested_f64(o->fields.yaw, row);
    }
    double q[4];
    for (size_t i = 0; i < 4; i++) {
        q[i] = rml_nested_f64(o->fields.turn[i], row);
    }
    return rml_recipe_yaw(q);
}

// Why an object is no state; NULL if it is one.
static const char *objection(bool has_time, bool has_frame, rml_str id, double x, double y)
{
    if (!has_time) {
        return "its message has no time of its own";
    }
    if (!has_frame) {
        return "its frame does not stand still, or is another than that of the objects before: "
               "expected map, odom, world or earth";
    }
    if (id.len == 0) {
        return "it has no id, so it belongs to no track";
    }
    return isfinite(x) && isfinite(y) ? NULL : "its position is missing or not finite";
}

typedef struct object_message {
    bool has_time, has_frame;
    int64_t t_ns;
    rml_str host;
} object_message;

static rml_status object_take(objects *o, const object_message *m, size_t row, rml_error *err)
{
    const object_fields *f = &o->fields;
    char text[ID_TEXT];
    rml_str id = rml_nested_name(f->id, row, text, sizeof text);
    double x = rml_nested_f64(f->x, row);
    double y = rml_nested_f64(f->y, row);
    const char *why = objection(m->has_time, m->has_frame, id, x, y);
    if (why) {
        return rml_traffic_builder_reject(&o->builder, id, o->message, why, err);
    }
    if (o->states.count >= STATES_MAX) {
        return rml_fail(err, RML_ERR_LIMIT, (rml_place){0}, NULL,
                        "expected at most %d objects on %.*s in a recording", STATES_MAX,
                        RML_FMT(o->topic));
    }
    size_t track;
    bool is_ego = m->host.len > 0 && rml_str_equal(m->host, id);
    RML_TRY(track_of(o, id, row, is_ego, &track, err));
    object_state *item = rml_array_push(&o->states, err);
    if (!item) {
        return RML_ERR_MEMORY;
    }
    RML_AT(&o->tracks, object_track, track)->count++;
    *item = (object_state){
        .track = track,
        .message = o->message,
        .state = {.t_ns = m->t_ns,
                  .x_m = x,
                  .y_m = y,
                  .z_m = rml_nested_f64(f->z, row),
                  .recorded_yaw_rad = yaw_of(o, row),
                  .recorded_speed_mps =
                      rml_f64_hypot(rml_nested_f64(f->vx, row), rml_nested_f64(f->vy, row)),
                  .mark = RML_TRACK_MEASURED},
    };
    return RML_OK;
}

// ---- Messages ----------------------------------------------------------------------------------

static rml_status frame_take(objects *o, rml_str frame, bool *ok, rml_error *err)
{
    *ok = rml_recipe_frame_stands(frame) && (o->frame.len == 0 || rml_str_equal(o->frame, frame));
    return *ok && o->frame.len == 0 ? rml_copy_str(o->arena, frame, &o->frame, err) : RML_OK;
}

enum { C_TIME, C_OBJECTS, C_HOST, C_FRAME };

static rml_status message_take(objects *o, const rml_batch *batch, size_t row, rml_error *err)
{
    char host[ID_TEXT];
    object_message m = {
        .has_time = !rml_column_is_null(&batch->columns[C_TIME], row),
        .has_frame = true,
        .t_ns = rml_column_get_i64(&batch->columns[C_TIME], row),
        .host = rml_nested_name(rml_nested_column(batch, C_HOST), row, host, sizeof host),
    };
    if (o->source->frame) {
        rml_str frame = rml_nested_name(rml_nested_column(batch, C_FRAME), row, NULL, 0);
        RML_TRY(frame_take(o, frame, &m.has_frame, err));
    }
    if (m.has_time) {
        int64_t *time = rml_array_push(&o->times, err);
        if (!time) {
            return RML_ERR_MEMORY;
        }
        *time = m.t_ns;
    }
    size_t first, count;
    rml_nested_span(rml_nested_column(batch, C_OBJECTS), row, &first, &count);
    for (size_t i = first; i < first + count; i++) {
        RML_TRY(object_take(o, &m, i, err));
    }
    o->message++;
    return RML_OK;
}

// Rows of the topic in the order of the log.
static rml_status ask(objects *o, rml_str columns, rml_rows **out, rml_error *err)
{
    rml_str topic = rml_sql_quote(o->arena, o->topic);
    rml_str where = rml_arena_printf(o->arena, "channel = %.*s", RML_FMT(topic));
    if (!columns.data || !topic.data || !where.data) {
        return rml_fail_memory(err, 256);
    }
    const rml_lake_read query = {.table = o->table.data,
                                 .columns = columns.data,
                                 .where = where.data,
                                 .order = "log_ns, sequence, publish_ns",
                                 .owners = &o->recording_id,
                                 .owner_count = 1};
    return rml_lake_select(o->lake, &query, out, err);
}

static rml_status messages_read(objects *o, rml_error *err)
{
    const object_source *s = o->source;
    rml_rows *rows = NULL;
    const rml_batch *batch;
    RML_TRY(ask(o,
                rml_arena_printf(o->arena, "sensor_ns, %s, %s, %s", s->objects,
                                 s->host ? s->host : "NULL", s->frame ? s->frame : "NULL"),
                &rows, err));
    rml_status st;
    while ((st = rml_rows_next(rows, &batch, err)) == RML_OK) {
        find_fields(o, rml_nested_element(rml_nested_column(batch, C_OBJECTS)));
        for (size_t i = 0; !st && i < batch->count; i++) {
            st = message_take(o, batch, i, err);
        }
        if (st) {
            break;
        }
    }
    rml_rows_close(rows);
    return st == RML_END ? RML_OK : st;
}

static rml_status map_read(objects *o, rml_error *err)
{
    const object_source *s = o->source;
    rml_rows *rows = NULL;
    if (!s->lanes) {
        return RML_OK;
    }
    RML_TRY(ask(o, rml_arena_printf(o->arena, "%s, %s, %s", s->lanes, s->boundaries, s->reference),
                &rows, err));
    rml_status st = rml_osi_map_read(rows, &o->builder, &o->traffic.origin.reference, err);
    rml_rows_close(rows);
    return st;
}

// ---- Tracks ------------------------------------------------------------------------------------

// States by track, each in the order of the log: a counting sort of their places.
static rml_status order_by_track(const objects *o, rml_array *order, rml_error *err)
{
    rml_array starts = RML_ARRAY(size_t);
    size_t *next = rml_array_push_many(&starts, o->tracks.count, err);
    size_t *places = next ? rml_array_push_many(order, o->states.count, err) : NULL;
    if (!places) {
        rml_array_reset(&starts);
        return RML_ERR_MEMORY;
    }
    size_t at = 0;
    for (size_t i = 0; i < o->tracks.count; i++) {
        next[i] = at;
        at += RML_AT(&o->tracks, object_track, i)->count;
    }
    for (size_t i = 0; i < o->states.count; i++) {
        places[next[RML_AT(&o->states, object_state, i)->track]++] = i;
    }
    rml_array_reset(&starts);
    return RML_OK;
}

static rml_status tracks_build(objects *o, rml_error *err)
{
    rml_array order = RML_ARRAY(size_t);
    rml_status st = o->states.count > 0 ? order_by_track(o, &order, err) : RML_OK;
    size_t at = 0;
    for (size_t i = 0; !st && i < o->tracks.count; i++) {
        const object_track *t = RML_AT(&o->tracks, object_track, i);
        for (size_t end = at + t->count; !st && at < end; at++) {
            const object_state *s = RML_AT(&o->states, object_state, *RML_AT(&order, size_t, at));
            st = rml_traffic_builder_state(&o->builder, &s->state, t->track.track_id, s->message,
                                           err);
        }
        st = st ? st : rml_traffic_builder_track(&o->builder, t->track, (rml_place){0}, err);
    }
    rml_array_reset(&order);
    return st;
}

// ---- The whole ---------------------------------------------------------------------------------

static rml_status rejects_append(rml_lake_txn *txn, const rml_traffic *t, rml_error *err)
{
    rml_batch batch = {0};
    rml_status st = rml_batch_init(&batch, rml_rejects_schema(), err);
    for (size_t i = 0; !st && i < t->reject_count; i++) {
        const rml_reject_row row = {.recording_id = t->recording_id,
                                    .stage = RML_STR("tracks"),
                                    .channel = t->rejects[i].track_id,
                                    .offset = t->rejects[i].offset,
                                    .reason = t->rejects[i].reason};
        st = rml_row_append(&batch, &row, err);
    }
    if (!st && batch.count > 0) {
        st = rml_lake_append(txn, "track_rejects", &batch, err);
    }
    rml_batch_reset(&batch);
    return st;
}

static rml_status write_all(objects *o, rml_tracks_result *out, rml_error *err)
{
    static const char *const replaced[] = {"tracks", "maps", "track_rejects"};
    rml_traffic_rows rows = {0};
    rml_lake_txn *txn = NULL;
    RML_TRY(rml_lake_begin(o->lake, o->recording_id, &txn, err));
    rml_status st = RML_OK;
    for (size_t i = 0; !st && i < sizeof replaced / sizeof *replaced; i++) {
        st = rml_lake_replace(txn, replaced[i], err);
    }
    st = st ? st : rml_traffic_append(txn, &o->traffic, &rows, err);
    st = st ? st : rejects_append(txn, &o->traffic, err);
    st = st ? st : rml_lake_commit(txn, NULL, NULL, err);
    rml_lake_txn_close(txn);
    out->states_in = o->traffic.states_in;
    out->rows = rows.states;
    out->rejects = o->traffic.reject_count;
    out->tracks = o->traffic.track_count;
    out->map_rows = rows.elements;
    assert(st || out->states_in == out->rows + out->rejects);
    return st;
}

static rml_status make(objects *o, rml_tracks_result *out, rml_error *err)
{
    rml_traffic *t = &o->traffic;
    RML_TRY(rml_recording_drive(o->lake, o->arena, o->recording_id, &t->drive_id, err));
    t->recording_id = o->recording_id;
    t->source = rml_str_of(o->source->source);
    t->place_id = rml_arena_printf(o->arena, "%s_%.12s", o->source->source, o->recording_id.data);
    t->origin = (rml_place_origin){.latitude_deg = NAN, .longitude_deg = NAN, .height_m = NAN};
    if (!t->place_id.data) {
        return rml_fail_memory(err, 64);
    }
    RML_TRY(messages_read(o, err));
    RML_TRY(map_read(o, err));
    RML_TRY(tracks_build(o, err));
    RML_TRY(rml_clock_step(&o->times, &t->step_ns, err));
    t->origin.reference = o->frame.len > 0 ? o->frame : t->origin.reference;
    RML_TRY(rml_traffic_builder_finish(&o->builder, t, err));
    return write_all(o, out, err);
}

// The first type of the table that the recording has.
static rml_status source_find(objects *o, rml_str topic, rml_error *err)
{
    size_t count;
    const object_source *sources = rml_object_sources(&count);
    const rml_signals_topic asked = {.name = topic};
    for (size_t i = 0; i < count && !o->source; i++) {
        RML_TRY(rml_signals_find(o->lake, o->arena, o->recording_id, rml_str_of(sources[i].type),
                                 &asked, &o->table, &o->topic, err));
        o->source = o->topic.len > 0 ? &sources[i] : NULL;
    }
    return RML_OK;
}

rml_status rml_tracks_make(rml_lake *lake, rml_str recording_id, rml_str topic, rml_arena *arena,
                           rml_tracks_result *out, rml_error *err)
{
    *out = (rml_tracks_result){0};
    objects o = {.lake = lake,
                 .arena = arena,
                 .recording_id = recording_id,
                 .tracks = RML_ARRAY(object_track),
                 .states = RML_ARRAY(object_state),
                 .times = RML_ARRAY(int64_t)};
    rml_traffic_builder_init(&o.builder, arena);
    rml_status st = source_find(&o, topic, err);
    if (!st && !o.source && topic.len > 0) {
        st = rml_fail(err, RML_ERR_MISSING, (rml_place){0}, "docs/recipes.md lists the types",
                      "expected a topic %.*s of messages that list objects, found none",
                      RML_FMT(topic));
    }
    if (!st && o.source) {
        out->type = rml_str_of(o.source->type);
        out->topic = o.topic;
        st = make(&o, out, err);
    }
    rml_traffic_builder_reset(&o.builder);
    rml_map_reset(&o.ids);
    rml_array_reset(&o.tracks);
    rml_array_reset(&o.states);
    rml_array_reset(&o.times);
    return st;
}
