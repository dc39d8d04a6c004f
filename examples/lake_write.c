// Writes rows, given as JSON, into a table of a lake:
//
//     lake_write LAKE TABLE OWNER SCHEMA.json ROWS.jsonl [BATCH [replace]]
//
// SCHEMA.json is a list of {"name": "x", "type": "f64", "nullable": true, "children": [...]}, where
// type is a name of rml_type_name; a row is one JSON object a line. u64 may be given as text,
// binary as hexadecimal digits, NaN and infinities as text. Without arguments it writes two rows
// into a new lake in the working folder and asks for them back.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "roadmill/roadmill.h"

static rml_arena arena;

static rml_status parse_field(const rml_json *j, rml_field *out, rml_error *err)
{
    rml_str type = rml_json_get_str(j, "type", RML_STR(""));
    *out = (rml_field){.name = rml_json_get_str(j, "name", RML_STR("element")),
                       .nullable = rml_json_get_bool(j, "nullable", true)};
    bool known = false;
    for (rml_type t = RML_TYPE_BOOL; t <= RML_TYPE_STRUCT; t++) {
        if (rml_str_equal(type, rml_str_of(rml_type_name(t)))) {
            out->type = t;
            known = true;
        }
    }
    if (!known) {
        return rml_fail(err, RML_ERR_ARGUMENT, (rml_place){0}, NULL,
                        "expected a type name such as f64, found \"%.*s\"", RML_FMT(type));
    }
    const rml_json *children = rml_json_get(j, "children");
    if (children == NULL || children->count == 0) {
        return RML_OK;
    }
    rml_field *fields = RML_NEW_ARRAY(&arena, rml_field, children->count);
    if (fields == NULL) {
        return rml_fail_memory(err, children->count * sizeof *fields);
    }
    out->children = fields;
    for (const rml_json *c = children->child; c != NULL; c = c->next) {
        RML_TRY(parse_field(c, &fields[out->child_count++], err));
    }
    return RML_OK;
}

static rml_status parse_schema(rml_str text, rml_schema *out, rml_error *err)
{
    const rml_json *list = NULL;
    RML_TRY(rml_json_parse(&arena, text, RML_STR("schema"), &list, err));
    rml_field *fields = RML_NEW_ARRAY(&arena, rml_field, list->count + 1);
    if (fields == NULL) {
        return rml_fail_memory(err, list->count);
    }
    *out = (rml_schema){fields, 0};
    for (const rml_json *j = list->child; j != NULL; j = j->next) {
        RML_TRY(parse_field(j, &fields[out->count++], err));
    }
    return RML_OK;
}

static rml_status append_hex(rml_column *c, rml_str digits, rml_error *err)
{
    uint8_t bytes[4096];
    size_t n = 0;
    for (size_t i = 0; i + 1 < digits.len && n < sizeof bytes; i += 2) {
        char pair[3] = {digits.data[i], digits.data[i + 1], '\0'};
        bytes[n++] = (uint8_t)strtoul(pair, NULL, 16);
    }
    return rml_column_bytes(c, bytes, n, err);
}

static rml_status append(rml_column *c, const rml_field *field, const rml_json *v, rml_error *err)
{
    if (v == NULL || v->kind == RML_JSON_NULL) {
        return rml_column_null(c, err);
    }
    double number = v->number;
    uint64_t whole = (uint64_t)v->integer;
    switch (field->type) {
    case RML_TYPE_BOOL:
        return rml_column_bool(c, v->boolean, err);
    case RML_TYPE_F32:
    case RML_TYPE_F64:
        if (v->kind == RML_JSON_STRING && !rml_parse_f64(v->string, &number)) {
            return rml_fail(err, RML_ERR_DATA, (rml_place){0}, NULL,
                            "expected a number, found \"%.*s\"", RML_FMT(v->string));
        }
        return rml_column_f64(c, number, err);
    case RML_TYPE_U64:
        if (v->kind == RML_JSON_STRING && !rml_parse_u64(v->string, &whole)) {
            return rml_fail(err, RML_ERR_DATA, (rml_place){0}, NULL,
                            "expected a whole number, found \"%.*s\"", RML_FMT(v->string));
        }
        return rml_column_value(c, &whole, err);
    case RML_TYPE_STRING:
        return rml_column_str(c, v->string, err);
    case RML_TYPE_BINARY:
        return append_hex(c, v->string, err);
    case RML_TYPE_LIST:
        for (const rml_json *item = v->child; item != NULL; item = item->next) {
            RML_TRY(append(&c->children[0], &field->children[0], item, err));
        }
        return rml_column_list_end(c, err);
    case RML_TYPE_STRUCT:
        for (size_t i = 0; i < field->child_count; i++) {
            rml_str name = rml_arena_str(&arena, field->children[i].name);
            RML_TRY(append(&c->children[i], &field->children[i], rml_json_get(v, name.data), err));
        }
        return rml_column_struct_end(c, err);
    default:
        return rml_column_i64(c, v->integer, err);
    }
}

static rml_status append_row(rml_batch *b, rml_str line, rml_error *err)
{
    const rml_json *row = NULL;
    RML_TRY(rml_json_parse(&arena, line, RML_STR("rows"), &row, err));
    for (size_t i = 0; i < b->schema.count; i++) {
        rml_str name = rml_arena_str(&arena, b->schema.fields[i].name);
        RML_TRY(append(&b->columns[i], &b->schema.fields[i], rml_json_get(row, name.data), err));
    }
    return rml_batch_row_end(b, err);
}

typedef struct job {
    const char *table;
    rml_str schema, rows;
    size_t batch_rows;
    bool replace;
} job;

// All rows as one transaction of the owner.
static rml_status write_rows(rml_lake_txn *txn, const job *j, rml_error *err)
{
    rml_schema schema;
    rml_batch batch;
    RML_TRY(parse_schema(j->schema, &schema, err));
    RML_TRY(rml_batch_init(&batch, schema, err));
    rml_status st = j->replace ? rml_lake_replace(txn, j->table, err) : RML_OK;
    rml_str left = j->rows, line;
    do {
        left = rml_str_cut(left, '\n', &line);
        if (st == RML_OK && line.len > 0) {
            st = append_row(&batch, line, err);
        }
        if (st == RML_OK && (batch.count >= j->batch_rows || left.len == 0)) {
            st = rml_lake_append(txn, j->table, &batch, err);
            rml_batch_clear(&batch);
        }
    } while (st == RML_OK && left.len > 0);
    rml_batch_reset(&batch);
    return st == RML_OK ? rml_lake_commit(txn, NULL, NULL, err) : st;
}

static rml_status run(const char *folder, const char *owner, const job *j, rml_error *err)
{
    rml_lake *lake = NULL;
    rml_lake_txn *txn = NULL;
    rml_status st = rml_lake_open(rml_str_of(folder), &lake, err);
    if (st == RML_OK) {
        st = rml_lake_begin(lake, rml_str_of(owner), &txn, err);
    }
    if (st == RML_OK) {
        st = write_rows(txn, j, err);
    }
    rml_lake_txn_close(txn);
    rml_lake_table table = {0};
    if (st == RML_OK) {
        st = rml_lake_table_get(lake, j->table, &table, err);
    }
    if (st == RML_OK) {
        char state[RML_HASH_TEXT];
        rml_hash_text(&table.state, state);
        printf("%s version %lld rows %llu state %s\n", j->table, (long long)table.version,
               (unsigned long long)table.rows, state);
    }
    rml_lake_close(lake);
    return st;
}

int main(int argc, char **argv)
{
    rml_error err = {0};
    rml_buffer schema = {0}, rows = {0};
    rml_status st = RML_OK;
    job j = {.table = "examples",
             .schema = RML_STR("[{\"name\":\"t_ns\",\"type\":\"i64\"},"
                               "{\"name\":\"speed_mps\",\"type\":\"f64\"}]"),
             .rows = RML_STR("{\"t_ns\":0,\"speed_mps\":3.5}\n{\"t_ns\":100000000}\n"),
             .batch_rows = 1000};
    if (argc >= 6) {
        st = rml_file_read(argv[4], (size_t)1 << 26, &schema, &err);
        st = st == RML_OK ? rml_file_read(argv[5], (size_t)1 << 30, &rows, &err) : st;
        j.table = argv[2];
        j.schema = rml_buffer_text(&schema);
        j.rows = rml_buffer_text(&rows);
        j.batch_rows = argc > 6 ? strtoul(argv[6], NULL, 10) : j.batch_rows;
        j.replace = argc > 7;
    }
    if (st == RML_OK) {
        st = argc >= 6 ? run(argv[1], argv[3], &j, &err) : run("lake_example", "example", &j, &err);
    }
    if (st != RML_OK) {
        char text[1200];
        rml_error_text(&err, text, sizeof text);
        fprintf(stderr, "lake_write: %s\n", text);
    }
    rml_buffer_reset(&schema);
    rml_buffer_reset(&rows);
    rml_arena_reset(&arena);
    return st == RML_OK ? 0 : 1;
}
