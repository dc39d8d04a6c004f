// Columns: values, nulls, lists and structs, appended one by one or as rows of another column.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <math.h>

#include "roadmill/base/column.h"
#include "roadmill/base/random.h"

static const rml_field point_fields[] = {
    {.name = {"x", 1}, .type = RML_TYPE_F32, .nullable = true},
    {.name = {"label", 5}, .type = RML_TYPE_STRING, .nullable = true},
};
static const rml_field element[] = {{.name = {"element", 7},
                                     .type = RML_TYPE_STRUCT,
                                     .nullable = true,
                                     .children = point_fields,
                                     .child_count = 2}};
static const rml_field fields[] = {
    {.name = {"id", 2}, .type = RML_TYPE_I64},
    {.name = {"text", 4}, .type = RML_TYPE_STRING, .nullable = true},
    {.name = {"small", 5}, .type = RML_TYPE_I16, .nullable = true},
    {.name = {"points", 6},
     .type = RML_TYPE_LIST,
     .nullable = true,
     .children = element,
     .child_count = 1},
};
static const rml_schema schema = {fields, 4};

#define TRY(call)                                                                                  \
    do {                                                                                           \
        rml_status st_ = (call);                                                                   \
        if (st_ != RML_OK)                                                                         \
            return st_;                                                                            \
    } while (0)

static rml_status add_point(rml_column *list, uint64_t i, uint64_t j)
{
    rml_column *point = &list->children[0];
    if ((i + j) % 5 == 0) {
        return rml_column_null(point, NULL);
    }
    TRY(rml_column_f64(&point->children[0], (double)(i * 10 + j), NULL));
    if (j % 3 == 0) {
        TRY(rml_column_null(&point->children[1], NULL));
    } else {
        TRY(rml_column_str(&point->children[1], RML_STR("point"), NULL));
    }
    return rml_column_struct_end(point, NULL);
}

// Row i of a batch that holds every kind of value and null.
static rml_status add_row(rml_batch *b, uint64_t i)
{
    rml_column *c = b->columns;
    TRY(rml_column_i64(&c[0], (int64_t)i, NULL));
    char text[3] = {(char)('a' + i % 26), 'y', 'z'};
    TRY(i % 4 == 1 ? rml_column_null(&c[1], NULL) : rml_column_bytes(&c[1], text, i % 4, NULL));
    TRY(i % 7 == 3 ? rml_column_null(&c[2], NULL)
                   : rml_column_i64(&c[2], -(int64_t)(i % 1000), NULL));
    for (uint64_t j = 0; j < i % 4; j++) {
        TRY(add_point(&c[3], i, j));
    }
    TRY(i % 8 == 0 ? rml_column_null(&c[3], NULL) : rml_column_list_end(&c[3], NULL));
    return rml_batch_row_end(b, NULL);
}

static void check_list(const rml_column *list, size_t row, uint64_t i)
{
    size_t first, count;
    rml_column_get_list(list, row, &first, &count);
    assert_int_equal(count, i % 4);
    for (size_t j = 0; j < count; j++) {
        const rml_column *point = &list->children[0];
        if ((i + j) % 5 == 0) {
            assert_true(rml_column_is_null(point, first + j));
            assert_true(rml_column_is_null(&point->children[0], first + j));
            assert_true(isnan(rml_column_get_f64(&point->children[0], first + j)));
            continue;
        }
        assert_true(rml_column_get_f64(&point->children[0], first + j) == (double)(i * 10 + j));
        rml_str label = rml_column_get_str(&point->children[1], first + j);
        assert_int_equal(label.len, j % 3 == 0 ? 0 : 5);
    }
}

static void check_row(const rml_batch *b, size_t row, uint64_t i)
{
    const rml_column *c = b->columns;
    assert_int_equal(rml_column_get_i64(&c[0], row), i);
    assert_int_equal(rml_column_is_null(&c[1], row), i % 4 == 1);
    rml_str text = rml_column_get_str(&c[1], row);
    assert_int_equal(text.len, i % 4 == 1 ? 0 : i % 4);
    assert_true(text.len == 0 || text.data[0] == (char)('a' + i % 26));
    assert_int_equal(rml_column_is_null(&c[2], row), i % 7 == 3);
    assert_int_equal(rml_column_get_i64(&c[2], row), i % 7 == 3 ? 0 : -(int64_t)(i % 1000));
    check_list(&c[3], row, i);
}

static void holds_rows(void **state)
{
    (void)state;
    enum { ROWS = 1000 };
    rml_batch b;
    assert_int_equal(rml_batch_init(&b, schema, NULL), RML_OK);
    for (int round = 0; round < 2; round++) {
        for (uint64_t i = 0; i < ROWS; i++) {
            assert_int_equal(add_row(&b, i), RML_OK);
        }
        assert_int_equal(b.count, ROWS);
        for (uint64_t i = 0; i < ROWS; i++) {
            check_row(&b, i, i);
        }
        rml_error err;
        assert_int_equal(rml_batch_check(&b, true, &err), RML_OK);
        rml_batch_clear(&b);
        assert_int_equal(rml_batch_check(&b, true, &err), RML_OK);
    }
    assert_ptr_equal(rml_batch_column(&b, "small"), &b.columns[2]);
    assert_null(rml_batch_column(&b, "Small"));
    assert_int_equal(rml_schema_find(schema, RML_STR("SMALL")), 2);
    assert_int_equal(rml_schema_find(schema, RML_STR("smal")), 4);
    rml_batch_reset(&b);
}

// Rows appended in runs are the same bytes as rows appended one by one.
static void appends_runs(void **state)
{
    (void)state;
    enum { ROWS = 300 };
    rml_batch from, to, want;
    assert_int_equal(rml_batch_init(&from, schema, NULL), RML_OK);
    assert_int_equal(rml_batch_init(&to, schema, NULL), RML_OK);
    assert_int_equal(rml_batch_init(&want, schema, NULL), RML_OK);
    for (uint64_t i = 0; i < ROWS; i++) {
        assert_int_equal(add_row(&from, i), RML_OK);
    }
    for (uint64_t run = 0; run < 60; run++) {
        uint64_t first = rml_random_below(1, run, 0, ROWS);
        uint64_t count = rml_random_below(1, run, 1, ROWS - first + 1) % 40;
        for (size_t k = 0; k < 4; k++) {
            assert_int_equal(
                rml_column_append(&to.columns[k], &from.columns[k], first, count, NULL), RML_OK);
        }
        to.count += count;
        for (uint64_t i = first; i < first + count; i++) {
            assert_int_equal(add_row(&want, i), RML_OK);
        }
    }
    assert_int_equal(to.count, want.count);
    assert_int_equal(rml_batch_check(&to, true, NULL), RML_OK);
    for (size_t k = 0; k < 4; k++) {
        const rml_column *a = &to.columns[k], *b = &want.columns[k];
        assert_int_equal(a->null_count, b->null_count);
        assert_int_equal(a->validity.len, b->validity.len);
        assert_int_equal(a->offsets.len, b->offsets.len);
        assert_int_equal(a->values.len, b->values.len);
        assert_true(a->validity.len == 0 ||
                    memcmp(a->validity.data, b->validity.data, a->validity.len) == 0);
        assert_true(a->offsets.len == 0 ||
                    memcmp(a->offsets.data, b->offsets.data, a->offsets.len) == 0);
        assert_true(a->values.len == 0 ||
                    memcmp(a->values.data, b->values.data, a->values.len) == 0);
    }
    rml_batch_reset(&from);
    rml_batch_reset(&to);
    rml_batch_reset(&want);
}

static void checks_ranges(void **state)
{
    (void)state;
    static const struct {
        rml_type type;
        int64_t low, high;
    } types[] = {{RML_TYPE_I8, INT8_MIN, INT8_MAX},
                 {RML_TYPE_I16, INT16_MIN, INT16_MAX},
                 {RML_TYPE_I32, INT32_MIN, INT32_MAX},
                 {RML_TYPE_I64, INT64_MIN, INT64_MAX},
                 {RML_TYPE_U64, 0, INT64_MAX}};
    for (size_t t = 0; t < sizeof types / sizeof *types; t++) {
        rml_column c;
        rml_field field = {.name = {"v", 1}, .type = types[t].type};
        assert_int_equal(rml_column_init(&c, &field, NULL), RML_OK);
        assert_int_equal(rml_column_i64(&c, types[t].low, NULL), RML_OK);
        assert_int_equal(rml_column_i64(&c, types[t].high, NULL), RML_OK);
        if (types[t].low > INT64_MIN) {
            assert_int_equal(rml_column_i64(&c, types[t].low - 1, NULL), RML_ERR_ARGUMENT);
        }
        if (types[t].high < INT64_MAX) {
            assert_int_equal(rml_column_i64(&c, types[t].high + 1, NULL), RML_ERR_ARGUMENT);
        }
        assert_int_equal(c.count, 2);
        assert_true(rml_column_get_i64(&c, 0) == types[t].low);
        assert_true(rml_column_get_i64(&c, 1) == types[t].high);
        assert_int_equal(rml_column_f64(&c, 1, NULL), RML_ERR_ARGUMENT);
        assert_int_equal(rml_column_str(&c, RML_STR("x"), NULL), RML_ERR_ARGUMENT);
        rml_column_reset(&c);
    }
}

static void finds_damage(void **state)
{
    (void)state;
    rml_batch b;
    rml_error err;
    assert_int_equal(rml_batch_init(&b, schema, NULL), RML_OK);
    for (uint64_t i = 0; i < 20; i++) {
        assert_int_equal(add_row(&b, i), RML_OK);
    }
    rml_column *text = &b.columns[1];
    int64_t offset, old;
    memcpy(&old, text->offsets.data + 8 * 5, 8);
    offset = 1000;
    memcpy(text->offsets.data + 8 * 5, &offset, 8);
    assert_int_equal(rml_batch_check(&b, true, &err), RML_ERR_DATA);
    memcpy(text->offsets.data + 8 * 5, &old, 8);
    assert_int_equal(rml_batch_check(&b, true, &err), RML_OK);
    text->values.data[0] = 0xff;
    assert_int_equal(rml_batch_check(&b, false, &err), RML_OK);
    assert_int_equal(rml_batch_check(&b, true, &err), RML_ERR_DATA);
    text->values.data[0] = 'a';
    b.columns[2].values.len -= 2;
    assert_int_equal(rml_batch_check(&b, false, &err), RML_ERR_DATA);
    b.columns[2].values.len += 2;
    b.columns[2].null_count++;
    assert_int_equal(rml_batch_check(&b, true, &err), RML_ERR_DATA);
    b.columns[2].null_count--;
    assert_int_equal(rml_column_null(&b.columns[0], NULL), RML_OK);
    assert_int_equal(rml_batch_check(&b, false, &err), RML_ERR_DATA);
    assert_int_equal(rml_batch_row_end(&b, &err), RML_ERR_ARGUMENT);
    rml_batch_reset(&b);
}

// Whichever allocation fails, every single append either happened or left no trace.
static void survives_failed_allocations(void **state)
{
    (void)state;
    for (uint64_t after = 0; after < 60; after++) {
        rml_batch b;
        rml_heap_fail_after(after);
        rml_status st = rml_batch_init(&b, schema, NULL);
        uint64_t rows = 0;
        while (st == RML_OK && rows < 200) {
            st = add_row(&b, rows);
            rows += st == RML_OK;
        }
        rml_heap_fail_after(UINT64_MAX);
        if (b.columns) {
            assert_int_equal(b.count, rows);
            for (uint64_t i = 0; i < rows; i++) {
                check_row(&b, i, i);
            }
        }
        rml_batch_reset(&b);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(holds_rows),
        cmocka_unit_test(appends_runs),
        cmocka_unit_test(checks_ranges),
        cmocka_unit_test(finds_damage),
        cmocka_unit_test(survives_failed_allocations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
