// Commands on what has been recorded: `recordings`, `recordings show`, `drives`, `drives show`.
#include "call.h"
#include "roadmill/lake.h"
#include "roadmill/lake/sql.h"
#include "roadmill/message.h"
#include "roadmill/recipe.h"

#define ROWS_MAX 1000000

// A shown document: the rows of one query, its last column of JSON text written as JSON.
typedef struct listing {
    const char *sql;         // "%.*s" is the quoted prefix of the id, for show
    const char *json_column; // its text is a document of its own; NULL: none
    const char *missing;     // what an id that is not there is called
} listing;

static const listing recordings = {
    .sql = "SELECT recording_id, drive_id, format, start_ns, end_ns, bytes, bytes_lost, messages, "
           "\"rows\", blobs, rejects, completeness, uri, licence FROM recordings "
           "ORDER BY start_ns, recording_id",
};
static const listing recording = {
    .sql = "SELECT * FROM recordings WHERE starts_with(recording_id, %.*s) ORDER BY recording_id",
    .json_column = "ledger",
    .missing = "recording",
};
#define DRIVES                                                                                     \
    "SELECT drive_id, any_value(vehicle ORDER BY recording_id) AS vehicle, "                       \
    "any_value(place_id ORDER BY recording_id) AS place_id, min(start_ns) AS start_ns, "           \
    "max(end_ns) AS end_ns, list(recording_id ORDER BY start_ns, recording_id) AS recordings "     \
    "FROM drives "
static const listing drives = {.sql = DRIVES "GROUP BY drive_id ORDER BY start_ns, drive_id"};
static const listing drive = {
    .sql = DRIVES "WHERE starts_with(drive_id, %.*s) GROUP BY drive_id ORDER BY drive_id",
    .missing = "drive",
};

// A row as an object; a column of JSON text becomes what it says. no_ego: a field beside the
// columns; NULL: none.
static rml_status write_row(rml_call *call, const rml_batch *b, size_t row, const char *json_column,
                            const rml_str *no_ego, rml_json_writer *w, rml_error *err)
{
    rml_buffer text = {0};
    rml_json_writer plain;
    const rml_json *tree;
    rml_json_writer_init(&plain, &text, err);
    rml_message_json(b->schema, b->columns, row, &plain);
    rml_status st = rml_json_finish(&plain);
    st = st ? st : rml_json_parse(&call->arena, rml_buffer_text(&text), RML_STR("row"), &tree, err);
    rml_buffer_reset(&text);
    RML_TRY(st);
    rml_json_object(w);
    for (const rml_json *v = tree->child; v != NULL; v = v->next) {
        const rml_json *inner = v;
        if (json_column != NULL && v->kind == RML_JSON_STRING &&
            rml_str_equal(v->key, rml_str_of(json_column))) {
            RML_TRY(rml_json_parse(&call->arena, v->string, v->key, &inner, err));
        }
        rml_json_key(w, v->key.data);
        rml_json_value(w, inner);
    }
    if (no_ego != NULL) {
        rml_json_kv_str(w, "no_ego", *no_ego);
    }
    rml_json_object_end(w);
    return RML_OK;
}

static rml_status write_rows(rml_call *call, const rml_batch *b, rml_error *err)
{
    rml_json_list(&call->writer);
    for (size_t i = 0; i < b->count; i++) {
        RML_TRY(write_row(call, b, i, NULL, NULL, &call->writer, err));
    }
    rml_json_list_end(&call->writer);
    return RML_OK;
}

// ---- The commands ------------------------------------------------------------------------------

static rml_status select_rows(rml_call *call, const listing *l, rml_batch *out, rml_error *err)
{
    rml_home *home;
    RML_TRY(rml_call_home(call, false, &home, err));
    rml_str sql = rml_str_of(l->sql);
    if (l->missing != NULL) {
        rml_str id = rml_sql_quote(&call->arena, rml_call_text(call, "ID"));
        size_t at = rml_str_find(sql, RML_STR("%.*s"));
        sql = rml_arena_printf(&call->arena, "%.*s%.*s%s", (int)at, l->sql, RML_FMT(id),
                               l->sql + at + 4);
    }
    if (sql.data == NULL) {
        return rml_fail_memory(err, 256);
    }
    rml_rows *rows;
    RML_TRY(rml_lake_sql(home->lake, sql, &rows, err));
    rml_status st = rml_rows_all(rows, ROWS_MAX, out, err);
    rml_rows_close(rows);
    return st;
}

static rml_status run_list(rml_call *call, const listing *l, rml_error *err)
{
    rml_batch batch = {0};
    rml_status st = select_rows(call, l, &batch, err);
    st = st ? st : write_rows(call, &batch, err);
    rml_batch_reset(&batch);
    return st;
}

// One thing by a prefix of its id.
static rml_status run_show(rml_call *call, const listing *l, rml_error *err)
{
    rml_batch batch = {0};
    rml_status st = select_rows(call, l, &batch, err);
    if (st == RML_OK && batch.count != 1) {
        st = rml_fail(err, batch.count == 0 ? RML_ERR_MISSING : RML_ERR_ARGUMENT, (rml_place){0},
                      "roadmill recordings and roadmill drives list them",
                      "expected one %s with an id that begins with \"%.*s\", found %zu", l->missing,
                      RML_FMT(rml_call_text(call, "ID")), batch.count);
    }
    rml_str no_ego = {0};
    if (st == RML_OK && l == &recording) {
        rml_str id = rml_column_get_str(rml_batch_column(&batch, "recording_id"), 0);
        st = rml_ego_missing(call->home.lake, id, &call->arena, &no_ego, err);
    }
    st = st ? st
            : write_row(call, &batch, 0, l->json_column, l == &recording ? &no_ego : NULL,
                        &call->writer, err);
    rml_batch_reset(&batch);
    return st;
}

static rml_status run_recordings(rml_call *call, rml_error *err)
{
    return run_list(call, &recordings, err);
}

static rml_status run_recording(rml_call *call, rml_error *err)
{
    return run_show(call, &recording, err);
}

static rml_status run_drives(rml_call *call, rml_error *err)
{
    return run_list(call, &drives, err);
}

static rml_status run_drive(rml_call *call, rml_error *err)
{
    return run_show(call, &drive, err);
}

static const rml_option recording_arguments[] = {
    {"ID", .type = RML_OPTION_NAME, .kind = "recording", .required = true},
    {0},
};
static const rml_option drive_arguments[] = {
    {"ID", .type = RML_OPTION_NAME, .kind = "drive", .required = true},
    {0},
};
static const rml_view recordings_view[] = {
    {.each = "",
     .table =
         "id=recording_id:id | format | start=start_ns:time | seconds=end_ns-start_ns:.3f*1e-9 | "
         "messages | rows | blobs | rejects | completeness | uri"},
    {0},
};
static const rml_view drives_view[] = {
    {.each = "",
     .table = "id=drive_id:id | vehicle | place=place_id | start=start_ns:time | "
              "seconds=end_ns-start_ns:.3f*1e-9 | recordings:count"},
    {0},
};
static const rml_view show_view[] = {{.json = ""}, {0}};

const rml_command rml_recordings_commands[] = {
    {
        .name = "recordings",
        .summary = "list the recordings of the lake with what became of their messages",
        .example = "roadmill recordings",
        .view = recordings_view,
        .run = run_recordings,
    },
    {
        .name = "recordings show",
        .summary = "show a recording with its ledger",
        .example = "roadmill recordings show 5d3653cf",
        .arguments = recording_arguments,
        .view = show_view,
        .run = run_recording,
    },
    {
        .name = "drives",
        .summary = "list the drives of the lake",
        .example = "roadmill drives",
        .view = drives_view,
        .run = run_drives,
    },
    {
        .name = "drives show",
        .summary = "show a drive with its recordings",
        .example = "roadmill drives show 1d4f",
        .arguments = drive_arguments,
        .view = show_view,
        .run = run_drive,
    },
    {0},
};
