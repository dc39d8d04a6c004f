// Random numbers: known answers of Random123, bounds without bias, the permutation a bijection.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "roadmill/base/random.h"

// Random123 1.14.0, tests/kat_vectors, philox4x32 with 10 rounds.
static const struct {
    uint64_t key, high, low;
    uint32_t want[4];
} known[] = {
    {0, 0, 0, {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}},
    {UINT64_MAX, UINT64_MAX, UINT64_MAX, {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}},
    {0x299f31d0a4093822,
     0x0370734413198a2e,
     0x85a308d3243f6a88,
     {0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}},
};

static void gives_known_answers(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        uint32_t out[4];
        rml_philox(known[i].key, known[i].high, known[i].low, out);
        assert_memory_equal(out, known[i].want, sizeof out);
    }
}

static void stays_in_bounds(void **state)
{
    (void)state;
    static const uint64_t counts[] = {1, 2, 3, 7, 1000, UINT64_C(1) << 63, UINT64_MAX};
    for (size_t c = 0; c < sizeof counts / sizeof *counts; c++) {
        for (uint64_t i = 0; i < 2000; i++) {
            assert_true(rml_random_below(1, c, i, counts[c]) < counts[c]);
            double v = rml_random_f64(1, c, i);
            assert_true(v >= 0 && v < 1);
        }
    }
    // Three quarters of the range: the remainder alone would give the lower third twice as often.
    uint64_t count = UINT64_C(3) << 62, lower = 0;
    for (uint64_t i = 0; i < 30000; i++) {
        lower += rml_random_below(2, 0, i, count) < count / 3;
    }
    assert_in_range(lower, 9600, 10400);
}

static void permutes(void **state)
{
    (void)state;
    static uint8_t seen[5000];
    for (uint64_t count = 1; count < 5000; count += count < 70 ? 1 : 97) {
        for (uint64_t key = 0; key < 3; key++) {
            memset(seen, 0, sizeof seen);
            size_t fixed = 0;
            for (uint64_t i = 0; i < count; i++) {
                uint64_t item = rml_permute(key, count, i);
                assert_true(item < count && !seen[item]);
                seen[item] = 1;
                fixed += item == i;
            }
            assert_true(count < 100 || fixed < 12); // one is to be expected
        }
    }
    uint64_t most = UINT64_MAX;
    assert_true(rml_permute(5, most, most - 1) < most);
    assert_true(rml_permute(5, 1000, 3) != rml_permute(6, 1000, 3) ||
                rml_permute(5, 1000, 4) != rml_permute(6, 1000, 4));
}

// Where an item lands tells nothing: each of 16 cells is hit about equally over many keys.
static void permutes_evenly(void **state)
{
    (void)state;
    enum { COUNT = 16, KEYS = 16000 };
    static size_t hits[COUNT][COUNT];
    for (uint64_t key = 0; key < KEYS; key++) {
        for (uint64_t i = 0; i < COUNT; i++) {
            hits[i][rml_permute(key, COUNT, i)]++;
        }
    }
    double chi2 = 0, want = (double)KEYS / COUNT;
    for (size_t i = 0; i < COUNT; i++) {
        for (size_t j = 0; j < COUNT; j++) {
            chi2 += ((double)hits[i][j] - want) * ((double)hits[i][j] - want) / want;
        }
    }
    assert_true(chi2 < 320); // 225 degrees of freedom: mean 225, deviation 21
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gives_known_answers), cmocka_unit_test(stays_in_bounds),
        cmocka_unit_test(permutes), cmocka_unit_test(permutes_evenly)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
