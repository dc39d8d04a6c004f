// Commands on the home itself: init, home upgrade.
#include "call.h"

static rml_status run_init(rml_call *call, rml_error *err)
{
    const char *path = rml_call_path(call, "DIR");
    RML_TRY(rml_home_init(path, err));
    rml_json_object(&call->writer);
    rml_json_kv_str(&call->writer, "home", rml_str_of(path));
    rml_json_object_end(&call->writer);
    return RML_OK;
}

static rml_status write_table(void *context, rml_str table, const rml_lake_upgrade_result *made,
                              rml_error *err)
{
    rml_call *call = context;
    char before[RML_HASH_TEXT], after[RML_HASH_TEXT];
    (void)err;
    rml_hash_text(&made->before, before);
    rml_hash_text(&made->after, after);
    rml_json_object(&call->writer);
    rml_json_kv_str(&call->writer, "table", table);
    rml_json_kv_i64(&call->writer, "files", (int64_t)made->files);
    rml_json_kv_str(&call->writer, "before", rml_str_of(before));
    rml_json_kv_str(&call->writer, "after", rml_str_of(after));
    rml_json_object_end(&call->writer);
    return RML_OK;
}

static rml_status run_upgrade(rml_call *call, rml_error *err)
{
    bool old = false;
    rml_json_object(&call->writer);
    rml_json_key(&call->writer, "tables");
    rml_json_list(&call->writer);
    RML_TRY(rml_home_upgrade(rml_call_path(call, "home"), write_table, call, &old, err));
    rml_json_list_end(&call->writer);
    rml_json_kv_bool(&call->writer, "upgraded", old);
    rml_json_object_end(&call->writer);
    return RML_OK;
}

static const rml_option arguments[] = {
    {"DIR", .type = RML_OPTION_PATH, .help = "the folder of the home", .fallback = "roadmill"},
    {0},
};
static const rml_view view[] = {
    {.line = "home {home} is ready; next: roadmill ingest --home {home} FILE…"},
    {0},
};

static const rml_view upgrade_view[] = {
    {.each = "tables", .line = "{table}: {files} files told; state {before:id} is now {after:id}"},
    {.when = "{upgraded?}", .line = "the home is of today's format"},
    {.when = "{upgraded!}", .line = "the home was of today's format already"},
    {0},
};

const rml_command rml_home_commands[] = {
    {
        .name = "init",
        .summary = "make a home for a lake, a catalog, versions, runs and models",
        .example = "roadmill init fleet",
        .arguments = arguments,
        .view = view,
        .run = run_init,
    },
    {
        .name = "home upgrade",
        .summary = "bring a home that an earlier program made to today's format; no data changes",
        .example = "roadmill home upgrade --home fleet",
        .view = upgrade_view,
        .run = run_upgrade,
    },
    {0},
};
