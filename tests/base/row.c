// Rows of a table by its list of fields: what is appended is read back, in any order of columns,
// with what is missing; what does not fit is refused and leaves the batch as it was.
#include "roadmill/base/row.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

typedef enum colour { COLOUR_UNKNOWN, COLOUR_RED, COLOUR_BLUE } colour;
static const char *const colour_texts[] = {"unknown", "red", "blue"};
static const rml_names colours = {colour_texts, 3};
static const char *const side_texts[] = {"left", "right"};
static const rml_names sides = {side_texts, 2};

typedef struct item {
    rml_str name;
    double weight;
} item;

typedef struct thing {
    char id[RML_HASH_TEXT];
    rml_str text, note;
    bool flag, has_count;
    int64_t t_ns;
    uint64_t count;
    uint32_t small;
    int32_t mode;
    double x, gap;
    float speed;
    colour paint;
    colour side; // of `sides`, which has no "unknown"
    const item *items;
    size_t item_count;
} thing;

static const rml_member_list item_list = {offsetof(thing, item_count), sizeof(item)};
static const rml_field item_fields[] = {
    RML_COLUMN(item, name, STR, RML_REQUIRED),
    RML_COLUMN(item, weight, F64, RML_NULLABLE),
};
static const rml_field item_field =
    RML_FIELD("element", RML_TYPE_STRUCT, RML_REQUIRED, .children = item_fields, .child_count = 2);
static const rml_field fields[] = {
    RML_COLUMN(thing, id, ID, RML_REQUIRED),
    RML_COLUMN(thing, text, STR, RML_REQUIRED),
    RML_COLUMN(thing, note, STR, RML_NULLABLE),
    RML_COLUMN(thing, flag, BOOL, RML_REQUIRED),
    RML_COLUMN(thing, t_ns, I64, RML_REQUIRED),
    RML_COLUMN(thing, count, U64, RML_NULLABLE, RML_IF(thing, has_count)),
    RML_COLUMN(thing, small, U32, RML_REQUIRED),
    RML_COLUMN(thing, mode, I32, RML_REQUIRED),
    RML_COLUMN(thing, x, F64, RML_REQUIRED),
    RML_COLUMN(thing, gap, F64, RML_NULLABLE),
    RML_COLUMN(thing, speed, F32, RML_NULLABLE),
    RML_COLUMN_AS("colour", thing, paint, NAME, RML_REQUIRED, RML_NAMED(colours)),
    RML_COLUMN(thing, side, NAME, RML_REQUIRED, RML_NAMED(sides)),
    RML_COLUMN(thing, items, LIST, RML_REQUIRED, RML_OF(item_list), RML_CHILD(item_field)),
};
static const rml_schema table = RML_TABLE(fields);

static const item items[] = {{{"a", 1}, 1.5}, {{"bc", 2}, NAN}};
static const thing things[] = {
    {.id = "0123456789abcdef",
     .text = {"first", 5},
     .note = {"n", 1},
     .flag = true,
     .has_count = true,
     .t_ns = INT64_MIN,
     .count = 7,
     .small = UINT32_MAX,
     .mode = -3,
     .x = 0.25,
     .gap = INFINITY,
     .speed = 2.5f,
     .paint = COLOUR_BLUE,
     .side = COLOUR_RED,
     .items = items,
     .item_count = 2},
    {.id = "", .text = {"", 0}, .t_ns = 5, .x = NAN, .gap = NAN, .speed = NAN},
};

static void assert_thing(const thing *a, const thing *b)
{
    assert_string_equal(a->id, b->id);
    assert_true(rml_str_equal(a->text, b->text) && rml_str_equal(a->note, b->note));
    assert_int_equal(a->flag, b->flag);
    assert_int_equal(a->has_count, b->has_count);
    assert_true(a->t_ns == b->t_ns);
    assert_true(!b->has_count || a->count == b->count);
    assert_int_equal(a->small, b->small);
    assert_int_equal(a->mode, b->mode);
    assert_true(a->x == b->x || (isnan(a->x) && isnan(b->x)));
    assert_true(a->gap == b->gap || (isnan(a->gap) && isnan(b->gap)));
    assert_true(a->speed == b->speed || (isnan(a->speed) && isnan(b->speed)));
    assert_int_equal(a->paint, b->paint);
    assert_int_equal(a->side, b->side);
    assert_int_equal(a->item_count, b->item_count);
    for (size_t i = 0; i < b->item_count; i++) {
        assert_true(rml_str_equal(a->items[i].name, b->items[i].name));
        assert_true(a->items[i].weight == b->items[i].weight ||
                    (isnan(a->items[i].weight) && isnan(b->items[i].weight)));
    }
}

static void fill(rml_batch *batch)
{
    assert_int_equal(rml_batch_init(batch, table, NULL), RML_OK);
    for (size_t i = 0; i < sizeof things / sizeof *things; i++) {
        assert_int_equal(rml_row_append(batch, &things[i], NULL), RML_OK);
    }
    assert_int_equal(rml_batch_check(batch, true, NULL), RML_OK);
}

static void appended_is_read_back(void **state)
{
    (void)state;
    rml_batch batch = {0};
    rml_row_reader reader;
    rml_arena arena = {0};
    fill(&batch);
    assert_int_equal(rml_row_reader_init(&reader, table, batch.schema, NULL), RML_OK);
    for (size_t i = 0; i < batch.count; i++) {
        thing out = {0};
        assert_int_equal(rml_row_read(&reader, &batch, i, &arena, &out, NULL), RML_OK);
        assert_thing(&out, &things[i]);
    }
    // What a row does not have is null: a text, a number and one that says so itself.
    assert_true(rml_column_is_null(rml_batch_column(&batch, "note"), 1));
    assert_true(rml_column_is_null(rml_batch_column(&batch, "gap"), 1));
    assert_true(rml_column_is_null(rml_batch_column(&batch, "count"), 1));
    assert_false(rml_column_is_null(rml_batch_column(&batch, "x"), 1)); // NaN is a number there
    rml_arena_reset(&arena);
    rml_batch_reset(&batch);
}

// Columns in the other order, one of them missing that may be.
static void columns_are_found_by_name(void **state)
{
    (void)state;
    enum { COUNT = sizeof fields / sizeof *fields };
    rml_field turned[COUNT];
    size_t count = 0;
    for (size_t i = COUNT; i > 0; i--) {
        if (!rml_str_equal(fields[i - 1].name, RML_STR("gap"))) {
            turned[count++] = fields[i - 1];
        }
    }
    rml_batch batch = {0};
    rml_row_reader reader;
    rml_arena arena = {0};
    thing out = {.gap = 3};
    assert_int_equal(rml_batch_init(&batch, (rml_schema){turned, count}, NULL), RML_OK);
    assert_int_equal(rml_row_append(&batch, &things[0], NULL), RML_OK);
    assert_int_equal(rml_row_reader_init(&reader, table, batch.schema, NULL), RML_OK);
    assert_int_equal(rml_row_read(&reader, &batch, 0, &arena, &out, NULL), RML_OK);
    assert_true(isnan(out.gap));
    out.gap = things[0].gap;
    assert_thing(&out, &things[0]);
    rml_arena_reset(&arena);
    rml_batch_reset(&batch);
}

static void other_columns_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        rml_field field;
        const char *want;
    } cases[] = {
        {"a required one is missing", RML_FIELD("other", RML_TYPE_I64, RML_REQUIRED),
         "expected a column t_ns of type i64, found none"},
        {"another type", RML_FIELD("t_ns", RML_TYPE_F64, RML_REQUIRED),
         "expected a column t_ns of type i64, found f64"},
    };
    static const rml_field one[] = {RML_COLUMN(thing, t_ns, I64, RML_REQUIRED)};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        rml_row_reader reader;
        rml_error err = {0};
        assert_int_equal(rml_row_reader_init(&reader, (rml_schema)RML_TABLE(one),
                                             (rml_schema){&cases[i].field, 1}, &err),
                         RML_ERR_DATA);
        assert_string_equal(err.what, cases[i].want);
    }
}

static void names_that_are_not_known(void **state)
{
    (void)state;
    rml_batch batch = {0};
    rml_row_reader reader;
    rml_arena arena = {0};
    thing out = {.paint = COLOUR_RED};
    fill(&batch);
    rml_column *paint = rml_batch_column(&batch, "colour");
    rml_column *side = rml_batch_column(&batch, "side");
    assert_int_equal(rml_row_reader_init(&reader, table, batch.schema, NULL), RML_OK);
    rml_column_clear(paint);
    assert_int_equal(rml_column_str(paint, RML_STR("green"), NULL), RML_OK);
    assert_int_equal(rml_row_read(&reader, &batch, 0, &arena, &out, NULL), RML_OK);
    assert_int_equal(out.paint, COLOUR_UNKNOWN);
    rml_column_clear(side);
    assert_int_equal(rml_column_str(side, RML_STR("up"), NULL), RML_OK);
    assert_int_equal(rml_row_read(&reader, &batch, 0, &arena, &out, NULL), RML_ERR_DATA);
    rml_arena_reset(&arena);
    rml_batch_reset(&batch);
}

// No memory in the middle of a row: the rows before are whole, and the row can be appended again.
static void a_failed_row_leaves_the_batch(void **state)
{
    (void)state;
    for (uint64_t after = 0; after < 64; after++) {
        rml_batch batch = {0};
        assert_int_equal(rml_batch_init(&batch, table, NULL), RML_OK);
        rml_heap_fail_after(after);
        rml_status st = rml_row_append(&batch, &things[0], NULL);
        rml_heap_fail_after(UINT64_MAX);
        assert_int_equal(batch.count, st == RML_OK ? 1 : 0);
        assert_int_equal(rml_row_append(&batch, &things[1], NULL), RML_OK);
        assert_int_equal(rml_batch_check(&batch, true, NULL), RML_OK);
        rml_batch_reset(&batch);
        if (st == RML_OK) {
            return;
        }
    }
    fail_msg("expected a row to need at most 64 allocations");
}

static void columns_for_sql(void **state)
{
    (void)state;
    rml_buffer text = {0};
    assert_int_equal(rml_schema_columns((rml_schema){fields, 3}, &text, NULL), RML_OK);
    assert_true(rml_str_equal(rml_buffer_text(&text), RML_STR("id, text, note")));
    rml_buffer_reset(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(appended_is_read_back),
        cmocka_unit_test(columns_are_found_by_name),
        cmocka_unit_test(other_columns_are_refused),
        cmocka_unit_test(names_that_are_not_known),
        cmocka_unit_test(a_failed_row_leaves_the_batch),
        cmocka_unit_test(columns_for_sql),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
