// Finds a recipe's channels in the lake: tables of signals, or queries that give such a table.
#include "ego_channel.h"

#include "roadmill/lake/sql.h"
#include "roadmill/world/builder.h"
#include "signals.h"

#define EGO_CAN "can/"
#define EGO_OSI_HOST "osi/host"
#define EGO_TF_BASE "tf/base"
#define CAN_SIGNALS_MAX 4096

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
    const rml_signals_topic topic = {.name = channel->topic};
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        RML_TRY(rml_signals_find(lake, arena, recording_id, rml_str_of(types[i].type), &topic,
                                 &table, &out->topic, err));
        if (table.len == 0) {
            continue;
        }
        bool inside = types[i].before != NULL;
        rml_str id = rml_sql_quote(arena, recording_id), on = rml_sql_quote(arena, out->topic);
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
            inside ? "." : "", RML_FMT(table), RML_FMT(id), RML_FMT(on));
        return out->table.data ? RML_OK : rml_fail_memory(err, 1024);
    }
    return RML_OK;
}

// ---- The base of a robot in a tree of frames
// -----------------------------------------------------

// Types that hold transforms, and SQL of one as t: stamp, parent, child, where it is.
static const struct {
    const char *type, *list; // what t is: each of its transforms, or the time of the only one
    const char *one;
} transforms[] = {
    {"tf2_msgs/msg/TFMessage", "unnest(transforms)",
     "t.header.stamp AS sensor_ns, t.header.frame_id AS parent, t.child_frame_id AS child, "
     "t.transform.translation AS translation, t.transform.rotation AS rotation"},
    {"tf/tfMessage", "unnest(transforms)",
     "t.header.stamp AS sensor_ns, t.header.frame_id AS parent, t.child_frame_id AS child, "
     "t.transform.translation AS translation, t.transform.rotation AS rotation"},
    {"foxglove.FrameTransform", "sensor_ns",
     "t AS sensor_ns, parent_frame_id AS parent, child_frame_id AS child, translation, rotation"},
};

// Of the transforms from a frame that stands still to one called base_link or base_footprint, the
// pair with most of them. REP 105 names the frames; they may lie below a name space.
static rml_status base_find(rml_lake *lake, rml_arena *arena, rml_str recording_id, rml_str inner,
                            ego_source *out, rml_error *err)
{
    rml_batch batch = {0};
    rml_str sql = rml_arena_printf(
        arena,
        "SELECT parent, child FROM (%.*s) WHERE regexp_matches(parent, "
        "'(^|/)(map|odom|world|earth)$') AND regexp_matches(child, "
        "'(^|/)base_(link|footprint)$') GROUP BY ALL ORDER BY count(*) DESC, parent, child LIMIT 1",
        RML_FMT(inner));
    RML_TRY(ask(lake, recording_id, sql, 1, &batch, err));
    rml_status st = RML_OK;
    if (batch.count == 1) {
        rml_str parent = rml_sql_quote(arena, rml_column_get_str(&batch.columns[0], 0));
        rml_str child = rml_sql_quote(arena, rml_column_get_str(&batch.columns[1], 0));
        out->is_query = true;
        out->table = rml_arena_printf(
            arena, "(SELECT *, parent AS frame FROM (%.*s) WHERE parent = %.*s AND child = %.*s)",
            RML_FMT(inner), RML_FMT(parent), RML_FMT(child));
        bool made = parent.data != NULL && child.data != NULL && out->table.data != NULL;
        st = made ? RML_OK : rml_fail_memory(err, inner.len);
    }
    rml_batch_reset(&batch);
    return st;
}

// "tf/base": translation, rotation, frame.
static rml_status tf_source_find(rml_lake *lake, rml_arena *arena, rml_str recording_id,
                                 const recipe_channel *channel, ego_source *out, rml_error *err)
{
    const rml_str without = RML_STR("static");
    const rml_signals_topic topic = {channel->topic, &without, 1};
    for (size_t i = 0; i < sizeof transforms / sizeof *transforms && !out->table.len; i++) {
        rml_str table;
        RML_TRY(rml_signals_find(lake, arena, recording_id, rml_str_of(transforms[i].type), &topic,
                                 &table, &out->topic, err));
        if (table.len == 0) {
            continue;
        }
        rml_str id = rml_sql_quote(arena, recording_id), on = rml_sql_quote(arena, out->topic);
        rml_str inner = rml_arena_printf(
            arena,
            "SELECT publish_ns, log_ns, %s FROM (SELECT *, %s AS t FROM \"%.*s\" WHERE "
            "recording_id = %.*s AND channel = %.*s)",
            transforms[i].one, transforms[i].list, RML_FMT(table), RML_FMT(id), RML_FMT(on));
        RML_TRY(inner.data ? base_find(lake, arena, recording_id, inner, out, err)
                           : rml_fail_memory(err, 512));
    }
    return RML_OK;
}

rml_status rml_ego_source_find(rml_lake *lake, rml_arena *arena, rml_str recording_id,
                               const recipe_channel *channel, ego_source *out, rml_error *err)
{
    *out = (ego_source){0};
    if (rml_str_starts(channel->type, RML_STR(EGO_CAN))) {
        return can_source_find(lake, arena, recording_id, channel, out, err);
    }
    if (rml_str_equal(channel->type, RML_STR(EGO_OSI_HOST))) {
        return osi_source_find(lake, arena, recording_id, channel, out, err);
    }
    if (rml_str_equal(channel->type, RML_STR(EGO_TF_BASE))) {
        return tf_source_find(lake, arena, recording_id, channel, out, err);
    }
    const rml_signals_topic topic = {channel->topic, channel->without, channel->without_count};
    RML_TRY(rml_signals_find(lake, arena, recording_id, channel->type, &topic, &out->table,
                             &out->topic, err));
    const type_alias *alias;
    for (size_t i = 0; !out->table.len && (alias = rml_type_alias(channel->type, i)); i++) {
        RML_TRY(rml_signals_find(lake, arena, recording_id, rml_str_of(alias->is), &topic,
                                 &out->table, &out->topic, err));
        out->alias = out->table.len > 0 ? alias : NULL;
    }
    return RML_OK;
}
