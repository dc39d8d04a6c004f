// The pool runs every tile exactly once, at any number of threads and tiles, run after run.
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "roadmill/os.h"

typedef struct seen_tiles {
    atomic_int count[1000];
    atomic_int workers_out_of_range;
    size_t threads;
} seen_tiles;

static void note_tile(void *context, size_t tile, size_t worker)
{
    seen_tiles *seen = context;
    atomic_fetch_add(&seen->count[tile], 1);
    if (worker >= seen->threads) {
        atomic_fetch_add(&seen->workers_out_of_range, 1);
    }
}

static void every_tile_once(void **state)
{
    (void)state;
    static const size_t threads[] = {1, 2, 3, 8}, tiles[] = {0, 1, 2, 7, 1000};
    for (size_t t = 0; t < sizeof threads / sizeof *threads; t++) {
        rml_pool *pool;
        assert_int_equal(rml_pool_make(threads[t], &pool, NULL), RML_OK);
        assert_int_equal(rml_pool_threads(pool), threads[t]);
        for (size_t n = 0; n < 50 * sizeof tiles / sizeof *tiles; n++) {
            static seen_tiles seen;
            seen = (seen_tiles){.threads = threads[t]};
            size_t count = tiles[n % (sizeof tiles / sizeof *tiles)];
            rml_pool_run(pool, count, note_tile, &seen);
            for (size_t i = 0; i < 1000; i++) {
                assert_int_equal(atomic_load(&seen.count[i]), i < count);
            }
            assert_int_equal(atomic_load(&seen.workers_out_of_range), 0);
        }
        rml_pool_free(pool);
    }
}

static void no_pool_is_a_pool_of_one(void **state)
{
    (void)state;
    static seen_tiles seen;
    seen = (seen_tiles){.threads = 1};
    rml_pool_run(NULL, 10, note_tile, &seen);
    assert_int_equal(atomic_load(&seen.count[9]), 1);
    assert_int_equal(rml_pool_threads(NULL), 1);
    rml_error err = {0};
    rml_pool *pool;
    assert_int_equal(rml_pool_make(0, &pool, &err), RML_ERR_ARGUMENT);
    assert_null(pool);
}

// Tiles pass in their order at any number of threads, those that leave without entering too.
typedef struct passing {
    rml_turnstile *turnstile;
    size_t order[500], count; // written by whoever has the turn
} passing;

static void pass_tile(void *context, size_t tile, size_t worker)
{
    (void)worker;
    passing *p = context;
    if (tile % 3 != 0) {
        rml_turnstile_enter(p->turnstile, tile);
        p->order[p->count++] = tile;
    }
    rml_turnstile_leave(p->turnstile, tile);
    rml_turnstile_leave(p->turnstile, tile);
}

static void a_turnstile_keeps_the_order(void **state)
{
    (void)state;
    static const size_t threads[] = {1, 2, 8};
    for (size_t t = 0; t < sizeof threads / sizeof *threads; t++) {
        static passing p;
        rml_pool *pool;
        p = (passing){0};
        assert_int_equal(rml_pool_make(threads[t], &pool, NULL), RML_OK);
        assert_int_equal(rml_turnstile_make(&p.turnstile, NULL), RML_OK);
        rml_pool_run(pool, 500, pass_tile, &p);
        size_t expected = 0;
        for (size_t i = 0; i < p.count; i++) {
            expected += expected % 3 == 0;
            assert_int_equal(p.order[i], expected++);
        }
        assert_int_equal(p.count, 333);
        rml_turnstile_free(p.turnstile);
        rml_pool_free(pool);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_tile_once),
        cmocka_unit_test(no_pool_is_a_pool_of_one),
        cmocka_unit_test(a_turnstile_keeps_the_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
