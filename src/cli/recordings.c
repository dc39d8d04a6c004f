// Commands on what has been recorded: `recordings`, `recordings show`, `drives`, `drives show`.
#include "command.h"
#include "roadmill/lake.h"
#include "roadmill/lake/sql.h"
#include "roadmill/message.h"
#include "roadmill/recipe.h"

#define ROWS_MAX 1000000
#define ID_TEXT_MAX 64

// A shown document: the rows of one query, its last column of JSON text written as JSON.
typedef struct listing {
    const char *sql;         // "%.*s" is the quoted prefix of the id, for show
    const char *json_column; // its text is a document of its own; NULL: none
    const char *missing;     // what an id that is not there is called
} listing;

static const char *const recording_heads[] = {"id",           "format", "start", "seconds",
                                              "messages",     "rows",   "blobs", "rejects",
                                              "completeness", "uri"};
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

static int64_t number_of(const rml_batch *batch, const char *name, size_t row)
{
    const rml_column *c = rml_batch_column(batch, name);
    return c == NULL || rml_column_is_null(c, row) ? 0 : rml_column_get_i64(c, row);
}

static rml_str text_of(const rml_batch *batch, const char *name, size_t row)
{
    const rml_column *c = rml_batch_column(batch, name);
    return c == NULL || rml_column_is_null(c, row) ? RML_STR("-") : rml_column_get_str(c, row);
}

// ---- For people --------------------------------------------------------------------------------

static void cell_text(rml_cli *cli, rml_cli_table *t, const rml_batch *b, const char *name,
                      size_t row, int most)
{
    rml_str text = text_of(b, name, row);
    rml_cli_table_cell(cli, t, "%.*s", (int)text.len < most ? (int)text.len : most, text.data);
}

static void cell_span(rml_cli *cli, rml_cli_table *t, const rml_batch *b, size_t row)
{
    char start[40] = "-";
    int64_t from = number_of(b, "start_ns", row), to = number_of(b, "end_ns", row);
    if (!rml_column_is_null(rml_batch_column(b, "start_ns"), row)) {
        rml_clock_text(from, start);
    }
    rml_cli_table_cell(cli, t, "%s", start);
    rml_cli_table_cell(cli, t, "%.3f", (double)(to - from) * 1e-9);
}

static void print_recordings(rml_cli *cli, const rml_batch *b)
{
    rml_cli_table t;
    rml_cli_table_begin(&t, recording_heads, sizeof recording_heads / sizeof *recording_heads);
    for (size_t i = 0; i < b->count; i++) {
        cell_text(cli, &t, b, "recording_id", i, 12);
        cell_text(cli, &t, b, "format", i, ID_TEXT_MAX);
        cell_span(cli, &t, b, i);
        static const char *const numbers[] = {"messages", "rows", "blobs", "rejects"};
        for (size_t k = 0; k < sizeof numbers / sizeof *numbers; k++) {
            rml_cli_table_cell(cli, &t, "%lld", (long long)number_of(b, numbers[k], i));
        }
        cell_text(cli, &t, b, "completeness", i, ID_TEXT_MAX);
        cell_text(cli, &t, b, "uri", i, 400);
    }
    rml_cli_table_end(cli, &t);
}

static void print_drives(rml_cli *cli, const rml_batch *b)
{
    static const char *const heads[] = {"id", "vehicle", "place", "start", "seconds", "recordings"};
    rml_cli_table t;
    rml_cli_table_begin(&t, heads, sizeof heads / sizeof *heads);
    for (size_t i = 0; i < b->count; i++) {
        size_t first, count;
        rml_column_get_list(rml_batch_column(b, "recordings"), i, &first, &count);
        cell_text(cli, &t, b, "drive_id", i, ID_TEXT_MAX);
        cell_text(cli, &t, b, "vehicle", i, ID_TEXT_MAX);
        cell_text(cli, &t, b, "place_id", i, ID_TEXT_MAX);
        cell_span(cli, &t, b, i);
        rml_cli_table_cell(cli, &t, "%zu", count);
    }
    rml_cli_table_end(cli, &t);
}

// ---- As JSON -----------------------------------------------------------------------------------

// A row as an object; a column of JSON text becomes what it says. no_ego: a field beside the
// columns; NULL: none.
static rml_status write_row(rml_cli *cli, const rml_batch *b, size_t row, const char *json_column,
                            const rml_str *no_ego, rml_json_writer *w, rml_error *err)
{
    rml_buffer text = {0};
    rml_json_writer plain;
    const rml_json *tree;
    rml_json_writer_init(&plain, &text, err);
    rml_message_json(b->schema, b->columns, row, &plain);
    rml_status st = rml_json_finish(&plain);
    st = st ? st : rml_json_parse(&cli->arena, rml_buffer_text(&text), RML_STR("row"), &tree, err);
    rml_buffer_reset(&text);
    RML_TRY(st);
    rml_json_object(w);
    for (const rml_json *v = tree->child; v != NULL; v = v->next) {
        const rml_json *inner = v;
        if (json_column != NULL && v->kind == RML_JSON_STRING &&
            rml_str_equal(v->key, rml_str_of(json_column))) {
            RML_TRY(rml_json_parse(&cli->arena, v->string, v->key, &inner, err));
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

static rml_status write_rows(rml_cli *cli, const rml_batch *b, rml_error *err)
{
    rml_json_list(&cli->writer);
    for (size_t i = 0; i < b->count; i++) {
        RML_TRY(write_row(cli, b, i, NULL, NULL, &cli->writer, err));
    }
    rml_json_list_end(&cli->writer);
    return RML_OK;
}

// ---- The commands ------------------------------------------------------------------------------

static rml_status select_rows(rml_cli *cli, const listing *l, rml_batch *out, rml_error *err)
{
    rml_home *home;
    RML_TRY(rml_cli_home(cli, false, &home, err));
    rml_str sql = rml_str_of(l->sql);
    if (l->missing != NULL) {
        rml_str id = rml_sql_quote(&cli->arena, rml_str_of(cli->arguments[0]));
        size_t at = rml_str_find(sql, RML_STR("%.*s"));
        sql = rml_arena_printf(&cli->arena, "%.*s%.*s%s", (int)at, l->sql, RML_FMT(id),
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

static rml_status run_list(rml_cli *cli, const listing *l,
                           void (*print)(rml_cli *cli, const rml_batch *b), rml_error *err)
{
    rml_batch batch = {0};
    rml_status st = select_rows(cli, l, &batch, err);
    if (st == RML_OK && cli->json) {
        st = write_rows(cli, &batch, err);
    } else if (st == RML_OK) {
        print(cli, &batch);
    }
    rml_batch_reset(&batch);
    return st;
}

static rml_status why_no_ego(rml_cli *cli, rml_str recording_id, rml_str *out, rml_error *err)
{
    rml_home *home;
    RML_TRY(rml_cli_home(cli, false, &home, err));
    return rml_ego_missing(home->lake, recording_id, &cli->arena, out, err);
}

// One thing by a prefix of its id, as JSON: for people indented.
static rml_status run_show(rml_cli *cli, const listing *l, rml_error *err)
{
    rml_batch batch = {0};
    rml_json_writer indented;
    rml_json_writer_init(&indented, &cli->output, err);
    indented.pretty = true;
    rml_status st = select_rows(cli, l, &batch, err);
    if (st == RML_OK && batch.count != 1) {
        st = rml_fail(err, batch.count == 0 ? RML_ERR_MISSING : RML_ERR_ARGUMENT, (rml_place){0},
                      "roadmill recordings and roadmill drives list them",
                      "expected one %s with an id that begins with \"%s\", found %zu", l->missing,
                      cli->arguments[0], batch.count);
    }
    rml_str no_ego = {0};
    if (st == RML_OK && l == &recording) {
        st = why_no_ego(cli, rml_column_get_str(rml_batch_column(&batch, "recording_id"), 0),
                        &no_ego, err);
    }
    if (st == RML_OK) {
        st = write_row(cli, &batch, 0, l->json_column, l == &recording ? &no_ego : NULL,
                       cli->json ? &cli->writer : &indented, err);
    }
    if (st == RML_OK && !cli->json) {
        st = rml_json_finish(&indented);
        rml_cli_print(cli, "\n");
    }
    rml_batch_reset(&batch);
    return st;
}

static rml_status run_recordings(rml_cli *cli, rml_error *err)
{
    return run_list(cli, &recordings, print_recordings, err);
}

static rml_status run_recording(rml_cli *cli, rml_error *err)
{
    return run_show(cli, &recording, err);
}

static rml_status run_drives(rml_cli *cli, rml_error *err)
{
    return run_list(cli, &drives, print_drives, err);
}

static rml_status run_drive(rml_cli *cli, rml_error *err)
{
    return run_show(cli, &drive, err);
}

static const rml_command commands[] = {
    {
        .name = "recordings",
        .arguments = "",
        .summary = "list the recordings of the lake with what became of their messages",
        .example = "roadmill recordings",
        .run = run_recordings,
    },
    {
        .name = "recordings show",
        .arguments = "ID",
        .summary = "show a recording with its ledger",
        .example = "roadmill recordings show 5d3653cf",
        .arguments_min = 1,
        .arguments_max = 1,
        .run = run_recording,
    },
    {
        .name = "drives",
        .arguments = "",
        .summary = "list the drives of the lake",
        .example = "roadmill drives",
        .run = run_drives,
    },
    {
        .name = "drives show",
        .arguments = "ID",
        .summary = "show a drive with its recordings",
        .example = "roadmill drives show 1d4f",
        .arguments_min = 1,
        .arguments_max = 1,
        .run = run_drive,
    },
};

const rml_command_group rml_recordings_commands = {commands, sizeof commands / sizeof *commands};
