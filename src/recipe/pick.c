// Which built-in recipe a recording's channels fit, and in words why none does.
#include "ego_channel.h"
#include "roadmill/base/json.h"
#include "roadmill/lake/sql.h"
#include "roadmill/world/builder.h"

#define TYPES_TOLD_MAX 6

// How a recipe stands to a recording.
typedef struct recipe_fit {
    size_t found;  // channels that it has, also those that may be missing
    rml_str lacks; // type of the first that must be there and is not; empty: it fits
} recipe_fit;

static rml_status fit_of(rml_lake *lake, rml_str recording_id, rml_str name, rml_arena *arena,
                         recipe_fit *out, rml_error *err)
{
    rml_recipe *recipe = NULL;
    RML_TRY(rml_recipe_parse(rml_recipe_builtin(name), name, &recipe, err));
    rml_status st = RML_OK;
    *out = (recipe_fit){0};
    for (size_t i = 0; !st && i < recipe->channel_count; i++) {
        const recipe_channel *c = &recipe->channels[i];
        ego_source source = {0};
        st = rml_ego_source_find(lake, arena, recording_id, c, &source, err);
        out->found += source.table.len > 0;
        bool must = i == recipe->driver || c->required;
        if (!st && must && source.table.len == 0 && out->lacks.len == 0) {
            st = rml_copy_str(arena, c->type, &out->lacks, err);
        }
    }
    rml_recipe_free(recipe);
    return st;
}

rml_status rml_recipe_pick(rml_lake *lake, rml_str recording_id, rml_str *name, rml_error *err)
{
    rml_arena arena = {0};
    rml_status st = RML_OK;
    *name = (rml_str){0};
    for (size_t i = 0; !st && name->len == 0 && rml_recipe_builtin_name(i) != NULL; i++) {
        recipe_fit fit;
        rml_str candidate = rml_str_of(rml_recipe_builtin_name(i));
        st = fit_of(lake, recording_id, candidate, &arena, &fit, err);
        *name = !st && fit.lacks.len == 0 ? candidate : *name;
    }
    rml_arena_reset(&arena);
    return st;
}

// ---- Why there is no ego -----------------------------------------------------------------------

// One row of two columns, both text; empty where there is none.
static rml_status ask(rml_lake *lake, rml_str recording_id, const char *sql, rml_arena *arena,
                      rml_str *first, rml_str *second, rml_error *err)
{
    rml_rows *rows = NULL;
    rml_batch batch = {0};
    *first = *second = (rml_str){0};
    RML_TRY(rml_lake_sql_of(lake, recording_id, rml_str_of(sql), &rows, err));
    rml_status st = rml_rows_all(rows, 1, &batch, err);
    if (!st && batch.count == 1) {
        st = rml_copy_str(arena, rml_column_get_str(&batch.columns[0], 0), first, err);
        st = st ? st : rml_copy_str(arena, rml_column_get_str(&batch.columns[1], 0), second, err);
    }
    rml_batch_reset(&batch);
    rml_rows_close(rows);
    return st;
}

static bool told_before(const rml_json *first, const rml_json *now, rml_str type)
{
    for (const rml_json *c = first; c != now; c = c->next) {
        if (rml_str_equal(rml_json_get_str(c, "type", (rml_str){0}), type)) {
            return true;
        }
    }
    return false;
}

// "A, B and 3 more": the types of a ledger's channels, each once.
static rml_status say_types(const rml_json *channels, rml_buffer *out, rml_error *err)
{
    size_t told = 0, more = 0;
    for (const rml_json *c = channels->child; c != NULL; c = c->next) {
        rml_str type = rml_json_get_str(c, "type", (rml_str){0});
        rml_str encoding = rml_json_get_str(c, "encoding", (rml_str){0});
        if (told_before(channels->child, c, type)) {
            continue;
        }
        if (told == TYPES_TOLD_MAX) {
            more++;
            continue;
        }
        bool frames = type.len == 0 && rml_str_equal(encoding, RML_STR("can"));
        rml_str word = type.len > 0 ? type : encoding;
        RML_TRY(rml_buffer_printf(out, err, "%s%.*s%s", told++ > 0 ? ", " : "", RML_FMT(word),
                                  frames ? " frames (--dbc FILE decodes them)" : ""));
    }
    RML_TRY(more > 0 ? rml_buffer_printf(out, err, " and %zu more", more) : RML_OK);
    return told == 0 ? rml_buffer_str(out, RML_STR("none"), err) : RML_OK;
}

// The recipe of which the recording has most channels; if it has none of any, what drives them.
static rml_status say_nearest(rml_lake *lake, rml_str recording_id, rml_arena *arena,
                              rml_buffer *out, rml_error *err)
{
    recipe_fit nearest = {0};
    const char *name = NULL;
    rml_buffer all = {0};
    rml_status st = RML_OK;
    for (size_t i = 0; !st && rml_recipe_builtin_name(i) != NULL; i++) {
        recipe_fit fit;
        rml_str candidate = rml_str_of(rml_recipe_builtin_name(i));
        st = fit_of(lake, recording_id, candidate, arena, &fit, err);
        if (!st && fit.found > nearest.found) {
            nearest = fit;
            name = rml_recipe_builtin_name(i);
        }
        st =
            st ? st : rml_buffer_printf(&all, err, "%s%.*s", i > 0 ? ", " : "", RML_FMT(fit.lacks));
    }
    if (!st && name != NULL) {
        st = rml_buffer_printf(out, err, "nearest: %s lacks a channel of %.*s", name,
                               RML_FMT(nearest.lacks));
    } else if (!st) {
        st = rml_buffer_printf(out, err, "expected one of %.*s", RML_FMT(rml_buffer_text(&all)));
    }
    rml_buffer_reset(&all);
    return st;
}

static rml_status say_channels(rml_lake *lake, rml_str recording_id, rml_arena *arena,
                               rml_buffer *out, rml_error *err)
{
    rml_str ledger, format;
    const rml_json *tree;
    RML_TRY(ask(lake, recording_id, "SELECT ledger, format FROM recordings LIMIT 1", arena, &ledger,
                &format, err));
    if (ledger.len == 0) {
        return RML_OK;
    }
    RML_TRY(rml_json_parse(arena, ledger, RML_STR("ledger"), &tree, err));
    const rml_json *channels = rml_json_get(tree, "channels");
    if (channels == NULL) {
        return RML_OK; // a scenario: its agents are tracks
    }
    RML_TRY(rml_buffer_str(out, RML_STR("no built-in recipe fits; channels seen: "), err));
    RML_TRY(say_types(channels, out, err));
    RML_TRY(rml_buffer_str(out, RML_STR("; "), err));
    return say_nearest(lake, recording_id, arena, out, err);
}

static rml_status say_rejects(rml_lake *lake, rml_str recording_id, rml_arena *arena,
                              rml_buffer *out, rml_error *err)
{
    rml_str count, reason;
    RML_TRY(ask(lake, recording_id,
                "SELECT CAST(count(*) AS VARCHAR), arg_min(reason, \"offset\") FROM ego_rejects",
                arena, &count, &reason, err));
    return rml_buffer_printf(out, err, "all its %.*s instants are rejects, the first: %.*s",
                             RML_FMT(count), RML_FMT(reason));
}

rml_status rml_ego_missing(rml_lake *lake, rml_str recording_id, rml_arena *arena, rml_str *why,
                           rml_error *err)
{
    rml_array tables = RML_ARRAY(rml_str);
    rml_buffer text = {0};
    bool rows = false, rejects = false;
    *why = (rml_str){0};
    rml_status st = rml_lake_owner_tables(lake, recording_id, RML_STR("ego"), arena, &tables, err);
    for (size_t i = 0; i < tables.count; i++) {
        rml_str name = *RML_AT(&tables, rml_str, i);
        rows = rows || rml_str_equal(name, RML_STR("ego"));
        rejects = rejects || rml_str_equal(name, RML_STR("ego_rejects"));
    }
    if (!st && !rows) {
        st = rejects ? say_rejects(lake, recording_id, arena, &text, err)
                     : say_channels(lake, recording_id, arena, &text, err);
    }
    if (!st && text.len > 0) {
        *why = rml_arena_str(arena, rml_buffer_text(&text));
        st = why->data != NULL ? RML_OK : rml_fail_memory(err, text.len);
    }
    rml_buffer_reset(&text);
    rml_array_reset(&tables);
    return st;
}
