// The Parquet writer: rows in, the same rows out of DuckDB, whatever the cut into batches, row
// groups and pages; and the digest, which must see every value and nothing else.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "roadmill/base/random.h"
#include "roadmill/lake.h"
#include "roadmill/lake/sql.h"
#include "roadmill/os.h"
#include "roadmill/parquet.h"

#define OK(call) assert_ok((call), &err, __LINE__)

static void assert_ok(rml_status st, const rml_error *err, int line)
{
    if (st != RML_OK) {
        char text[1200];
        rml_error_text(err, text, sizeof text);
        fail_msg("line %d: %s: %s", line, rml_status_name(st), text);
    }
}

static const char *path_of(const char *name)
{
    static char path[512];
    const char *temporary = getenv("TMPDIR");
    snprintf(path, sizeof path, "%s/roadmill_test_%s.parquet", temporary ? temporary : "/tmp",
             name);
    return path;
}

// ---- Random columns ----------------------------------------------------------------------------

static uint64_t seed = 1;

static uint64_t draw(uint64_t below) // splitmix64
{
    uint64_t z = seed += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return (z ^ z >> 31) % below;
}

static const rml_field inner[] = {
    {.name = {"k", 1}, .type = RML_TYPE_I16, .nullable = true},
    {.name = {"texts", 5},
     .type = RML_TYPE_LIST,
     .nullable = true,
     .children = &(rml_field){.name = {"element", 7}, .type = RML_TYPE_STRING, .nullable = true},
     .child_count = 1},
    {.name = {"must", 4}, .type = RML_TYPE_F32},
};
static const rml_field fields[] = {
    {.name = {"row", 3}, .type = RML_TYPE_I64},
    {.name = {"flag", 4}, .type = RML_TYPE_BOOL, .nullable = true},
    {.name = {"small", 5}, .type = RML_TYPE_I8},
    {.name = {"number", 6}, .type = RML_TYPE_F64, .nullable = true},
    {.name = {"text", 4}, .type = RML_TYPE_STRING, .nullable = true},
    {.name = {"bytes", 5}, .type = RML_TYPE_BINARY},
    {.name = {"big", 3}, .type = RML_TYPE_U64, .nullable = true},
    {.name = {"lists", 5},
     .type = RML_TYPE_LIST,
     .nullable = true,
     .children = &(rml_field){.name = {"element", 7},
                              .type = RML_TYPE_LIST,
                              .children = &(rml_field){.name = {"element", 7},
                                                       .type = RML_TYPE_STRUCT,
                                                       .nullable = true,
                                                       .children = inner,
                                                       .child_count = 3},
                              .child_count = 1},
     .child_count = 1},
};
static const rml_schema schema = {fields, sizeof fields / sizeof *fields};

static void add(rml_column *c, const rml_field *field, int depth)
{
    rml_error err = {0};
    if (field->nullable && draw(5) == 0) {
        OK(rml_column_null(c, &err));
        return;
    }
    char text[32];
    switch (field->type) {
    case RML_TYPE_BOOL:
        OK(rml_column_bool(c, draw(2) != 0, &err));
        break;
    case RML_TYPE_F32:
    case RML_TYPE_F64:
        OK(rml_column_f64(c, (double)draw(1000) / 8 - 50, &err));
        break;
    case RML_TYPE_U64: {
        uint64_t v = draw(UINT64_MAX);
        OK(rml_column_value(c, &v, &err));
        break;
    }
    case RML_TYPE_STRING:
    case RML_TYPE_BINARY:
        snprintf(text, sizeof text, "%.*s%d", (int)draw(20), "abcdefghijklmnopqrstuvwxyz",
                 (int)draw(30));
        OK(rml_column_str(c, rml_str_of(text), &err));
        break;
    case RML_TYPE_LIST:
        for (uint64_t n = draw(4); n > 0; n--) {
            add(&c->children[0], &field->children[0], depth + 1);
        }
        OK(rml_column_list_end(c, &err));
        break;
    case RML_TYPE_STRUCT:
        for (size_t i = 0; i < field->child_count; i++) {
            add(&c->children[i], &field->children[i], depth + 1);
        }
        OK(rml_column_struct_end(c, &err));
        break;
    default:
        OK(rml_column_i64(c, (int64_t)draw(200) - 100, &err));
        break;
    }
}

static void make_rows(rml_batch *b, size_t count)
{
    rml_error err = {0};
    OK(rml_batch_init(b, schema, &err));
    for (size_t row = 0; row < count; row++) {
        OK(rml_column_i64(&b->columns[0], (int64_t)row, &err));
        for (size_t i = 1; i < schema.count; i++) {
            add(&b->columns[i], &fields[i], 0);
        }
        OK(rml_batch_row_end(b, &err));
    }
}

static void read_back(rml_sql *sql, const char *path, rml_batch *out)
{
    rml_error err = {0};
    rml_rows *rows = NULL;
    OK(rml_sql_read_parquet(sql, path, &rows, &err));
    OK(rml_rows_all(rows, 1u << 24, out, &err));
    rml_rows_close(rows);
}

static void any_cut_gives_the_same_rows(void **state)
{
    (void)state;
    rml_error err = {0};
    rml_sql *sql = NULL;
    OK(rml_sql_open(&sql, &err));
    static const struct {
        size_t rows, batch, group;
        bool uncompressed;
    } cuts[] = {{0, 1, 0, false},        {1, 1, 0, true},        {100, 100, 7, false},
                {1000, 13, 100, true},   {1000, 1000, 1, false}, {30000, 30000, 0, false},
                {30000, 999, 4096, true}};
    for (size_t i = 0; i < sizeof cuts / sizeof *cuts; i++) {
        rml_batch rows, got;
        make_rows(&rows, cuts[i].rows);
        rml_parquet_options options = {.row_group_rows = cuts[i].group,
                                       .uncompressed = cuts[i].uncompressed,
                                       .split_floats = i % 2 == 0};
        rml_parquet_writer *w = NULL;
        OK(rml_parquet_open(path_of("cut"), schema, &options, &w, &err));
        for (size_t from = 0; from < rows.count; from += cuts[i].batch) {
            rml_batch part;
            OK(rml_batch_init(&part, schema, &err));
            size_t n = rows.count - from < cuts[i].batch ? rows.count - from : cuts[i].batch;
            for (size_t k = 0; k < schema.count; k++) {
                OK(rml_column_append(&part.columns[k], &rows.columns[k], from, n, &err));
            }
            part.count = n;
            OK(rml_parquet_write(w, &part, &err));
            rml_batch_reset(&part);
        }
        rml_parquet_result result;
        OK(rml_parquet_commit(w, &result, &err));
        rml_parquet_close(w);
        rml_hash whole, read;
        OK(rml_batch_digest(&rows, &whole, &err));
        assert_memory_equal(&whole, &result.digest, sizeof whole);
        assert_int_equal(result.rows, rows.count);
        read_back(sql, path_of("cut"), &got);
        OK(rml_batch_digest(&got, &read, &err));
        assert_memory_equal(&whole, &read, sizeof whole);
        rml_batch_reset(&rows);
        rml_batch_reset(&got);
    }
    rml_sql_close(sql);
}

static void the_digest_sees_every_value(void **state)
{
    (void)state;
    rml_error err = {0};
    rml_field field[] = {{.name = {"a", 1}, .type = RML_TYPE_STRING, .nullable = true},
                         {.name = {"b", 1}, .type = RML_TYPE_F64, .nullable = true}};
    uint64_t nan_bits[] = {UINT64_C(0x7ff8000000000000), UINT64_C(0xfff0000000000001)};
    static const struct {
        const char *a[2];
        double b[2];
        int null_at;
    } tables[] = {
        {{"x", "y"}, {1, 2}, -1},    {{"xy", ""}, {1, 2}, -1}, {{"", "xy"}, {1, 2}, -1},
        {{"x", "y"}, {2, 1}, -1},    {{"x", "y"}, {1, 0}, 1},  {{"x", "y"}, {1, 0}, -1},
        {{"x", "y"}, {1, -0.0}, -1},
    };
    rml_hash hashes[9];
    size_t count = 0;
    for (size_t i = 0; i < sizeof tables / sizeof *tables; i++) {
        rml_batch b;
        OK(rml_batch_init(&b, (rml_schema){field, 2}, &err));
        for (int row = 0; row < 2; row++) {
            OK(rml_column_str(&b.columns[0], rml_str_of(tables[i].a[row]), &err));
            OK(row == tables[i].null_at ? rml_column_null(&b.columns[1], &err)
                                        : rml_column_f64(&b.columns[1], tables[i].b[row], &err));
            OK(rml_batch_row_end(&b, &err));
        }
        OK(rml_batch_digest(&b, &hashes[count++], &err));
        rml_batch_reset(&b);
    }
    field[0].name = RML_STR("c"); // another name is another table
    rml_batch b;
    OK(rml_batch_init(&b, (rml_schema){field, 2}, &err));
    OK(rml_batch_digest(&b, &hashes[count++], &err));
    rml_batch_reset(&b);
    for (size_t i = 0; i < count; i++) {
        for (size_t k = 0; k < i; k++) {
            assert_memory_not_equal(&hashes[i], &hashes[k], sizeof *hashes);
        }
    }
    // All NaN are one.
    rml_hash nans[2];
    for (size_t i = 0; i < 2; i++) {
        OK(rml_batch_init(&b, (rml_schema){field + 1, 1}, &err));
        OK(rml_column_value(&b.columns[0], &nan_bits[i], &err));
        OK(rml_batch_row_end(&b, &err));
        OK(rml_batch_digest(&b, &nans[i], &err));
        OK(rml_parquet_save(path_of("nan"), &b, NULL, NULL, &err));
        rml_batch_reset(&b);
    }
    assert_memory_equal(&nans[0], &nans[1], sizeof *nans);
}

static void a_null_where_none_may_be_is_an_error(void **state)
{
    (void)state;
    rml_error err = {0};
    rml_field leaf = {.name = {"must", 4}, .type = RML_TYPE_I64};
    rml_field nested = {.name = {"a", 1},
                        .type = RML_TYPE_STRUCT,
                        .nullable = true,
                        .children = &leaf,
                        .child_count = 1};
    rml_batch b;
    OK(rml_batch_init(&b, (rml_schema){&leaf, 1}, &err));
    OK(rml_column_null(&b.columns[0], &err));
    OK(rml_batch_row_end(&b, &err));
    rml_file_info info;
    assert_int_not_equal(rml_parquet_save(path_of("null"), &b, NULL, NULL, &err), RML_OK);
    OK(rml_file_stat(path_of("null"), &info, &err));
    assert_false(info.exists);
    rml_batch_reset(&b);
    // Below a struct that is null a field is null whatever it says; below one that is not, it errs.
    OK(rml_batch_init(&b, (rml_schema){&nested, 1}, &err));
    OK(rml_column_null(&b.columns[0], &err));
    OK(rml_batch_row_end(&b, &err));
    OK(rml_parquet_save(path_of("null_above"), &b, NULL, NULL, &err));
    OK(rml_column_null(&b.columns[0].children[0], &err));
    OK(rml_column_struct_end(&b.columns[0], &err));
    OK(rml_batch_row_end(&b, &err));
    assert_int_equal(rml_parquet_save(path_of("null"), &b, NULL, NULL, &err), RML_ERR_ARGUMENT);
    assert_non_null(strstr(err.what, "field must is not nullable"));
    rml_batch_reset(&b);
}

// The golden digest: a change of its definition would rename every file and version ever made.
static void the_digest_stays(void **state)
{
    (void)state;
    rml_error err = {0};
    seed = 7;
    rml_batch rows;
    make_rows(&rows, 100);
    rml_hash hash;
    char text[RML_HASH_TEXT];
    OK(rml_batch_digest(&rows, &hash, &err));
    rml_hash_text(&hash, text);
    assert_string_equal(text, "2380061cd52222be44970df5d85bb148dfa50ad8a13f4703cfac17b6a8097351");
    rml_batch_reset(&rows);
}

// ---- SQL ---------------------------------------------------------------------------------------

static const struct {
    const char *sql;
    rml_type type;
    const char *want; // the one value as text; "null"; or a part of the error
    rml_status status;
} values[] = {
    {"SELECT 1", RML_TYPE_I32, "1", RML_OK},
    {"SELECT 0.5", RML_TYPE_F64, "0.5", RML_OK},
    {"SELECT -0.1::DECIMAL(38,20)", RML_TYPE_F64, "-0.1", RML_OK},
    {"SELECT 18446744073709551615::DECIMAL(20,0)", RML_TYPE_U64, "18446744073709551615", RML_OK},
    {"SELECT -1::DECIMAL(20,0)", RML_TYPE_U64, "found a larger one", RML_ERR_LIMIT},
    {"SELECT 18446744073709551615::UBIGINT", RML_TYPE_U64, "18446744073709551615", RML_OK},
    {"SELECT sum(i) FROM range(4) t(i)", RML_TYPE_I64, "6", RML_OK},
    {"SELECT 9223372036854775808::HUGEINT", RML_TYPE_I64, "found a larger one", RML_ERR_LIMIT},
    {"SELECT NULL", RML_TYPE_I32, "null", RML_OK},
    {"SELECT 255::UTINYINT", RML_TYPE_I16, "255", RML_OK},
    {"SELECT TIMESTAMP '1970-01-01 00:00:01'", RML_TYPE_I64, "1000000000", RML_OK},
    {"SELECT DATE '1970-01-02'", RML_TYPE_I32, "1", RML_OK},
    {"SELECT 'b'::ENUM('a','b')", RML_TYPE_STRING, "b", RML_OK},
    {"SELECT INTERVAL 1 DAY", RML_TYPE_I32, "cast it in the query", RML_ERR_UNSUPPORTED},
    {"SELEC 1", RML_TYPE_I32, "Parser Error", RML_ERR_ARGUMENT},
    {"SELECT nothing", RML_TYPE_I32, "Binder Error", RML_ERR_ARGUMENT},
    {"LOAD delta", RML_TYPE_I32, "", RML_ERR_IO},
};

static void sql_values_become_columns(void **state)
{
    (void)state;
    rml_error err = {0};
    rml_sql *sql = NULL;
    OK(rml_sql_open(&sql, &err));
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        rml_rows *rows = NULL;
        rml_batch b = {0};
        char text[1200] = "";
        rml_status st = rml_sql_query(sql, rml_str_of(values[i].sql), &rows, &err);
        if (st == RML_OK) {
            assert_int_equal(rml_rows_schema(rows).fields[0].type, values[i].type);
            st = rml_rows_all(rows, 10, &b, &err);
        }
        if (st != RML_OK) {
            rml_error_text(&err, text, sizeof text);
            assert_null(strchr(text, '\n'));
        } else if (rml_column_is_null(b.columns, 0)) {
            strcpy(text, "null");
        } else if (values[i].type == RML_TYPE_F64) {
            rml_format_f64(rml_column_get_f64(b.columns, 0), text);
        } else if (values[i].type == RML_TYPE_STRING) {
            snprintf(text, sizeof text, "%.*s", RML_FMT(rml_column_get_str(b.columns, 0)));
        } else if (values[i].type == RML_TYPE_U64) {
            uint64_t v;
            memcpy(&v, b.columns->values.data, sizeof v);
            snprintf(text, sizeof text, "%llu", (unsigned long long)v);
        } else {
            snprintf(text, sizeof text, "%lld", (long long)rml_column_get_i64(b.columns, 0));
        }
        bool fine = st == values[i].status && (st == RML_OK ? strcmp(text, values[i].want) == 0
                                                            : strstr(text, values[i].want) != NULL);
        if (!fine) {
            fail_msg("%s: %s %s", values[i].sql, rml_status_name(st), text);
        }
        rml_batch_reset(&b);
        rml_rows_close(rows);
    }
    rml_sql_close(sql);
}

static void results_stream(void **state)
{
    (void)state;
    rml_error err = {0};
    rml_sql *sql = NULL;
    OK(rml_sql_open(&sql, &err));
    rml_rows *rows = NULL, *beside = NULL;
    // 800 MB if it were whole.
    OK(rml_sql_query(sql, RML_STR("SELECT i, [i, i + 1] AS l FROM range(20000000) t(i)"), &rows,
                     &err));
    OK(rml_sql_query(sql, RML_STR("SELECT 1"), &beside, &err));
    uint64_t count = 0;
    int64_t sum = 0;
    const rml_batch *batch;
    rml_status st;
    while (count < 3000000 && (st = rml_rows_next(rows, &batch, &err)) == RML_OK) {
        for (size_t i = 0; i < batch->count; i++) {
            size_t first, n;
            rml_column_get_list(&batch->columns[1], i, &first, &n);
            sum += rml_column_get_i64(&batch->columns[1].children[0], first) -
                   rml_column_get_i64(&batch->columns[0], i);
        }
        count += batch->count;
    }
    assert_int_equal(sum, 0);
    assert_true(count >= 3000000);
    rml_rows_close(beside);
    rml_rows_close(rows);
    OK(rml_sql_query(sql, RML_STR("SELECT i FROM range(11) t(i)"), &rows, &err));
    rml_batch b;
    assert_int_equal(rml_rows_all(rows, 10, &b, &err), RML_ERR_LIMIT);
    rml_rows_close(rows);
    rml_sql_close(sql);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_cut_gives_the_same_rows),
        cmocka_unit_test(the_digest_sees_every_value),
        cmocka_unit_test(a_null_where_none_may_be_is_an_error),
        cmocka_unit_test(the_digest_stays),
        cmocka_unit_test(sql_values_become_columns),
        cmocka_unit_test(results_stream),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
