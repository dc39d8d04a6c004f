// Protects: the greedy selection against a plain one on small sets, budgets and caps, the same
// picks at any number of threads; disagreement and novelty against their formulas.
#include "roadmill/mine.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "roadmill/base/random.h"

#define N_MAX 4000
#define WIDTH 5

typedef struct pool_of {
    float loss[N_MAX], disagreement[N_MAX], novelty[N_MAX], embedding[N_MAX * WIDTH];
    uint32_t unit[N_MAX];
    rml_mine_scores scores;
} pool_of;

static void fill(pool_of *p, size_t n, uint64_t seed)
{
    for (uint64_t i = 0; i < n; i++) {
        // Few different values, so that ties are common; every seventh loss is not known.
        p->loss[i] = i % 7 == 0 ? NAN : (float)rml_random_below(seed, 1, i, 20);
        p->disagreement[i] = (float)rml_random_f64(seed, 2, i);
        p->novelty[i] = (float)rml_random_f64(seed, 3, i);
        p->unit[i] = (uint32_t)rml_random_below(seed, 4, i, 9);
        for (uint64_t k = 0; k < WIDTH; k++) {
            p->embedding[i * WIDTH + k] = (float)rml_random_f64(seed, 5 + k, i);
        }
    }
    p->scores =
        (rml_mine_scores){n, p->loss, p->disagreement, p->novelty, p->embedding, WIDTH, p->unit};
}

// ---- A plain selection: everything anew at each step -------------------------------------------

static double plain_rank(const float *values, size_t n, size_t i)
{
    double below = 0, equal = 0, known = 0;
    for (size_t k = 0; k < n; k++) {
        below += values[k] < values[i];
        equal += values[k] == values[i];
        known += !isnan(values[k]);
    }
    return (below + (equal - 1) / 2) / (known - 1);
}

static double plain_score(const rml_mine_scores *s, size_t i)
{
    double sum = plain_rank(s->disagreement, s->count, i) + plain_rank(s->novelty, s->count, i);
    return isnan(s->loss[i]) ? sum / 2 : (sum + plain_rank(s->loss, s->count, i)) / 3;
}

static double plain_distance(const rml_mine_scores *s, size_t i, size_t k)
{
    double sum = 0;
    for (size_t w = 0; w < s->width; w++) {
        double d = (double)s->embedding[i * s->width + w] - (double)s->embedding[k * s->width + w];
        sum += d * d;
    }
    return sqrt(sum);
}

static double plain_worth(const rml_mine_scores *s, const rml_mine_pick *picks, size_t count,
                          double diversity, size_t i)
{
    double largest = 0, nearest = INFINITY;
    for (size_t k = 0; count > 0 && k < s->count; k++) {
        largest = fmax(largest, plain_distance(s, k, picks[0].index));
    }
    for (size_t k = 0; k < count; k++) {
        nearest = fmin(nearest, plain_distance(s, i, picks[k].index));
    }
    return count ? (1 - diversity) * plain_score(s, i) + diversity * nearest / largest
                 : plain_score(s, i);
}

static bool is_open(const rml_mine_scores *s, const rml_mine_pick *picks, size_t count, size_t cap,
                    size_t i)
{
    size_t of_unit = 0;
    for (size_t k = 0; k < count; k++) {
        if (picks[k].index == i) {
            return false;
        }
        of_unit += s->unit[picks[k].index] == s->unit[i];
    }
    return cap == 0 || of_unit < cap;
}

static void test_against_plain(void **state)
{
    (void)state;
    static pool_of p;
    static const double diversities[] = {-1, 0, 0.2, 1};
    for (uint64_t run = 0; run < 40; run++) {
        size_t n = 16 + (size_t)rml_random_below(run, 99, 0, 60), count;
        fill(&p, n, run);
        rml_mine_options o = {.budget = 12, .seed = run};
        o.diversity = diversities[run % 4];
        o.per_unit_max = run % 3;
        double diversity = o.diversity == 0 ? 0.5 : fmax(o.diversity, 0);
        rml_mine_pick picks[12];
        assert_int_equal(rml_mine_select(&p.scores, &o, NULL, picks, &count, NULL), RML_OK);
        for (size_t k = 0; k < count; k++) {
            // Ties may go either way; what is picked must be open and worth the most.
            assert_true(is_open(&p.scores, picks, k, o.per_unit_max, picks[k].index));
            double worth = plain_worth(&p.scores, picks, k, diversity, picks[k].index);
            for (size_t i = 0; i < n; i++) {
                if (is_open(&p.scores, picks, k, o.per_unit_max, i)) {
                    assert_true(plain_worth(&p.scores, picks, k, diversity, i) <= worth + 1e-12);
                }
            }
            assert_true(fabs((double)picks[k].score - plain_score(&p.scores, picks[k].index)) <
                        1e-6);
        }
        for (size_t i = 0; count < o.budget && i < n; i++) { // it ended because nothing was left
            assert_false(is_open(&p.scores, picks, count, o.per_unit_max, i));
        }
    }
}

static void test_threads(void **state)
{
    (void)state;
    static pool_of p;
    static rml_mine_pick first[200], other[200];
    fill(&p, N_MAX, 77);
    rml_mine_options o = {.budget = 200, .per_unit_max = 30, .seed = 5};
    size_t count, again;
    assert_int_equal(rml_mine_select(&p.scores, &o, NULL, first, &count, NULL), RML_OK);
    assert_int_equal(count, 200);
    for (size_t threads = 1; threads <= 4; threads++) {
        rml_pool *pool = NULL;
        assert_int_equal(rml_pool_make(threads, &pool, NULL), RML_OK);
        assert_int_equal(rml_mine_select(&p.scores, &o, pool, other, &again, NULL), RML_OK);
        assert_int_equal(again, count);
        for (size_t k = 0; k < count; k++) {
            assert_int_equal(first[k].index, other[k].index);
        }
        rml_pool_free(pool);
    }
}

static void test_reasons_and_edges(void **state)
{
    (void)state;
    float loss[4] = {9, 1, 2, 3}, novelty[4] = {0, 1, 9, 2};
    float embedding[4] = {0, 0.1f, 0.2f, 100};
    rml_mine_scores s = {.count = 4, .loss = loss, .novelty = novelty};
    s.embedding = embedding;
    s.width = 1;
    rml_mine_options o = {.budget = 9, .diversity = 1};
    rml_mine_pick picks[9];
    size_t count;
    assert_int_equal(rml_mine_select(&s, &o, NULL, picks, &count, NULL), RML_OK);
    assert_int_equal(count, 4);
    assert_int_equal(picks[0].index, 2); // the first is the one of the highest score all the same
    assert_int_equal(picks[1].index, 3);
    o.diversity = 0.5;
    assert_int_equal(rml_mine_select(&s, &o, NULL, picks, &count, NULL), RML_OK);
    assert_int_equal(picks[0].index, 2);
    assert_string_equal(picks[0].reason, "novel");
    assert_int_equal(picks[1].index, 3);
    assert_string_equal(picks[1].reason, "diverse");
    rml_error err = {0};
    o.diversity = 1.5;
    assert_int_equal(rml_mine_select(&s, &o, NULL, picks, &count, &err), RML_ERR_ARGUMENT);
    s.count = 0;
    o.diversity = 0;
    assert_int_equal(rml_mine_select(&s, &o, NULL, picks, &count, NULL), RML_OK);
    assert_int_equal(count, 0);
}

static void test_disagreement(void **state)
{
    (void)state;
    // Two steps; ends at (0, 0), (3, 4), (0, 0).
    float xy[12] = {9, 9, 0, 0, 9, 9, 3, 4, 9, 9, 0, 0};
    float probability[3] = {.5f, .25f, .25f}, got;
    rml_mine_disagreement(&(rml_forecast){1, 3, 2, 2, xy, probability}, &got);
    double want = (.125 * 5 + .125 * 0 + .0625 * 5) / (.125 + .125 + .0625);
    assert_true(fabs((double)got - want) < 1e-6);
    rml_mine_disagreement(&(rml_forecast){1, 3, 2, 2, xy, NULL}, &got);
    assert_true(fabs((double)got - 10.0 / 3) < 1e-6);
    rml_mine_disagreement(&(rml_forecast){1, 1, 2, 2, xy, NULL}, &got);
    assert_true(got == 0);
}

static void test_novelty(void **state)
{
    (void)state;
    enum { N = 200, M = 70, W = 19 };
    static float candidates[N * W], known[M * W], out[N], again[N];
    for (uint64_t i = 0; i < N * W; i++) {
        candidates[i] = (float)rml_random_f64(1, 2, i);
    }
    for (uint64_t i = 0; i < M * W; i++) {
        known[i] = (float)rml_random_f64(1, 3, i);
    }
    rml_pool *pool = NULL;
    assert_int_equal(rml_pool_make(3, &pool, NULL), RML_OK);
    rml_mine_novelty(candidates, N, known, M, W, NULL, out);
    rml_mine_novelty(candidates, N, known, M, W, pool, again);
    rml_pool_free(pool);
    assert_memory_equal(out, again, sizeof out);
    for (size_t i = 0; i < N; i++) {
        double least = INFINITY;
        for (size_t j = 0; j < M; j++) {
            double sum = 0;
            for (size_t w = 0; w < W; w++) {
                double d = (double)candidates[i * W + w] - (double)known[j * W + w];
                sum += d * d;
            }
            least = fmin(least, sqrt(sum));
        }
        assert_true(fabs((double)out[i] - least) < 1e-5);
    }
    rml_mine_novelty(candidates, N, known, 0, W, NULL, out);
    assert_true(isinf(out[0]));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_against_plain),     cmocka_unit_test(test_threads),
        cmocka_unit_test(test_reasons_and_edges), cmocka_unit_test(test_disagreement),
        cmocka_unit_test(test_novelty),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
