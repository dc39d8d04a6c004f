// Makes the `ego` rows of a recording by a recipe: for each message of the driving channel the
// values of all channels at its instant, by their policies, with the time difference to each; what
// cannot be decided becomes a reject. Instants = rows + rejects.
#include "ego_channel.h"
#include "roadmill/lake/recordings.h"
#include "roadmill/math.h"
#include "signals.h"

#include <assert.h>
#include <math.h>
#include <string.h>

enum { ROWS_AT_ONCE = 65536 };

// What a channel gave to a row.
typedef struct source_item {
    rml_str channel, topic;
    int64_t difference_ns;
    bool has_difference;
} source_item;

typedef struct ego_row {
    rml_str recording_id, drive_id, time, frame, place_id, recipe;
    int64_t t_ns;
    double values[RML_EGO_COLUMNS];
    const source_item *sources;
    size_t source_count;
    double length_m, width_m, axle_to_centre_m;
} ego_row;

static const rml_field source_fields[] = {
    RML_COLUMN(source_item, channel, STR, RML_REQUIRED),
    RML_COLUMN(source_item, topic, STR, RML_NULLABLE),
    RML_COLUMN(source_item, difference_ns, I64, RML_NULLABLE, RML_IF(source_item, has_difference)),
};
static const rml_member_list source_list = {offsetof(ego_row, source_count), sizeof(source_item)};
static const rml_field source_field =
    RML_FIELD("element", RML_TYPE_STRUCT, RML_REQUIRED, .children = source_fields,
              .child_count = sizeof source_fields / sizeof *source_fields);
static const rml_field ego_fields[] = {
    RML_COLUMN(ego_row, recording_id, STR, RML_REQUIRED),
    RML_COLUMN(ego_row, drive_id, STR, RML_REQUIRED),
    RML_COLUMN(ego_row, t_ns, I64, RML_REQUIRED),
    RML_COLUMN(ego_row, time, STR, RML_REQUIRED),
    RML_COLUMN(ego_row, frame, STR, RML_REQUIRED),
    RML_COLUMN(ego_row, place_id, STR, RML_NULLABLE),
    RML_COLUMN_AS("x_m", ego_row, values[RML_EGO_X], F64, RML_REQUIRED),
    RML_COLUMN_AS("y_m", ego_row, values[RML_EGO_Y], F64, RML_REQUIRED),
    RML_COLUMN_AS("z_m", ego_row, values[RML_EGO_Z], F64, RML_NULLABLE),
    RML_COLUMN_AS("roll_rad", ego_row, values[RML_EGO_ROLL], F64, RML_NULLABLE),
    RML_COLUMN_AS("pitch_rad", ego_row, values[RML_EGO_PITCH], F64, RML_NULLABLE),
    RML_COLUMN_AS("yaw_rad", ego_row, values[RML_EGO_YAW], F64, RML_NULLABLE),
    RML_COLUMN_AS("vx_mps", ego_row, values[RML_EGO_VX], F64, RML_NULLABLE),
    RML_COLUMN_AS("vy_mps", ego_row, values[RML_EGO_VY], F64, RML_NULLABLE),
    RML_COLUMN_AS("yaw_rate_radps", ego_row, values[RML_EGO_YAW_RATE], F64, RML_NULLABLE),
    RML_COLUMN_AS("ax_mps2", ego_row, values[RML_EGO_AX], F64, RML_NULLABLE),
    RML_COLUMN_AS("ay_mps2", ego_row, values[RML_EGO_AY], F64, RML_NULLABLE),
    RML_COLUMN_AS("steering_rad", ego_row, values[RML_EGO_STEERING], F64, RML_NULLABLE),
    RML_COLUMN(ego_row, sources, LIST, RML_REQUIRED, RML_OF(source_list), RML_CHILD(source_field)),
    RML_COLUMN(ego_row, recipe, STR, RML_REQUIRED),
    RML_COLUMN(ego_row, length_m, F64, RML_NULLABLE),
    RML_COLUMN(ego_row, width_m, F64, RML_NULLABLE),
    RML_COLUMN(ego_row, axle_to_centre_m, F64, RML_NULLABLE),
};

typedef struct maker {
    rml_lake *lake;
    rml_arena arena;
    rml_str recording_id, drive_id, place_id;
    const rml_recipe *recipe;
    char recipe_hash[RML_HASH_TEXT];
    ego_source sources[RECIPE_CHANNELS_MAX];
    ego_samples samples[RECIPE_CHANNELS_MAX];
    rml_geodetic origin;
    rml_lake_txn *txn;
    rml_batch rows, rejects;
    rml_ego_result *out;
    int64_t last_ns; // time of the last row
} maker;

// The samples that stand for an instant; has[i] is false where there is none.
typedef struct instant {
    int64_t t_ns;
    size_t index; // of the driver's sample
    bool has[RECIPE_CHANNELS_MAX];
    rml_clock_pick picks[RECIPE_CHANNELS_MAX];
} instant;

static rml_status reject(maker *m, rml_str channel, uint64_t index, rml_str reason, rml_error *err)
{
    const rml_reject_row row = {.recording_id = m->recording_id,
                                .stage = RML_STR("ego"),
                                .channel = channel,
                                .offset = index,
                                .reason = reason};
    m->out->rejects++;
    return reason.data ? rml_row_append(&m->rejects, &row, err) : rml_fail_memory(err, 64);
}

// ---- Values ------------------------------------------------------------------------------------

static double value_at(const maker *m, const instant *at, size_t column)
{
    const recipe_value *v = &m->recipe->values[column];
    if (!v->function || !at->has[v->channel]) {
        return NAN;
    }
    const rml_clock_pick *pick = &at->picks[v->channel];
    const double *values = m->samples[v->channel].values[column].data;
    double left = values[pick->index];
    if (pick->weight == 0) {
        return left;
    }
    double right = values[pick->index + 1];
    if (!v->function->angle) {
        return left + (right - left) * pick->weight;
    }
    return rml_angle_wrap(left + rml_angle_wrap(right - left) * pick->weight);
}

static rml_str frame_at(const maker *m, const instant *at)
{
    const rml_array *frames = &m->samples[m->recipe->driver].frames;
    return frames->count ? *RML_AT(frames, rml_str, at->index) : m->recipe->frame;
}

static rml_status row_append(maker *m, const instant *at, const double values[RML_EGO_COLUMNS],
                             rml_error *err)
{
    source_item sources[RECIPE_CHANNELS_MAX];
    ego_row row = {.recording_id = m->recording_id,
                   .drive_id = m->drive_id,
                   .t_ns = at->t_ns,
                   .time = rml_str_of(rml_recipe_time_names[m->recipe->time]),
                   .frame = frame_at(m, at),
                   .place_id = m->place_id,
                   .sources = sources,
                   .source_count = m->recipe->channel_count,
                   .recipe = rml_str_of(m->recipe_hash),
                   .length_m = m->recipe->length_m,
                   .width_m = m->recipe->width_m,
                   .axle_to_centre_m = m->recipe->axle_to_centre_m};
    memcpy(row.values, values, sizeof row.values);
    for (size_t i = 0; i < m->recipe->channel_count; i++) {
        sources[i] = (source_item){m->recipe->channels[i].name, m->sources[i].topic,
                                   at->picks[i].difference_ns, at->has[i]};
    }
    RML_TRY(rml_row_append(&m->rows, &row, err));
    m->out->rows++;
    m->last_ns = at->t_ns;
    if (m->rows.count == ROWS_AT_ONCE) {
        RML_TRY(rml_lake_append(m->txn, "ego", &m->rows, err));
        rml_batch_clear(&m->rows);
    }
    return RML_OK;
}

bool rml_recipe_frame_stands(rml_str frame)
{
    static const char *const names[] = {"map", "odom", "world", "earth"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        rml_str name = rml_str_of(names[i]);
        bool below = frame.len > name.len && frame.data[frame.len - name.len - 1] == '/';
        if (rml_str_equal(frame, name) || (below && rml_str_ends(frame, name))) {
            return true;
        }
    }
    return false;
}

// ---- Instants ----------------------------------------------------------------------------------

static rml_status instant_make(maker *m, size_t index, rml_error *err)
{
    const rml_recipe *r = m->recipe;
    const recipe_channel *driver = &r->channels[r->driver];
    const int64_t *times = m->samples[r->driver].times.data;
    uint64_t number = *RML_AT(&m->samples[r->driver].arrivals, uint64_t, index);
    instant at = {.t_ns = times[index], .index = index};
    if (m->out->rows > 0 && at.t_ns <= m->last_ns) {
        return reject(m, driver->name, number,
                      RML_STR("its time does not come after that of the row before"), err);
    }
    for (size_t i = 0; i < r->channel_count; i++) {
        const rml_array *own = &m->samples[i].times;
        if (i == r->driver) {
            at.picks[i] = (rml_clock_pick){.index = index};
            at.has[i] = true;
            continue;
        }
        const recipe_channel *c = &r->channels[i];
        at.has[i] =
            rml_clock_at(own->data, own->count, at.t_ns, c->policy, c->tolerance_ns, &at.picks[i]);
        if (!at.has[i] && c->required) {
            return reject(m, c->name, number,
                          rml_arena_printf(&m->arena, "no sample by \"%s\" within %g ms",
                                           rml_recipe_policy_names[c->policy],
                                           (double)c->tolerance_ns / 1e6),
                          err);
        }
    }
    if (r->frame_stands && !rml_recipe_frame_stands(frame_at(m, &at))) {
        return reject(m, driver->name, number,
                      rml_arena_printf(&m->arena,
                                       "its frame \"%.*s\" does not stand still: expected map, "
                                       "odom, world or earth",
                                       RML_FMT(frame_at(m, &at))),
                      err);
    }
    double values[RML_EGO_COLUMNS];
    for (size_t i = 0; i < RML_EGO_COLUMNS; i++) {
        values[i] = value_at(m, &at, i);
    }
    if (!isfinite(values[RML_EGO_X]) || !isfinite(values[RML_EGO_Y])) {
        return reject(m, driver->name, number, RML_STR("its position is missing or not finite"),
                      err);
    }
    return row_append(m, &at, values, err);
}

static rml_status drops_reject(maker *m, rml_error *err)
{
    const rml_recipe *r = m->recipe;
    const recipe_channel *driver = &r->channels[r->driver];
    const rml_array *dropped = &m->samples[r->driver].dropped;
    rml_str no_time =
        rml_arena_printf(&m->arena, "the message has no %s time", rml_recipe_time_names[r->time]);
    rml_str conditions[RECIPE_KEEPS_MAX];
    for (size_t i = 0; i < driver->keep_count; i++) {
        conditions[i] = rml_arena_printf(&m->arena, "its %.*s does not meet the recipe's condition",
                                         RML_FMT(driver->keeps[i].field));
    }
    for (size_t i = 0; i < dropped->count; i++) {
        const ego_drop *d = RML_AT(dropped, ego_drop, i);
        rml_str reason = d->why == EGO_DROP_NO_TIME ? no_time : conditions[d->condition];
        RML_TRY(reject(m, driver->name, d->index, reason, err));
    }
    return RML_OK;
}

// ---- The whole ---------------------------------------------------------------------------------

static rml_status channels_read(maker *m, rml_error *err)
{
    const rml_recipe *r = m->recipe;
    for (size_t i = 0; i < r->channel_count; i++) {
        const recipe_channel *c = &r->channels[i];
        RML_TRY(rml_ego_source_find(m->lake, &m->arena, m->recording_id, c, &m->sources[i], err));
        if (m->sources[i].table.len > 0) {
            RML_TRY(rml_ego_samples_load(m->lake, &m->arena, m->recording_id, r, i, &m->sources[i],
                                         &m->origin, &m->samples[i], err));
        } else if (i == r->driver || c->required) {
            return rml_fail(err, RML_ERR_MISSING, c->at, NULL,
                            "expected a channel of %.*s%s%.*s in the recording, found none",
                            RML_FMT(c->type), c->topic.len ? " on " : "", RML_FMT(c->topic));
        }
    }
    return RML_OK;
}

// Where positions on the ellipsoid were turned into metres, the frame has an origin: a place.
static rml_status place_append(maker *m, rml_error *err)
{
    if (isnan(m->origin.latitude_deg)) {
        return RML_OK;
    }
    RML_TRY(rml_lake_replace(m->txn, "places", err));
    rml_batch batch = {0};
    RML_TRY(rml_batch_init(&batch, rml_places_schema(), err));
    const rml_place_row row = {.place_id = m->place_id,
                               .recording_id = m->recording_id,
                               .source = RML_STR("ego"),
                               .origin = {.latitude_deg = m->origin.latitude_deg,
                                          .longitude_deg = m->origin.longitude_deg,
                                          .height_m = m->origin.height_m,
                                          .datum = RML_STR("WGS84")}};
    rml_status st = rml_row_append(&batch, &row, err);
    if (!st) {
        st = rml_lake_append(m->txn, "places", &batch, err);
    }
    rml_batch_reset(&batch);
    return st;
}

static rml_status all_rows(maker *m, rml_error *err)
{
    const ego_samples *driver = &m->samples[m->recipe->driver];
    if (!isnan(m->origin.latitude_deg)) {
        m->place_id = rml_arena_printf(&m->arena, "enu_%.12s", m->recording_id.data);
    }
    m->out->inputs = driver->read;
    RML_TRY(drops_reject(m, err));
    for (size_t i = 0; i < driver->times.count; i++) {
        RML_TRY(instant_make(m, i, err));
    }
    assert(m->out->inputs == m->out->rows + m->out->rejects);
    RML_TRY(rml_lake_replace(m->txn, "ego", err));
    RML_TRY(rml_lake_replace(m->txn, "ego_rejects", err));
    if (m->rows.count > 0) {
        RML_TRY(rml_lake_append(m->txn, "ego", &m->rows, err));
    }
    if (m->rejects.count > 0) {
        RML_TRY(rml_lake_append(m->txn, "ego_rejects", &m->rejects, err));
    }
    RML_TRY(place_append(m, err));
    return rml_lake_commit(m->txn, NULL, NULL, err);
}

static rml_status make(maker *m, rml_error *err)
{
    static const rml_schema schema = RML_TABLE(ego_fields);
    RML_TRY(rml_recording_drive(m->lake, &m->arena, m->recording_id, &m->drive_id, err));
    RML_TRY(channels_read(m, err));
    RML_TRY(rml_batch_init(&m->rows, schema, err));
    RML_TRY(rml_batch_init(&m->rejects, rml_rejects_schema(), err));
    RML_TRY(rml_lake_begin(m->lake, m->recording_id, &m->txn, err));
    return all_rows(m, err);
}

rml_status rml_ego_make(rml_lake *lake, rml_str recording_id, const rml_recipe *recipe,
                        rml_ego_result *out, rml_error *err)
{
    *out = (rml_ego_result){.recipe = recipe->hash};
    maker *m = rml_heap_make(sizeof *m);
    if (!m) {
        return rml_fail_memory(err, sizeof *m);
    }
    m->lake = lake;
    m->recording_id = recording_id;
    m->recipe = recipe;
    m->origin = (rml_geodetic){NAN, NAN, NAN};
    m->out = out;
    rml_hash_text(&recipe->hash, m->recipe_hash);
    rml_status st = make(m, err);
    rml_lake_txn_close(m->txn);
    rml_batch_reset(&m->rows);
    rml_batch_reset(&m->rejects);
    for (size_t i = 0; i < RECIPE_CHANNELS_MAX; i++) {
        rml_ego_samples_reset(&m->samples[i]);
    }
    rml_arena_reset(&m->arena);
    rml_heap_free(m);
    return st;
}
