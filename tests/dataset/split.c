// Protects: shares of units, families that stay whole, places divided among splits, time, and that
// a recording's side does not move when others come in; the strictest licence.
#include "split.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define N 60

typedef struct fixture {
    char ids[N][16];
    rml_split_item items[N];
} fixture;

// 60 recordings of 20 families at two places.
static void fill(fixture *f)
{
    for (uint32_t i = 0; i < N; i++) {
        snprintf(f->ids[i], sizeof f->ids[i], "recording%03u", i);
        f->items[i] = (rml_split_item){rml_str_of(f->ids[i]),
                                       i % 3 ? RML_STR("USA_US101-1") : RML_STR("USA_Lanker-2"),
                                       i % 20,
                                       (int64_t)i * 1000,
                                       true,
                                       0};
    }
}

static void count(const fixture *f, size_t of[RML_SPLITS + 1])
{
    memset(of, 0, sizeof(size_t) * (RML_SPLITS + 1));
    for (size_t i = 0; i < N; i++) {
        of[f->items[i].split < 0 ? RML_SPLITS : f->items[i].split]++;
    }
}

static void test_families(void **state)
{
    (void)state;
    fixture f;
    fill(&f);
    rml_dataset_spec spec = {.seed = 3};
    size_t of[RML_SPLITS + 1];
    assert_int_equal(rml_split_assign(&spec, f.items, N, NULL), RML_OK);
    count(&f, of);
    assert_int_equal(of[RML_TRAIN], 36); // 12, 2, 3, 3 of 20 families with three recordings each
    assert_int_equal(of[RML_VALIDATION], 6);
    assert_int_equal(of[RML_DEV], 9);
    assert_int_equal(of[RML_GATE], 9);
    for (size_t i = 20; i < N; i++) {
        assert_int_equal(f.items[i].split, f.items[i - 20].split);
    }
    fixture other;
    fill(&other);
    spec.seed = 4;
    assert_int_equal(rml_split_assign(&spec, other.items, N, NULL), RML_OK);
    assert_true(memcmp(&f.items, &other.items, sizeof f.items) != 0);
    // A recording without windows is no unit.
    fill(&other);
    other.items[7].used = false;
    assert_int_equal(rml_split_assign(&spec, other.items, N, NULL), RML_OK);
    assert_int_equal(other.items[7].split, RML_SPLIT_NONE);
}

static void test_small_shares(void **state)
{
    (void)state;
    fixture f;
    fill(&f);
    // Three families for four splits with a share: one has to stay empty, none with a larger share.
    for (size_t i = 0; i < N; i++) {
        f.items[i].family %= 5;
    }
    rml_dataset_spec spec = {.share = {.9, .02, .04, .04, 0}};
    size_t of[RML_SPLITS + 1];
    assert_int_equal(rml_split_assign(&spec, f.items, N, NULL), RML_OK);
    count(&f, of);
    for (int s = 0; s < RML_SEALED; s++) {
        assert_true(of[s] > 0);
    }
    assert_int_equal(of[RML_SEALED], 0);
    assert_int_equal(of[RML_TRAIN], 24);
}

static void test_places(void **state)
{
    (void)state;
    fixture f;
    fill(&f);
    rml_str road[] = {RML_STR("USA_US101")}, street[] = {RML_STR("USA_Lanker")};
    rml_dataset_spec spec = {.rule = RML_SPLIT_PLACE, .share = {.8, .2, 0, 0, 0}};
    spec.place[RML_TRAIN] = spec.place[RML_VALIDATION] = road;
    spec.place_count[RML_TRAIN] = spec.place_count[RML_VALIDATION] = 1;
    spec.place[RML_GATE] = street;
    spec.place_count[RML_GATE] = 1;
    size_t of[RML_SPLITS + 1];
    assert_int_equal(rml_split_assign(&spec, f.items, N, NULL), RML_OK);
    count(&f, of);
    assert_int_equal(of[RML_GATE], 20); // all of the street, its share is zero
    assert_int_equal(of[RML_TRAIN] + of[RML_VALIDATION], 40);
    assert_int_equal(of[RML_VALIDATION], 8); // 4 of 20 families, two recordings each
    // The longest prefix counts; what no prefix names is left out.
    rml_str narrow[] = {RML_STR("USA_US101-1")};
    spec.place[RML_DEV] = narrow;
    spec.place_count[RML_DEV] = 1;
    spec.place_count[RML_GATE] = 0;
    assert_int_equal(rml_split_assign(&spec, f.items, N, NULL), RML_OK);
    count(&f, of);
    assert_int_equal(of[RML_DEV], 40);
    assert_int_equal(of[RML_SPLITS], 20);
}

static void test_time(void **state)
{
    (void)state;
    fixture f;
    fill(&f);
    for (uint32_t i = 0; i < N; i++) {
        f.items[i].family = i / 3;
    }
    rml_dataset_spec spec = {.rule = RML_SPLIT_TIME};
    assert_int_equal(rml_split_assign(&spec, f.items, N, NULL), RML_OK);
    for (size_t i = 1; i < N; i++) {
        assert_true(f.items[i].split >= f.items[i - 1].split);
    }
    assert_int_equal(f.items[0].split, RML_TRAIN);
    assert_int_equal(f.items[N - 1].split, RML_GATE);
}

static void test_errors(void **state)
{
    (void)state;
    fixture f;
    fill(&f);
    rml_error err = {0};
    rml_dataset_spec spec = {.rule = RML_SPLIT_PLACE};
    assert_int_equal(rml_split_assign(&spec, f.items, N, &err), RML_ERR_ARGUMENT);
    assert_non_null(strstr(err.what, "found none"));
    spec = (rml_dataset_spec){.share = {1.5}};
    assert_int_equal(rml_split_assign(&spec, f.items, N, &err), RML_ERR_ARGUMENT);
    assert_non_null(strstr(err.what, "found 1.5"));
    spec = (rml_dataset_spec){.rule = RML_SPLIT_TIME};
    for (size_t i = 0; i < N; i++) {
        f.items[i].start_ns = 0;
    }
    assert_int_equal(rml_split_assign(&spec, f.items, N, &err), RML_ERR_ARGUMENT);
    assert_non_null(strstr(err.what, "without an epoch"));
}

static void test_licences(void **state)
{
    (void)state;
    static const struct {
        const char *licences[3], *want;
    } cases[] = {
        {{"MIT"}, "MIT"},
        {{"BSD-3-Clause", "CC0-1.0"}, "BSD-3-Clause"},
        {{"BSD-3-Clause", "CC-BY-NC-SA-4.0", "MIT"}, "CC-BY-NC-SA-4.0"},
        {{"BSD-3-Clause", "my own words"}, "my own words"},
        {{"proprietary", "b", "a"}, "b"},
        {{"BSD-3-Clause", ""}, "not-stated"},
        {{"my own words", "not-stated"}, "not-stated"},
        {{NULL}, "not-stated"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        rml_str licences[3];
        size_t n = 0;
        while (n < 3 && cases[i].licences[n] != NULL) {
            licences[n] = rml_str_of(cases[i].licences[n]);
            n++;
        }
        assert_true(rml_str_equal(rml_licence_strictest(licences, n), rml_str_of(cases[i].want)));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_families), cmocka_unit_test(test_small_shares),
        cmocka_unit_test(test_places),   cmocka_unit_test(test_time),
        cmocka_unit_test(test_errors),   cmocka_unit_test(test_licences),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
