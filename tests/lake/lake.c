// The lake: what is written is what is read, once, whatever the cut into batches or the instant of
// a kill.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "roadmill/lake.h"
#include "roadmill/lake/delta.h"
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

static const rml_field point_fields[] = {
    {.name = {"x", 1}, .type = RML_TYPE_F64, .nullable = true},
    {.name = {"y", 1}, .type = RML_TYPE_F64, .nullable = true},
};
static const rml_field points_element = {.name = {"element", 7},
                                         .type = RML_TYPE_STRUCT,
                                         .nullable = true,
                                         .children = point_fields,
                                         .child_count = 2};
static const rml_field fields[] = {
    {.name = {"t_ns", 4}, .type = RML_TYPE_I64},
    {.name = {"name", 4}, .type = RML_TYPE_STRING, .nullable = true},
    {.name = {"big", 3}, .type = RML_TYPE_U64, .nullable = true},
    {.name = {"points", 6},
     .type = RML_TYPE_LIST,
     .nullable = true,
     .children = &points_element,
     .child_count = 1},
    {.name = {"nothing", 7}, .type = RML_TYPE_STRUCT, .nullable = true},
};
static const rml_schema schema = {fields, sizeof fields / sizeof *fields};

static void add_row(rml_batch *b, int64_t i)
{
    rml_error err = {0};
    OK(rml_column_i64(&b->columns[0], i * 1000, &err));
    if (i % 5 == 0) {
        OK(rml_column_null(&b->columns[1], &err));
        OK(rml_column_null(&b->columns[2], &err));
        OK(rml_column_null(&b->columns[3], &err));
        OK(rml_column_null(&b->columns[4], &err));
    } else {
        char text[32];
        snprintf(text, sizeof text, "name %d", (int)(i % 7));
        OK(rml_column_str(&b->columns[1], rml_str_of(text), &err));
        uint64_t big = UINT64_MAX - (uint64_t)i;
        OK(rml_column_value(&b->columns[2], &big, &err));
        rml_column *points = &b->columns[3].children[0];
        for (int64_t k = 0; k < i % 4; k++) {
            if (k == 2) {
                OK(rml_column_null(points, &err));
                continue;
            }
            OK(rml_column_f64(&points->children[0], (double)(i * k) / 8, &err));
            OK(k == 1 ? rml_column_null(&points->children[1], &err)
                      : rml_column_f64(&points->children[1], (double)k, &err));
            OK(rml_column_struct_end(points, &err));
        }
        OK(rml_column_list_end(&b->columns[3], &err));
        OK(rml_column_struct_end(&b->columns[4], &err));
    }
    OK(rml_batch_row_end(b, &err));
}

static void make_batch(rml_batch *b, int64_t from, int64_t count)
{
    rml_error err = {0};
    OK(rml_batch_init(b, schema, &err));
    for (int64_t i = from; i < from + count; i++) {
        add_row(b, i);
    }
}

// A lake in a fresh folder.
static rml_lake *fresh(const char *name)
{
    rml_error err = {0};
    const char *temporary = getenv("TMPDIR");
    char path[512];
    snprintf(path, sizeof path, "%s/roadmill_test_lake_%s", temporary ? temporary : "/tmp", name);
    if (rml_file_exists(path)) {
        OK(rml_folder_remove(path, &err));
    }
    rml_lake *lake = NULL;
    OK(rml_lake_open(rml_str_of(path), &lake, &err));
    return lake;
}

// Appends rows [0, count) in batches of `step` for an owner; last: commit ends with its row there.
static void write_rows(rml_lake *lake, const char *owner, const char *table, int64_t count,
                       int64_t step, const char *last)
{
    rml_error err = {0};
    rml_lake_txn *txn = NULL;
    OK(rml_lake_begin(lake, rml_str_of(owner), &txn, &err));
    for (int64_t from = 0; from < count || from == 0; from += step) {
        rml_batch b;
        make_batch(&b, from, count - from < step ? count - from : step);
        OK(rml_lake_append(txn, table, &b, &err));
        rml_batch_reset(&b);
    }
    if (last != NULL) {
        rml_field id = {.name = {"recording_id", 12}, .type = RML_TYPE_STRING};
        rml_batch b;
        OK(rml_batch_init(&b, (rml_schema){&id, 1}, &err));
        OK(rml_column_str(&b.columns[0], rml_str_of(owner), &err));
        OK(rml_batch_row_end(&b, &err));
        OK(rml_lake_commit(txn, last, &b, &err));
        rml_batch_reset(&b);
    } else {
        OK(rml_lake_commit(txn, NULL, NULL, &err));
    }
    rml_lake_txn_close(txn);
}

static void read_rows(rml_lake *lake, const rml_lake_read *read, rml_batch *out)
{
    rml_error err = {0};
    rml_rows *rows = NULL;
    OK(rml_lake_select(lake, read, &rows, &err));
    OK(rml_rows_all(rows, 1u << 24, out, &err));
    rml_rows_close(rows);
}

// owner NULL: of all.
static int64_t count_for(rml_lake *lake, const char *owner, const char *sql)
{
    rml_error err = {0};
    rml_rows *rows = NULL;
    OK(owner != NULL ? rml_lake_sql_of(lake, rml_str_of(owner), rml_str_of(sql), &rows, &err)
                     : rml_lake_sql(lake, rml_str_of(sql), &rows, &err));
    rml_batch b;
    OK(rml_rows_all(rows, 10, &b, &err));
    int64_t count = rml_column_get_i64(&b.columns[0], 0);
    rml_batch_reset(&b);
    rml_rows_close(rows);
    return count;
}

static int64_t count_of(rml_lake *lake, const char *sql)
{
    return count_for(lake, NULL, sql);
}

static void written_rows_are_read(void **state)
{
    (void)state;
    rml_error err = {0};
    static const int64_t counts[] = {0, 1, 63, 64, 65, 1000, 5000};
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
        rml_lake *lake = fresh("round");
        write_rows(lake, "owner", "points", counts[i], 700, NULL);
        rml_batch got, want;
        read_rows(lake, &(rml_lake_read){.table = "points", .order = "t_ns"}, &got);
        make_batch(&want, 0, counts[i]);
        assert_int_equal(got.count, want.count);
        rml_hash a, b;
        OK(rml_batch_digest(&got, &a, &err));
        OK(rml_batch_digest(&want, &b, &err));
        assert_memory_equal(&a, &b, sizeof a);
        rml_batch_reset(&got);
        rml_batch_reset(&want);
        rml_lake_close(lake);
    }
}

static void batches_do_not_show(void **state)
{
    (void)state;
    rml_error err = {0};
    rml_hash first = {0};
    static const int64_t steps[] = {5000, 1, 7, 64, 4096, 4999};
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        rml_lake *lake = fresh("steps");
        write_rows(lake, "owner", "points", 5000, steps[i], NULL);
        rml_lake_table table;
        OK(rml_lake_table_get(lake, "points", &table, &err));
        assert_int_equal(table.rows, 5000);
        if (i == 0) {
            first = table.state;
        }
        assert_memory_equal(&first, &table.state, sizeof first);
        rml_lake_close(lake);
    }
}

static void the_same_is_not_appended_twice(void **state)
{
    (void)state;
    rml_error err = {0};
    rml_lake *lake = fresh("twice");
    write_rows(lake, "a", "points", 100, 10, NULL);
    write_rows(lake, "a", "points", 100, 33, NULL);
    rml_lake_table table;
    OK(rml_lake_table_get(lake, "points", &table, &err));
    assert_int_equal(table.rows, 100);
    assert_int_equal(table.version, 0);
    write_rows(lake, "b", "points", 100, 33, NULL);
    assert_int_equal(count_of(lake, "SELECT count(*) FROM points"), 200);
    rml_lake_close(lake);
}

static void an_owner_alone_is_asked_for(void **state)
{
    (void)state;
    rml_error err = {0};
    rml_arena arena = {0};
    rml_lake *lake = fresh("owners");
    write_rows(lake, "a", "points", 100, 100, "recordings");
    write_rows(lake, "b", "points", 30, 100, "recordings");
    write_rows(lake, "b", "posts", 5, 100, "recordings");
    write_rows(lake, "b", "others", 5, 100, "recordings");
    static const struct {
        const char *owner, *beginning;
        const char *tables[4];
        int64_t points;
    } cases[] = {
        {"a", "", {"points", "recordings"}, 100},
        {"b", "", {"others", "points", "posts", "recordings"}, 30},
        {"b", "po", {"points", "posts"}, 30},
        {"b", "points_", {NULL}, 30},
        {"c", "", {NULL}, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        rml_array names = RML_ARRAY(rml_str);
        OK(rml_lake_owner_tables(lake, rml_str_of(cases[i].owner), rml_str_of(cases[i].beginning),
                                 &arena, &names, &err));
        size_t count = 0;
        for (; count < 4 && cases[i].tables[count] != NULL; count++) {
            assert_true(count < names.count);
            assert_string_equal(RML_AT(&names, rml_str, count)->data, cases[i].tables[count]);
        }
        assert_int_equal(names.count, count);
        rml_array_reset(&names);
        assert_int_equal(count_for(lake, cases[i].owner, "SELECT count(*) FROM points"),
                         cases[i].points);
    }
    assert_int_equal(count_of(lake, "SELECT count(*) FROM points"), 130);
    rml_arena_reset(&arena);
    rml_lake_close(lake);
}

static void an_owner_without_its_row_is_invisible(void **state)
{
    (void)state;
    rml_error err = {0};
    rml_lake *lake = fresh("half");
    write_rows(lake, "a", "points", 100, 10, "recordings");
    assert_int_equal(count_of(lake, "SELECT count(*) FROM points"), 100);
    // As after a kill between the tables: points of b are committed, its row is not.
    write_rows(lake, "b", "points", 50, 10, "recordings");
    rml_delta d;
    rml_arena arena = {0};
    rml_str folder = rml_path_join(&arena, rml_lake_folder(lake), RML_STR("recordings"));
    OK(rml_delta_open(&d, folder, -1, &err));
    rml_str log = rml_arena_printf(&arena, "%s/_delta_log/%020d.json", folder.data, (int)d.version);
    OK(rml_file_remove(log.data, &err));
    rml_delta_close(&d);
    assert_int_equal(count_of(lake, "SELECT count(*) FROM points"), 100);
    bool has = true;
    OK(rml_lake_has(lake, RML_STR("b"), &has, &err));
    assert_false(has);
    // Again with other content: what the killed one left must not come back.
    write_rows(lake, "b", "points", 60, 10, "recordings");
    assert_int_equal(count_of(lake, "SELECT count(*) FROM points"), 160);
    assert_int_equal(count_of(lake, "SELECT count(*) FROM recordings"), 2);
    rml_arena_reset(&arena);
    rml_lake_close(lake);
}

static void columns_are_added_types_are_not_changed(void **state)
{
    (void)state;
    rml_error err = {0};
    rml_lake *lake = fresh("evolve");
    write_rows(lake, "a", "points", 10, 10, NULL);
    rml_field more[] = {{.name = {"t_ns", 4}, .type = RML_TYPE_I64},
                        {.name = {"speed", 5}, .type = RML_TYPE_F32, .nullable = true}};
    rml_batch b;
    OK(rml_batch_init(&b, (rml_schema){more, 2}, &err));
    OK(rml_column_i64(&b.columns[0], 7, &err));
    OK(rml_column_f64(&b.columns[1], 1.5, &err));
    OK(rml_batch_row_end(&b, &err));
    rml_lake_txn *txn = NULL;
    OK(rml_lake_begin(lake, RML_STR("b"), &txn, &err));
    OK(rml_lake_append(txn, "points", &b, &err));
    OK(rml_lake_commit(txn, NULL, NULL, &err));
    rml_lake_txn_close(txn);
    rml_batch_reset(&b);
    assert_int_equal(count_of(lake, "SELECT count(*) FROM points WHERE speed IS NULL"), 10);
    assert_int_equal(count_of(lake, "SELECT count(*) FROM points WHERE points IS NULL"), 3);
    more[1].name = RML_STR("NAME");
    OK(rml_batch_init(&b, (rml_schema){more, 2}, &err));
    OK(rml_lake_begin(lake, RML_STR("c"), &txn, &err));
    // Told when the rows come, so that they may go to a table of their own.
    assert_int_equal(rml_lake_append(txn, "points", &b, &err), RML_ERR_CONFLICT);
    rml_lake_txn_close(txn);
    rml_batch_reset(&b);
    rml_lake_close(lake);
}

static void versions_stay_readable(void **state)
{
    (void)state;
    rml_error err = {0};
    rml_lake *lake = fresh("versions");
    for (int64_t i = 1; i <= 3; i++) {
        rml_lake_txn *txn = NULL;
        OK(rml_lake_begin(lake, RML_STR("a"), &txn, &err));
        rml_batch b;
        make_batch(&b, 0, i * 10);
        OK(rml_lake_append(txn, "points", &b, &err));
        OK(rml_lake_replace(txn, "points", &err));
        OK(rml_lake_commit(txn, NULL, NULL, &err));
        rml_lake_txn_close(txn);
        rml_batch_reset(&b);
    }
    for (int64_t version = 0; version < 3; version++) {
        rml_batch got;
        read_rows(lake, &(rml_lake_read){.table = "points", .version = version + 1}, &got);
        assert_int_equal(got.count, (version + 1) * 10);
        rml_batch_reset(&got);
    }
    rml_rows *rows = NULL;
    rml_lake_read beyond = {.table = "points", .version = 9};
    assert_int_equal(rml_lake_select(lake, &beyond, &rows, &err), RML_ERR_MISSING);
    rml_arena arena = {0};
    rml_array commits = RML_ARRAY(rml_lake_commit_info);
    OK(rml_lake_history(lake, "points", &arena, &commits, &err));
    assert_int_equal(commits.count, 3);
    assert_int_equal(RML_AT(&commits, rml_lake_commit_info, 2)->rows_added, 30);
    assert_int_equal(RML_AT(&commits, rml_lake_commit_info, 2)->files_removed, 1);
    rml_array_reset(&commits);
    rml_arena_reset(&arena);
    rml_lake_close(lake);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(written_rows_are_read),
        cmocka_unit_test(batches_do_not_show),
        cmocka_unit_test(the_same_is_not_appended_twice),
        cmocka_unit_test(an_owner_alone_is_asked_for),
        cmocka_unit_test(an_owner_without_its_row_is_invisible),
        cmocka_unit_test(columns_are_added_types_are_not_changed),
        cmocka_unit_test(versions_stay_readable),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
