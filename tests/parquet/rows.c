// The digest of rows that does not know how they lie: any order within a part, channels one between
// the other, columns of nulls and columns in another order give the same; any other value, and rows
// out of order over parts, do not.
#include "roadmill/parquet/rows.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define OK(call) assert_int_equal(call, RML_OK)

enum { CHANNEL, LOG, VALUE, NOTE, COLUMNS };

static const rml_field fields[COLUMNS + 1] = {
    [CHANNEL] = {.name = {"channel", 7}, .type = RML_TYPE_STRING},
    [LOG] = {.name = {"log_ns", 6}, .type = RML_TYPE_I64},
    [VALUE] = {.name = {"value", 5}, .type = RML_TYPE_F64, .nullable = true},
    [NOTE] = {.name = {"note", 4}, .type = RML_TYPE_STRING, .nullable = true},
    // What another program may have added.
    [COLUMNS] = {.name = {"added", 5}, .type = RML_TYPE_I32, .nullable = true},
};

typedef struct row {
    const char *channel;
    int64_t log_ns;
    double value;
    const char *note; // NULL: none
} row;

static void put(rml_batch *b, const row *r)
{
    for (size_t k = 0; k < b->schema.count; k++) {
        rml_column *c = &b->columns[k];
        rml_str name = b->schema.fields[k].name;
        if (rml_str_equal(name, RML_STR("channel"))) {
            OK(rml_column_str(c, rml_str_of(r->channel), NULL));
        } else if (rml_str_equal(name, RML_STR("log_ns"))) {
            OK(rml_column_i64(c, r->log_ns, NULL));
        } else if (rml_str_equal(name, RML_STR("value"))) {
            OK(rml_column_f64(c, r->value, NULL));
        } else if (rml_str_equal(name, RML_STR("note")) && r->note != NULL) {
            OK(rml_column_str(c, rml_str_of(r->note), NULL));
        } else {
            OK(rml_column_null(c, NULL));
        }
    }
    OK(rml_batch_row_end(b, NULL));
}

// The digest of rows that come in parts of so many.
static bool digest(rml_schema schema, const row *rows, size_t count, size_t part, rml_hash *out)
{
    rml_rows_digest *d;
    bool ordered;
    OK(rml_rows_digest_make(&d, NULL));
    for (size_t from = 0; from < count; from += part) {
        rml_batch b;
        OK(rml_batch_init(&b, schema, NULL));
        for (size_t i = from; i < count && i < from + part; i++) {
            put(&b, &rows[i]);
        }
        OK(rml_rows_digest_add(d, &b, NULL));
        rml_batch_reset(&b);
    }
    OK(rml_rows_digest_end(d, &ordered, out, NULL));
    rml_rows_digest_free(d);
    return ordered;
}

static const row rows[] = {{"a", 1, 0.5, "x"},   {"b", 1, 1.5, NULL}, {"a", 2, NAN, NULL},
                           {"a", 2, 0.25, NULL}, {"b", 3, -0.0, "y"}, {"b", 3, 0.0, "y"},
                           {"a", 9, 4.0, NULL}};
enum { ROWS = sizeof rows / sizeof *rows };

static void order_and_columns_do_not_show(void **state)
{
    (void)state;
    rml_hash want, got;
    assert_true(digest((rml_schema){fields, COLUMNS}, rows, ROWS, ROWS, &want));
    row other[ROWS];
    for (size_t shift = 0; shift < ROWS; shift++) { // turned round, and backwards
        for (size_t i = 0; i < ROWS; i++) {
            other[i] = rows[shift % 2 ? ROWS - 1 - (i + shift) % ROWS : (i + shift) % ROWS];
        }
        assert_true(digest((rml_schema){fields, COLUMNS}, other, ROWS, ROWS, &got));
        assert_memory_equal(&want, &got, sizeof got);
    }
    assert_true(digest((rml_schema){fields, COLUMNS + 1}, rows, ROWS, ROWS, &got));
    assert_memory_equal(&want, &got, sizeof got);
    const rml_field reversed[COLUMNS] = {fields[NOTE], fields[VALUE], fields[LOG], fields[CHANNEL]};
    assert_true(digest((rml_schema){reversed, COLUMNS}, rows, ROWS, ROWS, &got));
    assert_memory_equal(&want, &got, sizeof got);
}

// Within a channel rows come in order here but for the two floats of one time.
static void parts_do_not_show(void **state)
{
    (void)state;
    rml_hash want, got;
    const row sorted[] = {rows[0], rows[1], rows[3], rows[2], rows[5], rows[4], rows[6]};
    assert_true(digest((rml_schema){fields, COLUMNS}, rows, ROWS, ROWS, &want));
    for (size_t part = 1; part <= ROWS; part++) {
        assert_true(digest((rml_schema){fields, COLUMNS}, sorted, ROWS, part, &got));
        assert_memory_equal(&want, &got, sizeof got);
    }
}

static void every_value_shows(void **state)
{
    (void)state;
    rml_hash want, got;
    assert_true(digest((rml_schema){fields, COLUMNS}, rows, ROWS, ROWS, &want));
    for (size_t i = 0; i < ROWS; i++) {
        for (size_t what = 0; what < 5; what++) {
            row other[ROWS];
            memcpy(other, rows, sizeof rows);
            other[i].channel = what == 0 ? "c" : other[i].channel;
            other[i].log_ns += what == 1;
            other[i].value = what == 2 ? 77.0 : other[i].value;
            other[i].note = what == 3 ? (other[i].note ? NULL : "") : other[i].note;
            assert_true(
                digest((rml_schema){fields, COLUMNS}, other, ROWS - (what == 4), ROWS, &got));
            assert_memory_not_equal(&want, &got, sizeof got);
        }
    }
}

static void disorder_over_parts_is_told(void **state)
{
    (void)state;
    rml_hash got;
    const row other[] = {{"a", 2, 0, NULL}, {"b", 1, 0, NULL}, {"a", 1, 0, NULL}};
    assert_true(digest((rml_schema){fields, COLUMNS}, other, 3, 3, &got));
    assert_false(digest((rml_schema){fields, COLUMNS}, other, 3, 2, &got));
}

// More channels than hash at a time: those that are done make room, one that comes again is told.
static void many_channels_come_one_by_one(void **state)
{
    (void)state;
    enum { MANY = 6000 };
    static char names[MANY][8];
    static row many[MANY + 1];
    rml_hash whole, got;
    for (size_t i = 0; i < MANY; i++) {
        snprintf(names[i], sizeof names[i], "c%05u", (unsigned)i % 100000);
        many[i] = (row){names[i], 5, 1, NULL};
    }
    assert_true(digest((rml_schema){fields, COLUMNS}, many, MANY, MANY, &whole));
    assert_true(digest((rml_schema){fields, COLUMNS}, many, MANY, 1, &got));
    assert_memory_equal(&whole, &got, sizeof got);
    many[MANY] = (row){names[0], 6, 1, NULL};
    assert_false(digest((rml_schema){fields, COLUMNS}, many, MANY + 1, 100, &got));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(order_and_columns_do_not_show),
        cmocka_unit_test(parts_do_not_show),
        cmocka_unit_test(every_value_shows),
        cmocka_unit_test(disorder_over_parts_is_told),
        cmocka_unit_test(many_channels_come_one_by_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
