// Finds the signals table of a message type. A lake may hold several: where two recordings define
// a type differently, the second definition has a table of its own, named with its hash behind.
#include "signals.h"

#include "roadmill/lake/sql.h"
#include "roadmill/world/builder.h"
#include "types.h"

enum { HASH_SUFFIX = 9 }; // "_" and eight digits

// Letters and digits of a name in lower case, anything between as one "_".
static rml_str plain_name(rml_arena *arena, rml_str text)
{
    char *out = rml_arena_make(arena, text.len + 1);
    size_t len = 0;
    for (size_t i = 0; out && i < text.len; i++) {
        char c = text.data[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
        bool capital = c >= 'A' && c <= 'Z';
        if (letter || capital) {
            out[len++] = (char)(capital ? c - 'A' + 'a' : c);
        } else if (len > 0 && out[len - 1] != '_') {
            out[len++] = '_';
        }
    }
    return (rml_str){out, out ? len : 0};
}

static bool is_table_of(rml_str name, rml_str wanted)
{
    return rml_str_equal(name, wanted) ||
           (name.len == wanted.len + HASH_SUFFIX && rml_str_starts(name, wanted) &&
            name.data[wanted.len] == '_');
}

// Tables of these types begin with their first word, whatever signs stand behind it.
static rml_str beginning_of(rml_str wanted)
{
    size_t len = sizeof "signals_" - 1;
    while (len < wanted.len && wanted.data[len] != '_') {
        len++;
    }
    return (rml_str){wanted.data, len};
}

static rml_status topic_find(rml_lake *lake, rml_arena *arena, rml_str recording_id, rml_str table,
                             const rml_signals_topic *topic, rml_str *found, rml_error *err)
{
    rml_str asked = rml_sql_quote(arena, topic->name);
    rml_str without = RML_STR("true");
    for (size_t i = 0; i < topic->without_count; i++) {
        rml_str word = rml_sql_quote(arena, topic->without[i]);
        without = rml_arena_printf(arena, "%.*s AND NOT contains(lower(channel), %.*s)",
                                   RML_FMT(without), RML_FMT(word));
    }
    rml_str sql = rml_arena_printf(
        arena,
        "SELECT channel FROM \"%.*s\" WHERE channel = %.*s OR (%.*s = '' AND %.*s) GROUP BY "
        "channel ORDER BY count(*) DESC, channel LIMIT 1",
        RML_FMT(table), RML_FMT(asked), RML_FMT(asked), RML_FMT(without));
    if (!asked.data || !without.data || !sql.data) {
        return rml_fail_memory(err, 256);
    }
    rml_rows *rows = NULL;
    rml_batch batch = {0};
    RML_TRY(rml_lake_sql_of(lake, recording_id, sql, &rows, err));
    rml_status st = rml_rows_all(rows, 1, &batch, err);
    if (!st && batch.count == 1) {
        st = rml_copy_str(arena, rml_column_get_str(&batch.columns[0], 0), found, err);
    }
    rml_batch_reset(&batch);
    rml_rows_close(rows);
    return st;
}

// As rml_signals_find, of the type in this spelling alone.
static rml_status find_spelt(rml_lake *lake, rml_arena *arena, rml_str recording_id, rml_str type,
                             const rml_signals_topic *topic, rml_str *table, rml_str *found,
                             rml_error *err)
{
    rml_array tables = RML_ARRAY(rml_str);
    rml_str wanted = plain_name(arena, rml_arena_printf(arena, "signals_%.*s", RML_FMT(type)));
    rml_status st = wanted.data ? RML_OK : rml_fail_memory(err, type.len);
    st = st ? st
            : rml_lake_owner_tables(lake, recording_id, beginning_of(wanted), arena, &tables, err);
    for (size_t i = 0; !st && found->len == 0 && i < tables.count; i++) {
        rml_str name = *RML_AT(&tables, rml_str, i);
        if (is_table_of(plain_name(arena, name), wanted)) {
            st = topic_find(lake, arena, recording_id, name, topic, found, err);
            st = !st && found->len > 0 ? rml_copy_str(arena, name, table, err) : st;
        }
    }
    rml_array_reset(&tables);
    return st;
}

rml_status rml_signals_find(rml_lake *lake, rml_arena *arena, rml_str recording_id, rml_str type,
                            const rml_signals_topic *topic, rml_str *table, rml_str *found,
                            rml_error *err)
{
    *table = *found = (rml_str){0};
    RML_TRY(find_spelt(lake, arena, recording_id, type, topic, table, found, err));
    rml_str twin = found->len == 0 ? rml_type_ros_twin(type, arena) : (rml_str){0};
    return twin.len > 0 ? find_spelt(lake, arena, recording_id, twin, topic, table, found, err)
                        : RML_OK;
}

rml_status rml_recording_drive(rml_lake *lake, rml_arena *arena, rml_str recording_id,
                               rml_str *drive_id, rml_error *err)
{
    const rml_lake_read query = {
        .table = "recordings", .columns = "drive_id", .owners = &recording_id, .owner_count = 1};
    rml_rows *rows = NULL;
    rml_batch batch = {0};
    RML_TRY(rml_lake_select(lake, &query, &rows, err));
    rml_status st = rml_rows_all(rows, 1, &batch, err);
    if (!st && batch.count == 0) {
        st = rml_fail(err, RML_ERR_MISSING, (rml_place){0},
                      "roadmill recordings lists what is there",
                      "expected a recording, found none of the name %.*s", RML_FMT(recording_id));
    }
    if (!st) {
        st = rml_copy_str(arena, rml_column_get_str(&batch.columns[0], 0), drive_id, err);
    }
    rml_batch_reset(&batch);
    rml_rows_close(rows);
    return st;
}
