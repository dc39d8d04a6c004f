// Reads what a recipe needs of a channel of a recording, as plain numbers.
#include "ego_channel.h"

#include "roadmill/lake/sql.h"
#include "roadmill/world/builder.h"
#include "signals.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define NO_INPUT SIZE_MAX

static const char *const time_columns[3] = {"sensor_ns", "publish_ns", "log_ns"};

// ---- What is read: fields become SQL columns ---------------------------------------------------

typedef struct loader {
    const rml_recipe *recipe;
    size_t channel;
    bool is_driver;
    const type_alias *alias; // of the source
    rml_schema schema;       // of the table
    rml_arena *arena;
    rml_buffer columns;
    size_t inputs;                        // numbers a sample
    size_t value_first[RML_EGO_COLUMNS];  // where the inputs of a value begin
    size_t keep_inputs[RECIPE_KEEPS_MAX]; // of each condition; NO_INPUT: the type has no such field
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

static rml_status input_add(loader *l, rml_str named, rml_place at, rml_error *err)
{
    rml_str path;
    RML_TRY(rml_type_alias_field(l->alias, named, l->arena, &path, err));
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
        rml_str path;
        RML_TRY(rml_type_alias_field(l->alias, r->frame_field, l->arena, &path, err));
        const rml_field *field = field_find(l->schema, path);
        if (!field || field->type != RML_TYPE_STRING) {
            return rml_fail(err, RML_ERR_DATA, r->frame_at, NULL,
                            "expected a field of %.*s that is a text, found \"%.*s\"",
                            RML_FMT(r->channels[l->channel].type), RML_FMT(r->frame_field));
        }
        RML_TRY(rml_buffer_str(&l->columns, RML_STR(", "), err));
        RML_TRY(path_sql(&l->columns, path, err));
    } else {
        RML_TRY(rml_buffer_str(&l->columns, RML_STR(", ''"), err));
    }
    for (size_t i = 0; i < RML_EGO_COLUMNS; i++) {
        if (r->values[i].function && r->values[i].channel == l->channel) {
            l->value_first[i] = l->inputs;
            RML_TRY(value_inputs(l, &r->values[i], err));
        }
    }
    const recipe_channel *c = &r->channels[l->channel];
    for (size_t i = 0; i < c->keep_count; i++) {
        rml_str path;
        RML_TRY(rml_type_alias_field(l->alias, c->keeps[i].field, l->arena, &path, err));
        // A type that stands for another and has no such field meets the condition.
        l->keep_inputs[i] = path.len > 0 ? l->inputs : NO_INPUT;
        RML_TRY(path.len > 0 ? input_add(l, c->keeps[i].field, c->keeps[i].at, err) : RML_OK);
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
        if (l->keep_inputs[i] == NO_INPUT) {
            continue;
        }
        double v = rml_column_get_f64(&batch->columns[2 + l->keep_inputs[i]], row);
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
    rml_str sql = rml_arena_printf(l->arena, "SELECT %s FROM %.*s ORDER BY log_ns, sensor_ns",
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
    size_t count = l->out->times.count, width = rml_recipe_function_inputs(f);
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

rml_status rml_ego_samples_load(rml_lake *lake, rml_arena *arena, rml_str recording_id,
                                const rml_recipe *recipe, size_t channel, const ego_source *source,
                                rml_geodetic *origin, ego_samples *out, rml_error *err)
{
    loader l = {.recipe = recipe,
                .channel = channel,
                .is_driver = channel == recipe->driver,
                .alias = source->alias,
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

void rml_ego_samples_reset(ego_samples *s)
{
    rml_array_reset(&s->times);
    rml_array_reset(&s->frames);
    rml_array_reset(&s->arrivals);
    rml_array_reset(&s->dropped);
    for (size_t i = 0; i < RML_EGO_COLUMNS; i++) {
        rml_array_reset(&s->values[i]);
    }
}
