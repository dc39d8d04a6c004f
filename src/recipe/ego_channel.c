// Finds a recipe's channels in the lake and reads what the recipe needs of them, as plain numbers.
#include "ego_channel.h"

#include "roadmill/lake/sql.h"
#include "roadmill/world/builder.h"
#include "signals.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define EGO_CAN "can/"
#define EGO_OSI_HOST "osi/host"
#define CAN_SIGNALS_MAX 4096

static const char *const time_columns[3] = {"sensor_ns", "publish_ns", "log_ns"};

// ---- Frames of CAN -----------------------------------------------------------------------------

// Rows of a query, at most `most`, as a batch that the caller resets.
static rml_status ask(rml_lake *lake, rml_str recording_id, rml_str sql, size_t most,
                      rml_batch *out, rml_error *err)
{
    rml_rows *rows = NULL;
    if (sql.data == NULL) {
        return rml_fail_memory(err, 256);
    }
    RML_TRY(rml_lake_sql_of(lake, recording_id, sql, &rows, err));
    rml_status st = rml_rows_all(rows, most, out, err);
    rml_rows_close(rows);
    return st;
}

// The signals of a frame side by side, a row for each time: signals_can holds them one below the
// other. Names come from a DBC, so they are quoted.
static rml_status pivot(rml_lake *lake, rml_arena *arena, rml_str recording_id, rml_str where,
                        rml_str *out, rml_error *err)
{
    rml_batch names = {0};
    rml_buffer sql = {0};
    RML_TRY(
        ask(lake, recording_id,
            rml_arena_printf(arena, "SELECT DISTINCT signal FROM signals_can WHERE %.*s ORDER BY 1",
                             RML_FMT(where)),
            CAN_SIGNALS_MAX, &names, err));
    rml_status st = rml_buffer_str(
        &sql, RML_STR("(SELECT CAST(NULL AS BIGINT) AS sensor_ns, log_ns AS publish_ns, log_ns"),
        err);
    for (size_t i = 0; st == RML_OK && i < names.count; i++) {
        rml_str name = rml_column_get_str(&names.columns[0], i);
        rml_str quoted = rml_sql_quote(arena, name);
        // A DBC's names are letters, digits and "_"; others cannot be named in a recipe.
        bool plain = quoted.data != NULL && rml_str_find(name, RML_STR("\"")) == name.len;
        st = !plain ? RML_OK
                    : rml_buffer_printf(&sql, err,
                                        ", max(value) FILTER (WHERE signal = %.*s) AS \"%.*s\"",
                                        RML_FMT(quoted), RML_FMT(name));
    }
    st = st ? st
            : rml_buffer_printf(&sql, err, " FROM signals_can WHERE %.*s GROUP BY log_ns)",
                                RML_FMT(where));
    if (st == RML_OK) {
        *out = rml_arena_str(arena, rml_buffer_text(&sql));
        st = out->data == NULL ? rml_fail_memory(err, sql.len) : RML_OK;
    }
    rml_buffer_reset(&sql);
    rml_batch_reset(&names);
    return st;
}

static rml_status has_can_signals(rml_lake *lake, rml_arena *arena, rml_str recording_id, bool *out,
                                  rml_error *err)
{
    rml_array tables = RML_ARRAY(rml_str);
    rml_str wanted = RML_STR("signals_can");
    rml_status st = rml_lake_owner_tables(lake, recording_id, wanted, arena, &tables, err);
    *out = false;
    for (size_t i = 0; i < tables.count; i++) {
        *out = *out || rml_str_equal(*RML_AT(&tables, rml_str, i), wanted);
    }
    rml_array_reset(&tables);
    return st;
}

// "can/gnss_pos": the frame on the bus with most of its values.
static rml_status can_source_find(rml_lake *lake, rml_arena *arena, rml_str recording_id,
                                  const recipe_channel *channel, ego_source *out, rml_error *err)
{
    bool any = false;
    RML_TRY(has_can_signals(lake, arena, recording_id, &any, err));
    if (!any) {
        return RML_OK;
    }
    size_t skip = sizeof(EGO_CAN) - 1;
    rml_str frame = {channel->type.data + skip, channel->type.len - skip};
    rml_str id = rml_sql_quote(arena, recording_id), bus = rml_sql_quote(arena, channel->topic);
    rml_str name = rml_sql_quote(arena, frame);
    rml_str where = rml_arena_printf(
        arena, "recording_id = %.*s AND frame = %.*s AND (%.*s = '' OR bus = %.*s)", RML_FMT(id),
        RML_FMT(name), RML_FMT(bus), RML_FMT(bus));
    rml_batch batch = {0};
    RML_TRY(ask(lake, recording_id,
                rml_arena_printf(arena,
                                 "SELECT bus FROM signals_can WHERE %.*s GROUP BY bus ORDER BY "
                                 "count(*) DESC, bus LIMIT 1",
                                 RML_FMT(where)),
                1, &batch, err));
    rml_status st = RML_OK;
    if (batch.count == 1) {
        st = rml_copy_str(arena, rml_column_get_str(&batch.columns[0], 0), &out->topic, err);
        rml_str picked = rml_sql_quote(arena, out->topic);
        where = rml_arena_printf(arena, "%.*s AND bus = %.*s", RML_FMT(where), RML_FMT(picked));
        st = st ? st : where.data == NULL ? rml_fail_memory(err, 256) : RML_OK;
        st = st ? st : pivot(lake, arena, recording_id, where, &out->table, err);
        out->is_query = true;
    }
    rml_batch_reset(&batch);
    return st;
}

// ---- The host vehicle of ASAM OSI ---------------------------------------------------------------

// "osi/host": the object that is the host vehicle, a row for each message that has it. rear_x and
// rear_y: from the middle of its box to that of its rear axle, in its axes; 0 where it is not told.
static rml_status osi_source_find(rml_lake *lake, rml_arena *arena, rml_str recording_id,
                                  const recipe_channel *channel, ego_source *out, rml_error *err)
{
    static const struct {
        const char *type, *before;
    } types[] = {{"osi3.SensorView", "global_ground_truth"}, {"osi3.GroundTruth", NULL}};
    rml_str table = {0};
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        RML_TRY(rml_signals_find(lake, arena, recording_id, rml_str_of(types[i].type),
                                 channel->topic, &table, &out->topic, err));
        if (table.len == 0) {
            continue;
        }
        bool inside = types[i].before != NULL;
        rml_str id = rml_sql_quote(arena, recording_id), topic = rml_sql_quote(arena, out->topic);
        out->is_query = true;
        out->table = rml_arena_printf(
            arena,
            "(SELECT sensor_ns, publish_ns, log_ns, o.base.position.x AS x, o.base.position.y AS "
            "y, o.base.position.z - o.base.dimension.height / 2 AS z, o.base.orientation.roll AS "
            "roll, o.base.orientation.pitch AS pitch, o.base.orientation.yaw AS yaw, "
            "o.base.velocity AS velocity, o.base.acceleration AS acceleration, "
            "o.base.orientation_rate.yaw AS yaw_rate, "
            "coalesce(o.vehicle_attributes.bbcenter_to_rear.x, 0.0) AS rear_x, "
            "coalesce(o.vehicle_attributes.bbcenter_to_rear.y, 0.0) AS rear_y, "
            "o.vehicle_attributes.steering_wheel_angle AS steering_wheel "
            "FROM (SELECT sensor_ns, publish_ns, log_ns, %s%shost_vehicle_id.\"value\" AS host, "
            "unnest(%s%smoving_object) AS o FROM \"%.*s\" WHERE recording_id = %.*s AND channel = "
            "%.*s) WHERE o.id.\"value\" = host)",
            inside ? types[i].before : "", inside ? "." : "", inside ? types[i].before : "",
            inside ? "." : "", RML_FMT(table), RML_FMT(id), RML_FMT(topic));
        return out->table.data ? RML_OK : rml_fail_memory(err, 1024);
    }
    return RML_OK;
}

rml_status ego_source_find(rml_lake *lake, rml_arena *arena, rml_str recording_id,
                           const recipe_channel *channel, ego_source *out, rml_error *err)
{
    *out = (ego_source){0};
    if (rml_str_starts(channel->type, RML_STR(EGO_CAN))) {
        return can_source_find(lake, arena, recording_id, channel, out, err);
    }
    if (rml_str_equal(channel->type, RML_STR(EGO_OSI_HOST))) {
        return osi_source_find(lake, arena, recording_id, channel, out, err);
    }
    return rml_signals_find(lake, arena, recording_id, channel->type, channel->topic, &out->table,
                            &out->topic, err);
}

// ---- What is read: fields become SQL columns ---------------------------------------------------

typedef struct loader {
    const rml_recipe *recipe;
    size_t channel;
    bool is_driver;
    rml_schema schema; // of the table
    rml_arena *arena;
    rml_buffer columns;
    size_t inputs;                       // numbers a sample
    size_t value_first[RML_EGO_COLUMNS]; // where the inputs of a value begin
    size_t keep_first;                   // one input for each condition
    ego_samples *out;
    rml_array numbers; // double [samples][inputs], of samples that are kept
} loader;

// The field of a path, or NULL; *leaf tells whether it holds a single number.
static const rml_field *field_find(rml_schema schema, rml_str path)
{
    const rml_field *fields = schema.fields, *found = NULL;
    size_t count = schema.count;
    while (path.len > 0) {
        rml_str name;
        path = rml_str_cut(path, '.', &name);
        found = NULL;
        for (size_t i = 0; i < count && !found; i++) {
            found = rml_str_equal(fields[i].name, name) ? &fields[i] : NULL;
        }
        if (!found) {
            return NULL;
        }
        bool inside = found->type == RML_TYPE_STRUCT;
        fields = inside ? found->children : NULL;
        count = inside ? found->child_count : 0;
    }
    return found;
}

// "pose.position" -> "pose"['position']; only names that the recipe parser has accepted come here.
static rml_status path_sql(rml_buffer *out, rml_str path, rml_error *err)
{
    rml_str name;
    path = rml_str_cut(path, '.', &name);
    RML_TRY(rml_buffer_printf(out, err, "\"%.*s\"", RML_FMT(name)));
    while (path.len > 0) {
        path = rml_str_cut(path, '.', &name);
        RML_TRY(rml_buffer_printf(out, err, "['%.*s']", RML_FMT(name)));
    }
    return RML_OK;
}

static rml_status input_add(loader *l, rml_str path, rml_place at, rml_error *err)
{
    const rml_field *field = field_find(l->schema, path);
    bool number = field && field->type <= RML_TYPE_F64;
    if (!number) {
        return rml_fail(err, RML_ERR_DATA, at, NULL,
                        "expected a field of %.*s that is a number, found %s \"%.*s\"",
                        RML_FMT(l->recipe->channels[l->channel].type),
                        field ? "the compound" : "no field", RML_FMT(path));
    }
    RML_TRY(rml_buffer_str(&l->columns, RML_STR(", CAST("), err));
    RML_TRY(path_sql(&l->columns, path, err));
    RML_TRY(rml_buffer_str(&l->columns, RML_STR(" AS DOUBLE)"), err));
    l->inputs++;
    return RML_OK;
}

static rml_status value_inputs(loader *l, const recipe_value *v, rml_error *err)
{
    for (size_t a = 0; a < v->function->arguments; a++) {
        for (size_t i = 0; i < 4 && v->function->components[a][i]; i++) {
            const char *component = v->function->components[a][i];
            bool both = v->arguments[a].len > 0 && component[0];
            rml_str path = rml_arena_printf(l->arena, "%.*s%s%s", RML_FMT(v->arguments[a]),
                                            both ? "." : "", component);
            if (!path.data) {
                return rml_fail_memory(err, v->arguments[a].len);
            }
            RML_TRY(input_add(l, path, v->at, err));
        }
    }
    return RML_OK;
}

static rml_status columns_make(loader *l, rml_error *err)
{
    const rml_recipe *r = l->recipe;
    RML_TRY(rml_buffer_str(&l->columns, rml_str_of(time_columns[r->time]), err));
    if (l->is_driver && r->frame_field.len > 0) {
        const rml_field *field = field_find(l->schema, r->frame_field);
        if (!field || field->type != RML_TYPE_STRING) {
            return rml_fail(err, RML_ERR_DATA, r->frame_at, NULL,
                            "expected a field of %.*s that is a text, found \"%.*s\"",
                            RML_FMT(r->channels[l->channel].type), RML_FMT(r->frame_field));
        }
        RML_TRY(rml_buffer_str(&l->columns, RML_STR(", "), err));
        RML_TRY(path_sql(&l->columns, r->frame_field, err));
    } else {
        RML_TRY(rml_buffer_str(&l->columns, RML_STR(", ''"), err));
    }
    for (size_t i = 0; i < RML_EGO_COLUMNS; i++) {
        if (r->values[i].function && r->values[i].channel == l->channel) {
            l->value_first[i] = l->inputs;
            RML_TRY(value_inputs(l, &r->values[i], err));
        }
    }
    l->keep_first = l->inputs;
    const recipe_channel *c = &r->channels[l->channel];
    for (size_t i = 0; i < c->keep_count; i++) {
        RML_TRY(input_add(l, c->keeps[i].field, c->keeps[i].at, err));
    }
    return rml_buffer_append(&l->columns, "", 1, err); // terminated
}

// ---- Samples -----------------------------------------------------------------------------------

// A missing value meets no condition.
static bool is_dropped(const loader *l, const rml_batch *batch, size_t row, ego_drop *out)
{
    const recipe_channel *c = &l->recipe->channels[l->channel];
    if (rml_column_is_null(&batch->columns[0], row)) {
        out->why = EGO_DROP_NO_TIME;
        return true;
    }
    for (size_t i = 0; i < c->keep_count; i++) {
        const recipe_keep *k = &c->keeps[i];
        double v = rml_column_get_f64(&batch->columns[2 + l->keep_first + i], row);
        if (isnan(v) || v < k->at_least || v > k->at_most) {
            out->why = EGO_DROP_CONDITION;
            out->condition = i;
            return true;
        }
    }
    return false;
}

static rml_status sample_take(loader *l, const rml_batch *batch, size_t row, rml_error *err)
{
    if (l->out->read++ >= EGO_SAMPLES_MAX) {
        return rml_fail(err, RML_ERR_LIMIT, (rml_place){0}, NULL,
                        "expected at most %d messages of %.*s in a recording", EGO_SAMPLES_MAX,
                        RML_FMT(l->recipe->channels[l->channel].type));
    }
    ego_drop dropped = {.index = l->out->read - 1};
    if (is_dropped(l, batch, row, &dropped)) {
        ego_drop *item = rml_array_push(&l->out->dropped, err);
        if (item) {
            *item = dropped;
        }
        return item ? RML_OK : RML_ERR_MEMORY;
    }
    int64_t *time = rml_array_push(&l->out->times, err);
    double *numbers = l->inputs ? rml_array_push_many(&l->numbers, l->inputs, err) : NULL;
    if (!time || (l->inputs && !numbers)) {
        return RML_ERR_MEMORY;
    }
    *time = rml_column_get_i64(&batch->columns[0], row);
    for (size_t i = 0; i < l->inputs; i++) {
        numbers[i] = rml_column_get_f64(&batch->columns[2 + i], row);
    }
    if (!l->is_driver) {
        return RML_OK;
    }
    uint64_t *arrival = rml_array_push(&l->out->arrivals, err);
    if (!arrival) {
        return RML_ERR_MEMORY;
    }
    *arrival = l->out->read - 1;
    if (l->recipe->frame_field.len > 0) {
        rml_str *frame = rml_array_push(&l->out->frames, err);
        rml_str name = rml_column_get_str(&batch->columns[1], row);
        if (!frame) {
            return RML_ERR_MEMORY;
        }
        // A recording has one frame, or few: keep each text once.
        size_t at = l->out->frames.count - 1;
        if (at > 0 && rml_str_equal(RML_AT(&l->out->frames, rml_str, at - 1)[0], name)) {
            *frame = RML_AT(&l->out->frames, rml_str, at - 1)[0];
        } else {
            RML_TRY(rml_copy_str(l->arena, name, frame, err));
        }
    }
    return RML_OK;
}

static rml_status rows_read(loader *l, rml_lake *lake, rml_str recording_id,
                            const ego_source *source, rml_error *err)
{
    rml_str topic = rml_sql_quote(l->arena, source->topic);
    rml_str where = rml_arena_printf(l->arena, "channel = %.*s", RML_FMT(topic));
    if (!topic.data || !where.data) {
        return rml_fail_memory(err, source->topic.len);
    }
    const rml_lake_read query = {
        .table = source->table.data,
        .columns = (const char *)l->columns.data,
        .where = where.data,
        // The row's own number settles what else would be a tie.
        .order = l->is_driver
                     ? "log_ns, sequence, publish_ns"
                     : (l->recipe->time == RECIPE_TIME_SENSOR ? "sensor_ns, log_ns, sequence"
                                                              : "log_ns, sequence"),
        .owners = &recording_id,
        .owner_count = 1,
    };
    rml_rows *rows = NULL;
    const rml_batch *batch;
    rml_str sql = rml_arena_printf(l->arena, "SELECT %s FROM %.*s ORDER BY log_ns",
                                   (const char *)l->columns.data, RML_FMT(source->table));
    RML_TRY(source->is_query ? rml_lake_sql_of(lake, recording_id, sql, &rows, err)
                             : rml_lake_select(lake, &query, &rows, err));
    rml_status st;
    while ((st = rml_rows_next(rows, &batch, err)) == RML_OK) {
        for (size_t i = 0; !st && i < batch->count; i++) {
            st = sample_take(l, batch, i, err);
        }
        if (st) {
            break;
        }
    }
    rml_rows_close(rows);
    return st == RML_END ? RML_OK : st;
}

// ---- From inputs to values ---------------------------------------------------------------------

static rml_status value_compute(loader *l, size_t column, rml_geodetic *origin, rml_error *err)
{
    const recipe_function *f = l->recipe->values[column].function;
    size_t count = l->out->times.count, width = recipe_function_inputs(f);
    double *out = rml_array_push_many(&l->out->values[column], count, err);
    if (count == 0) {
        return RML_OK;
    }
    if (!out) {
        return RML_ERR_MEMORY;
    }
    const double *numbers = (const double *)l->numbers.data + l->value_first[column];
    if (f->value) {
        for (size_t i = 0; i < count; i++) {
            out[i] = f->value(numbers + i * l->inputs);
        }
        return RML_OK;
    }
    rml_array packed = RML_ARRAY(double);
    double *in = rml_array_push_many(&packed, count * width, err);
    if (!in) {
        return RML_ERR_MEMORY;
    }
    for (size_t i = 0; i < count; i++) {
        memcpy(in + i * width, numbers + i * l->inputs, width * sizeof *in);
        if (isnan(origin->latitude_deg) && !isnan(in[i * width] + in[i * width + 1])) {
            double height_m = width > 2 ? in[i * width + 2] : 0;
            *origin = (rml_geodetic){in[i * width], in[i * width + 1], height_m};
        }
    }
    f->series(in, l->out->times.data, count, origin, out);
    rml_array_reset(&packed);
    return RML_OK;
}

static rml_status schema_read(loader *l, rml_lake *lake, rml_str recording_id,
                              const ego_source *source, rml_rows **rows, rml_error *err)
{
    const rml_lake_read query = {
        .table = source->table.data, .where = "false", .owners = &recording_id, .owner_count = 1};
    rml_str sql =
        rml_arena_printf(l->arena, "SELECT * FROM %.*s WHERE false", RML_FMT(source->table));
    RML_TRY(source->is_query ? rml_lake_sql_of(lake, recording_id, sql, rows, err)
                             : rml_lake_select(lake, &query, rows, err));
    l->schema = rml_rows_schema(*rows);
    return RML_OK;
}

rml_status ego_samples_load(rml_lake *lake, rml_arena *arena, rml_str recording_id,
                            const rml_recipe *recipe, size_t channel, const ego_source *source,
                            rml_geodetic *origin, ego_samples *out, rml_error *err)
{
    loader l = {.recipe = recipe,
                .channel = channel,
                .is_driver = channel == recipe->driver,
                .arena = arena,
                .out = out,
                .numbers = RML_ARRAY(double)};
    *out = (ego_samples){.times = RML_ARRAY(int64_t),
                         .frames = RML_ARRAY(rml_str),
                         .arrivals = RML_ARRAY(uint64_t),
                         .dropped = RML_ARRAY(ego_drop)};
    for (size_t i = 0; i < RML_EGO_COLUMNS; i++) {
        out->values[i] = RML_ARRAY(double);
    }
    rml_rows *schema_rows = NULL;
    rml_status st = schema_read(&l, lake, recording_id, source, &schema_rows, err);
    if (!st) {
        st = columns_make(&l, err);
    }
    rml_rows_close(schema_rows);
    if (!st) {
        st = rows_read(&l, lake, recording_id, source, err);
    }
    for (size_t i = 0; !st && i < RML_EGO_COLUMNS; i++) {
        if (recipe->values[i].function && recipe->values[i].channel == channel) {
            st = value_compute(&l, i, origin, err);
        }
    }
    rml_buffer_reset(&l.columns);
    rml_array_reset(&l.numbers);
    return st;
}

void ego_samples_reset(ego_samples *s)
{
    rml_array_reset(&s->times);
    rml_array_reset(&s->frames);
    rml_array_reset(&s->arrivals);
    rml_array_reset(&s->dropped);
    for (size_t i = 0; i < RML_EGO_COLUMNS; i++) {
        rml_array_reset(&s->values[i]);
    }
}
