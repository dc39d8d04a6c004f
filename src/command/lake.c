// Commands on the lake: its tables and their history.
#include "call.h"

static rml_status run_tables(rml_call *call, rml_error *err)
{
    rml_home *home = NULL;
    rml_json_writer *w = &call->writer;
    RML_TRY(rml_call_home(call, false, &home, err));
    rml_array tables = RML_ARRAY(rml_lake_table);
    rml_status st = rml_lake_tables(home->lake, &call->arena, &tables, err);
    rml_json_list(w);
    for (size_t i = 0; st == RML_OK && i < tables.count; i++) {
        const rml_lake_table *table = RML_AT(&tables, rml_lake_table, i);
        char state[RML_HASH_TEXT];
        rml_hash_text(&table->state, state);
        rml_json_object(w);
        rml_json_kv_str(w, "name", table->name);
        rml_json_kv_i64(w, "version", table->version);
        rml_json_kv_i64(w, "files", (int64_t)table->files);
        rml_json_kv_i64(w, "rows", (int64_t)table->rows);
        rml_json_kv_i64(w, "bytes", (int64_t)table->bytes);
        rml_json_kv_str(w, "state", rml_str_of(state));
        rml_json_object_end(w);
    }
    rml_json_list_end(w);
    rml_array_reset(&tables);
    return st;
}

static rml_status run_history(rml_call *call, rml_error *err)
{
    rml_home *home = NULL;
    rml_json_writer *w = &call->writer;
    RML_TRY(rml_call_home(call, false, &home, err));
    rml_array commits = RML_ARRAY(rml_lake_commit_info);
    rml_status st =
        rml_lake_history(home->lake, rml_call_path(call, "TABLE"), &call->arena, &commits, err);
    rml_json_list(w);
    for (size_t i = 0; st == RML_OK && i < commits.count; i++) {
        const rml_lake_commit_info *c = RML_AT(&commits, rml_lake_commit_info, i);
        rml_json_object(w);
        rml_json_kv_i64(w, "version", c->version);
        rml_json_kv_ns(w, "time_ns", c->time_ns);
        rml_json_kv_str(w, "operation", c->operation);
        rml_json_kv_str(w, "owner", c->owner);
        rml_json_kv_i64(w, "files_added", (int64_t)c->files_added);
        rml_json_kv_i64(w, "files_removed", (int64_t)c->files_removed);
        rml_json_kv_i64(w, "rows_added", (int64_t)c->rows_added);
        rml_json_object_end(w);
    }
    rml_json_list_end(w);
    rml_array_reset(&commits);
    return st;
}

static const rml_option history_arguments[] = {
    {"TABLE", .type = RML_OPTION_NAME, .kind = "table", .required = true},
    {0},
};
static const rml_view tables_view[] = {
    {.each = "", .table = "table=name | version | files | rows | bytes | state:id"},
    {0},
};
static const rml_view history_view[] = {
    {.each = "",
     .table = "version | time=time_ns:time | operation | files=files_added | removed=files_removed "
              "| rows=rows_added | owner:id"},
    {0},
};

const rml_command rml_lake_commands[] = {
    {
        .name = "lake tables",
        .summary = "list the tables of the lake, their rows and state hashes",
        .example = "roadmill lake tables",
        .view = tables_view,
        .run = run_tables,
    },
    {
        .name = "lake history",
        .summary = "list the commits of a table",
        .example = "roadmill lake history recordings",
        .arguments = history_arguments,
        .view = history_view,
        .run = run_history,
    },
    {0},
};
