// The ledger of a channel: intervals and gaps, order, clocks, messages over time.
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <setjmp.h>

#include <cmocka.h>

#include <math.h>

#include "ledger_channel.h"
#include "roadmill/base/random.h"

#define MS ((int64_t)1000000)
#define SECOND ((int64_t)1000000000)
#define EPOCH ((int64_t)1700000000 * SECOND)

static rml_arena arena;

static void add(rml_log_channel_ledger *c, int64_t log_ns, const int64_t *sensor_ns)
{
    const rml_log_message m = {.log_ns = log_ns, .data = rml_bytes_of("abc", 3)};
    assert_int_equal(rml_log_channel_ledger_add(c, &arena, &m, sensor_ns, NULL), RML_OK);
}

// A channel at 10 Hz in which the interval after message `after` is `hole_ns` instead.
static void gaps_are_intervals_over_five_periods(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        int64_t hole_ns;
        uint64_t gaps;
    } cases[] = {
        {"none", 100 * MS, 0},
        {"four periods are jitter", 400 * MS, 0},
        {"a second", SECOND, 1},
        {"an hour", 3600 * SECOND, 1},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        rml_log_channel_ledger c = {0};
        int64_t t_ns = EPOCH, at_ns = 0;
        for (int k = 0; k < 200; k++) {
            add(&c, t_ns, NULL);
            at_ns = k == 80 ? t_ns : at_ns;
            t_ns += k == 80 ? cases[i].hole_ns : 100 * MS;
        }
        rml_log_channel_ledger_end(&c);
        assert_int_equal(c.gap_count, cases[i].gaps);
        assert_int_equal(c.gaps_kept, cases[i].gaps);
        if (cases[i].gaps > 0) {
            assert_int_equal(c.gaps[0].from_ns, at_ns);
            assert_int_equal(c.gaps[0].length_ns, cases[i].hole_ns);
        }
        // Known to an eighth of an octave.
        assert_true(c.period_ns <= 100 * MS && c.period_ns > 91 * MS);
        rml_arena_reset(&arena);
    }
}

static void the_longest_gaps_come_first(void **state)
{
    (void)state;
    rml_log_channel_ledger c = {0};
    int64_t t_ns = EPOCH;
    for (int64_t k = 0; k < 1200; k++) {
        add(&c, t_ns, NULL);
        t_ns += k % 100 == 50 ? (1 + k / 100) * SECOND : 10 * MS;
    }
    rml_log_channel_ledger_end(&c);
    assert_int_equal(c.gap_count, 12);
    assert_int_equal(c.gaps_kept, RML_LOG_GAPS_MAX);
    for (size_t i = 0; i < c.gaps_kept; i++) {
        assert_int_equal(c.gaps[i].length_ns, (12 - (int64_t)i) * SECOND);
    }
    rml_arena_reset(&arena);
}

static void clocks_are_told_apart(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        int64_t log_ns, offset_ns; // sensor time = log time + offset - 20 ms
        rml_log_sensor_clock clock;
    } cases[] = {
        {"same", EPOCH, 0, RML_LOG_CLOCK_SAME},
        {"sensor in TAI", EPOCH, 37 * SECOND, RML_LOG_CLOCK_TAI},
        {"sensor in GPS time", EPOCH, 18 * SECOND, RML_LOG_CLOCK_GPS},
        {"log in TAI", EPOCH, -37 * SECOND, RML_LOG_CLOCK_UTC},
        {"sensor since boot", EPOCH, -EPOCH + 5 * SECOND, RML_LOG_CLOCK_RELATIVE},
        {"an hour off", EPOCH, 3600 * SECOND, RML_LOG_CLOCK_OFFSET},
        {"both relative", 5 * SECOND, 0, RML_LOG_CLOCK_SAME},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        rml_log_channel_ledger c = {0};
        for (int64_t k = 0; k < 100; k++) {
            int64_t log_ns = cases[i].log_ns + k * 100 * MS;
            int64_t sensor_ns = log_ns + cases[i].offset_ns - 20 * MS;
            add(&c, log_ns, &sensor_ns);
        }
        rml_log_channel_ledger_end(&c);
        assert_int_equal(c.sensor_clock, cases[i].clock);
        assert_int_equal(c.latency_ns_min, 20 * MS - cases[i].offset_ns);
        assert_int_equal(c.clock_jumps, 0);
        rml_arena_reset(&arena);
    }
}

static void drift_and_jumps_are_measured(void **state)
{
    (void)state;
    rml_log_channel_ledger c = {0};
    for (int64_t k = 0; k < 1000; k++) {
        int64_t log_ns = EPOCH + k * 100 * MS;
        int64_t sensor_ns = log_ns - 20 * MS - k * 20000; // 20 us in 100 ms: 200 ppm
        add(&c, log_ns, &sensor_ns);
    }
    rml_log_channel_ledger_end(&c);
    assert_true(fabs(c.drift_ppm - 200.0) < 0.01);
    assert_int_equal(c.latency_ns_max, 20 * MS + 999 * 20000);
    assert_true(fabs(c.latency_ns_mean - (double)(20 * MS) - 499.5 * 20000) < 1);

    rml_log_channel_ledger j = {0};
    for (int64_t k = 0; k < 100; k++) {
        int64_t log_ns = EPOCH + k * 100 * MS;
        int64_t sensor_ns = log_ns - (k < 50 ? 20 * MS : 3 * SECOND);
        int64_t zero = 0;
        add(&j, log_ns, k == 10 ? &zero : &sensor_ns);
    }
    rml_log_channel_ledger_end(&j);
    assert_int_equal(j.clock_jumps, 1);
    assert_int_equal(j.sensor_zeros, 1);
    assert_int_equal(j.sensor_messages, 99);
    rml_arena_reset(&arena);
}

// Whatever comes in whatever order: every message stands in the bin of its time.
static void bins_hold_every_message(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 200; seed++) {
        rml_log_channel_ledger c = {0};
        int64_t times[300];
        int64_t span = (int64_t)1 << (seed % 62);
        int64_t from = seed % 3 == 0 ? -span / 2 : seed % 3 == 1 ? EPOCH : 1;
        size_t counted = 0;
        for (uint64_t k = 0; k < 300; k++) {
            times[k] = from + (int64_t)rml_random_below(seed, 1, k, (uint64_t)span);
            add(&c, times[k], NULL);
            counted += times[k] != 0;
        }
        rml_log_channel_ledger_end(&c);
        const rml_log_bins *b = c.bins;
        assert_true(b->count <= RML_LOG_BINS_MAX);
        uint32_t want[RML_LOG_BINS_MAX] = {0};
        for (size_t k = 0; k < 300; k++) {
            if (times[k] != 0) {
                int64_t bin = (times[k] >= 0 ? times[k] : times[k] - b->width_ns + 1) / b->width_ns;
                assert_in_range(bin - b->first, 0, b->count - 1);
                want[bin - b->first]++;
            }
        }
        size_t total = 0;
        for (size_t k = 0; k < b->count; k++) {
            assert_int_equal(b->bins[k], want[k]);
            total += b->bins[k];
        }
        assert_int_equal(total, counted);
        assert_int_equal(c.zero_times, 300 - counted);
        rml_arena_reset(&arena);
    }
}

static void log_time_that_falls_back_is_measured(void **state)
{
    (void)state;
    rml_log_channel_ledger c = {0};
    static const int64_t times[] = {10, 20, 30, 5, 25, 40};
    for (size_t i = 0; i < sizeof times / sizeof *times; i++) {
        add(&c, EPOCH + times[i] * SECOND, NULL);
    }
    rml_log_channel_ledger_end(&c);
    assert_int_equal(c.out_of_order, 1);
    assert_int_equal(c.jump_back_ns_max, 25 * SECOND);
    rml_arena_reset(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gaps_are_intervals_over_five_periods),
        cmocka_unit_test(the_longest_gaps_come_first),
        cmocka_unit_test(clocks_are_told_apart),
        cmocka_unit_test(drift_and_jumps_are_measured),
        cmocka_unit_test(bins_hold_every_message),
        cmocka_unit_test(log_time_that_falls_back_is_measured),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
