// Memory: arenas, buffers, arrays, maps; and what is left of each when an allocation fails.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <stdio.h>

#include "roadmill/base.h"
#include "roadmill/base/random.h"

static void sizes_do_not_wrap(void **state)
{
    (void)state;
    size_t out = 7;
    assert_false(rml_size_add(SIZE_MAX, 1, &out));
    assert_false(rml_size_mul(SIZE_MAX / 2 + 1, 2, &out));
    assert_int_equal(out, 7);
    assert_true(rml_size_add(SIZE_MAX - 1, 1, &out) && out == SIZE_MAX);
    assert_true(rml_size_mul(SIZE_MAX, 0, &out) && out == 0);
    assert_true(rml_size_mul(0, SIZE_MAX, &out) && out == 0);
}

static void heap_aligns(void **state)
{
    (void)state;
    for (size_t alignment = 8; alignment <= 4096; alignment *= 2) {
        uint8_t *p = rml_heap_aligned_make(alignment, 100);
        assert_non_null(p);
        assert_int_equal((uintptr_t)p % alignment, 0);
        for (size_t i = 0; i < 100; i++) {
            assert_int_equal(p[i], 0);
        }
        rml_heap_aligned_free(p);
    }
    assert_null(rml_heap_make(0));
    assert_null(rml_heap_aligned_make(64, 0));
    assert_null(rml_heap_aligned_make(64, SIZE_MAX - 3));
}

// What an arena hands out is zero, aligned, and overlaps nothing handed out before.
static void arena_hands_out(void **state)
{
    (void)state;
    enum { COUNT = 3000 };
    static uint8_t *parts[COUNT];
    static size_t sizes[COUNT];
    rml_arena arena = {0};
    for (size_t i = 0; i < COUNT; i++) {
        uint64_t kind = rml_random_below(1, 0, i, 100);
        sizes[i] = 1 + rml_random_below(1, 1, i, kind == 0 ? 300000 : 200);
        parts[i] = rml_arena_make(&arena, sizes[i]);
        assert_non_null(parts[i]);
        assert_int_equal((uintptr_t)parts[i] % sizeof(double), 0);
        for (size_t j = 0; j < sizes[i]; j++) {
            assert_int_equal(parts[i][j], 0);
        }
        memset(parts[i], (int)(i % 250 + 1), sizes[i]);
    }
    for (size_t i = 0; i < COUNT; i++) {
        for (size_t j = 0; j < sizes[i]; j++) {
            assert_int_equal(parts[i][j], i % 250 + 1);
        }
    }
    assert_null(rml_arena_make(&arena, 0));
    assert_null(rml_arena_make(&arena, SIZE_MAX));
    assert_null(rml_arena_make_array(&arena, SIZE_MAX / 2, 4));
    rml_arena_reset(&arena);
    assert_int_equal(arena.used, 0);
}

static void arena_keeps_its_limit(void **state)
{
    (void)state;
    rml_arena arena = {.limit = 1000};
    size_t made = 0;
    while (rml_arena_make(&arena, 100)) {
        made++;
    }
    assert_true(made >= 8 && made <= 10 && arena.used <= 1000);
    rml_arena_reset(&arena);
    assert_non_null(rml_arena_make(&arena, 100));
    rml_arena_reset(&arena);
}

static void arena_makes_text(void **state)
{
    (void)state;
    rml_arena arena = {0};
    rml_str text = rml_arena_str(&arena, (rml_str){0});
    assert_true(text.data != NULL && text.len == 0 && text.data[0] == 0);
    text = rml_arena_printf(&arena, "%s-%d", "x", 42);
    assert_string_equal(text.data, "x-42");
    assert_int_equal(text.len, 4);
    rml_arena_reset(&arena);
}

static void buffer_grows(void **state)
{
    (void)state;
    rml_buffer b = {0};
    for (int i = 0; i < 1000; i++) {
        assert_int_equal(rml_buffer_printf(&b, NULL, "%d,", i), RML_OK);
    }
    assert_int_equal(rml_buffer_append(&b, NULL, 0, NULL), RML_OK);
    assert_true(rml_str_starts(rml_buffer_text(&b), RML_STR("0,1,2,")));
    assert_true(rml_str_ends(rml_buffer_text(&b), RML_STR("998,999,")));
    size_t len = b.len;
    uint64_t before = rml_heap_count();
    rml_heap_fail_after(0);
    rml_error err;
    assert_int_equal(rml_buffer_reserve(&b, 1 << 20, &err), RML_ERR_MEMORY);
    assert_null(rml_buffer_add(&b, 1 << 20, &err));
    rml_heap_fail_after(UINT64_MAX);
    assert_true(rml_heap_count() > before && b.len == len);
    assert_int_equal(rml_buffer_reserve(&b, SIZE_MAX - 2, &err), RML_ERR_MEMORY);
    rml_buffer_clear(&b);
    assert_true(b.len == 0 && b.capacity > 0);
    rml_buffer_reset(&b);
    assert_non_null(rml_buffer_add(&b, 0, NULL));
    rml_buffer_reset(&b);
}

typedef struct pair {
    uint32_t key, order;
} pair;

static int compare_keys(const void *a, const void *b, void *context)
{
    *(size_t *)context += 1;
    uint32_t x = ((const pair *)a)->key, y = ((const pair *)b)->key;
    return (x > y) - (x < y);
}

static void array_sorts_stably(void **state)
{
    (void)state;
    static const size_t counts[] = {0, 1, 2, 3, 4, 5, 7, 8, 9, 31, 100, 1000, 4097};
    for (size_t c = 0; c < sizeof counts / sizeof *counts; c++) {
        rml_array a = RML_ARRAY(pair);
        for (size_t i = 0; i < counts[c]; i++) {
            pair *p = rml_array_push(&a, NULL);
            *p = (pair){(uint32_t)rml_random_below(3, c, i, 50), (uint32_t)i};
        }
        size_t compared = 0;
        assert_int_equal(rml_array_sort(&a, compare_keys, &compared, NULL), RML_OK);
        assert_int_equal(a.count, counts[c]);
        for (size_t i = 1; i < a.count; i++) {
            const pair *x = RML_AT(&a, pair, i - 1), *y = RML_AT(&a, pair, i);
            assert_true(x->key < y->key || (x->key == y->key && x->order < y->order));
        }
        assert_true(compared <= counts[c] * 13 + 1);
        rml_array_reset(&a);
    }
}

static void array_grows(void **state)
{
    (void)state;
    rml_array a = RML_ARRAY(pair);
    assert_non_null(rml_array_push_many(&a, 0, NULL));
    for (uint32_t i = 0; i < 1000; i++) {
        pair *p = rml_array_push(&a, NULL);
        assert_true(p->key == 0 && p->order == 0);
        p->key = i;
    }
    rml_array_clear(&a);
    assert_true(((pair *)rml_array_push(&a, NULL))->key == 0); // zeroed again
    assert_null(rml_array_push_many(&a, SIZE_MAX / 2, NULL));
    assert_int_equal(a.count, 1);
    rml_array_reset(&a);
    assert_int_equal(a.item_size, sizeof(pair));
}

static void map_keeps(void **state)
{
    (void)state;
    enum { COUNT = 20000 };
    rml_map map = {0};
    char key[32];
    assert_false(rml_map_get(&map, RML_STR("x"), NULL));
    for (uint64_t i = 0; i < COUNT; i++) {
        int len = snprintf(key, sizeof key, "key%llu", (unsigned long long)i);
        assert_int_equal(rml_map_put(&map, (rml_str){key, (size_t)len}, i, NULL), RML_OK);
        memset(key, 'x', sizeof key); // it has copies of its own
    }
    assert_int_equal(rml_map_put(&map, RML_STR("key7"), 70, NULL), RML_OK);
    assert_int_equal(rml_map_put(&map, RML_STR(""), 1, NULL), RML_OK);
    assert_int_equal(map.count, COUNT + 1);
    for (uint64_t i = 0; i < COUNT; i++) {
        uint64_t value;
        int len = snprintf(key, sizeof key, "key%llu", (unsigned long long)i);
        assert_true(rml_map_get(&map, (rml_str){key, (size_t)len}, &value));
        assert_int_equal(value, i == 7 ? 70 : i);
        assert_int_equal(map.entries[i].value, value); // in order of insertion
    }
    assert_false(rml_map_get(&map, RML_STR("key20000"), NULL));
    assert_true(rml_map_get(&map, RML_STR(""), NULL));
    rml_map_reset(&map);
}

// After each failed call the containers hold what they held, and go on when there is memory again.
static void survive_failed_allocations(void **state)
{
    (void)state;
    for (uint64_t after = 0; after < 40; after++) {
        rml_map map = {0};
        rml_array array = RML_ARRAY(uint64_t);
        rml_heap_fail_after(after);
        size_t puts = 0, pushes = 0;
        char key[32];
        for (uint64_t i = 0; i < 500; i++) {
            int len = snprintf(key, sizeof key, "k%llu", (unsigned long long)i);
            puts += puts == i && rml_map_put(&map, (rml_str){key, (size_t)len}, i, NULL) == RML_OK;
            uint64_t *slot = pushes == i ? rml_array_push(&array, NULL) : NULL;
            if (slot) {
                *slot = i;
                pushes++;
            }
        }
        rml_heap_fail_after(UINT64_MAX);
        assert_int_equal(map.count, puts);
        assert_int_equal(array.count, pushes);
        for (uint64_t i = 0; i < 500; i++) {
            int len = snprintf(key, sizeof key, "k%llu", (unsigned long long)i);
            assert_int_equal(rml_map_get(&map, (rml_str){key, (size_t)len}, NULL), i < puts);
        }
        assert_int_equal(rml_map_put(&map, RML_STR("more"), 1, NULL), RML_OK);
        assert_true(rml_map_get(&map, RML_STR("more"), NULL));
        rml_map_reset(&map);
        rml_array_reset(&array);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sizes_do_not_wrap),  cmocka_unit_test(heap_aligns),
        cmocka_unit_test(arena_hands_out),    cmocka_unit_test(arena_keeps_its_limit),
        cmocka_unit_test(arena_makes_text),   cmocka_unit_test(buffer_grows),
        cmocka_unit_test(array_sorts_stably), cmocka_unit_test(array_grows),
        cmocka_unit_test(map_keeps),          cmocka_unit_test(survive_failed_allocations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
