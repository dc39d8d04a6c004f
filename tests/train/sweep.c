// Protects: a sweep does the same trainings by any number of threads and however often it is
// stopped; its journal is checked; what diverged does not go on; every trial is another one; the
// proposals find what even draws do not; its file is refused by line and column.
#define _DEFAULT_SOURCE 1 // usleep

#include "roadmill/train/sweep.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "play.h"
#include "roadmill/base/random.h"
#include "tpe.h"

static const char SPACE[] = "train: {steps: 900}\n"
                            "search:\n"
                            "  learning_rate: {from: 1e-4, to: 1e-1, log: true}\n"
                            "  width: [16, 32, 64]\n"
                            "  warmup: {from: 1, to: 200}\n"
                            "  muon: [false, true]\n";

static rml_sweep_config parse(const char *text)
{
    rml_sweep_config c;
    rml_error err = {0};
    if (rml_sweep_parse(rml_str_of(text), RML_STR("s.yaml"), &c, &err) != RML_OK) {
        char told[600];
        rml_error_text(&err, told, sizeof told);
        fail_msg("%s", told);
    }
    return c;
}

// ---- A training that is a formula --------------------------------------------------------------

typedef struct stage {
    const rml_sweep_config *config;
    size_t done, stop_after; // jobs, in order; then stopped
    uint32_t ill;            // this trial fails
    bool waits;              // jobs take various times
    rml_array journal;       // rml_sweep_job
    atomic_bool failed;
} stage;

// Least at a learning rate of 3e-3, width 32, warm-up 50, with muon; diverges at high rates.
static double formula(const double *v, uint64_t steps)
{
    if (v[0] > 0.05) {
        return INFINITY;
    }
    double rate = log(v[0] / 3e-3), warm = (v[2] - 50) / 100;
    return rate * rate + warm * warm + (v[1] == 32 ? 0 : 1) + (v[3] > 0 ? 0 : 1) +
           10.0 / (double)steps;
}

static rml_status train(void *context, rml_sweep_job *job, rml_error *err)
{
    stage *s = context;
    if (s->waits) {
        usleep((unsigned)rml_random_below(9, job->trial, job->rung, 2000));
    }
    if (job->trial == s->ill) {
        return rml_fail(err, RML_ERR_IO, (rml_place){0}, NULL, "no room");
    }
    if (atomic_load(&s->failed)) {
        return rml_fail(err, RML_ERR_STOPPED, (rml_place){0}, NULL, "stopped");
    }
    job->loss = formula(job->values, rml_sweep_steps(s->config, job->rung));
    snprintf(job->run, sizeof job->run, "%08u", job->trial);
    return RML_OK;
}

static rml_status done(void *context, const rml_sweep_job *job, rml_error *err)
{
    stage *s = context;
    if (s->done++ == s->stop_after) {
        return rml_fail(err, RML_ERR_STOPPED, (rml_place){0}, NULL, "stopped");
    }
    rml_sweep_job *kept = rml_array_push(&s->journal, err);
    assert_non_null(kept);
    *kept = *job;
    return RML_OK;
}

static void failed(void *context)
{
    stage *s = context;
    atomic_store(&s->failed, true);
}

static stage stage_of(const rml_sweep_config *c)
{
    return (stage){.config = c,
                   .stop_after = SIZE_MAX,
                   .ill = UINT32_MAX,
                   .journal = RML_ARRAY(rml_sweep_job)};
}

// Plays on from the stage's journal.
static rml_status play(stage *s, size_t threads, rml_array *jobs, rml_error *err)
{
    rml_array known = s->journal;
    s->journal = RML_ARRAY(rml_sweep_job);
    for (size_t i = 0; i < known.count; i++) {
        rml_sweep_job *kept = rml_array_push(&s->journal, err);
        assert_non_null(kept);
        *kept = *RML_AT(&known, rml_sweep_job, i);
    }
    rml_sweep_hooks hooks = {train, done, failed, s};
    *jobs = RML_ARRAY(rml_sweep_job);
    s->done = 0;
    atomic_store(&s->failed, false);
    rml_status st = rml_sweep_play(s->config, &known, threads, &hooks, jobs, err);
    rml_array_reset(&known);
    return st;
}

static void assert_same(const rml_sweep_config *c, const rml_array *a, const rml_array *b)
{
    assert_int_equal(a->count, b->count);
    for (size_t i = 0; i < a->count; i++) {
        const rml_sweep_job *x = RML_AT(a, rml_sweep_job, i), *y = RML_AT(b, rml_sweep_job, i);
        assert_int_equal(x->idle, y->idle);
        assert_int_equal(x->trial, y->trial);
        assert_int_equal(x->rung, y->rung);
        assert_memory_equal(x->values, y->values, c->axis_count * sizeof *x->values);
        assert_true(x->loss == y->loss);
        assert_string_equal(x->run, y->run);
    }
}

static void test_any_number_of_threads(void **state)
{
    (void)state;
    rml_sweep_config c = parse(SPACE);
    rml_array first;
    stage s = stage_of(&c);
    assert_int_equal(play(&s, 1, &first, NULL), RML_OK);
    assert_true(first.count > 50);
    for (size_t threads = 2; threads <= 8; threads += 3) {
        rml_array jobs;
        stage other = stage_of(&c);
        other.waits = true;
        assert_int_equal(play(&other, threads, &jobs, NULL), RML_OK);
        assert_same(&c, &first, &jobs);
        rml_array_reset(&jobs);
        rml_array_reset(&other.journal);
    }
    rml_array_reset(&first);
    rml_array_reset(&s.journal);
}

static void test_stopped_anywhere(void **state)
{
    (void)state;
    rml_sweep_config c = parse(SPACE);
    rml_array whole, jobs;
    stage calm = stage_of(&c), s = stage_of(&c);
    assert_int_equal(play(&calm, 1, &whole, NULL), RML_OK);
    size_t stops = 0;
    s.stop_after = 7;
    while (play(&s, 1 + stops % 3, &jobs, NULL) == RML_ERR_STOPPED) {
        rml_array_reset(&jobs);
        assert_true(++stops < 100);
    }
    assert_true(stops >= 5);
    assert_same(&c, &whole, &jobs);
    assert_same(&c, &calm.journal, &s.journal);
    rml_array_reset(&jobs);

    RML_AT(&s.journal, rml_sweep_job, 20)->values[0] *= 1.5;
    rml_error err = {0};
    assert_int_equal(play(&s, 2, &jobs, &err), RML_ERR_DATA);
    rml_array_reset(&jobs);
    rml_array_reset(&whole);
    rml_array_reset(&s.journal);
    rml_array_reset(&calm.journal);
}

static void test_halving(void **state)
{
    (void)state;
    rml_sweep_config c = parse(SPACE);
    rml_array jobs;
    stage s = stage_of(&c);
    assert_int_equal(play(&s, 2, &jobs, NULL), RML_OK);
    size_t at_rung[3] = {0}, gone_on_ill = 0, diverged = 0;
    for (size_t i = 0; i < jobs.count; i++) {
        const rml_sweep_job *j = RML_AT(&jobs, rml_sweep_job, i);
        if (j->idle) {
            continue;
        }
        at_rung[j->rung]++;
        bool ill = !isfinite(formula(j->values, 1));
        diverged += ill && j->rung == 0;
        gone_on_ill += ill && j->rung > 0;
        for (size_t k = 0; k < i; k++) {
            const rml_sweep_job *other = RML_AT(&jobs, rml_sweep_job, k);
            bool same = memcmp(j->values, other->values, c.axis_count * sizeof(double)) == 0;
            assert_true(other->idle || !same || j->trial == other->trial);
        }
    }
    assert_int_equal(at_rung[0], c.trials);
    // More than a third where later ones are better than those that went on before.
    assert_in_range(at_rung[1], c.trials / 3, c.trials / 2);
    assert_in_range(at_rung[2], c.trials / 9, at_rung[1] - 1);
    assert_true(diverged > 0);
    assert_int_equal(gone_on_ill, 0);
    rml_array_reset(&jobs);
    rml_array_reset(&s.journal);
}

static void test_small_space_ends(void **state)
{
    (void)state;
    rml_sweep_config c =
        parse("train: {steps: 100}\nsearch: {muon: [false, true], width: [8, 16]}\n"
              "rungs: 1\n");
    rml_array jobs;
    stage s = stage_of(&c);
    // formula() wants four axes.
    c.axes[2] = c.axes[3] = c.axes[0];
    assert_int_equal(play(&s, 3, &jobs, NULL), RML_OK);
    assert_int_equal(s.journal.count, 4);
    rml_array_reset(&jobs);
    rml_array_reset(&s.journal);
}

// The error of a job is told, not that the others were stopped for it.
static void test_cause(void **state)
{
    (void)state;
    rml_sweep_config c = parse(SPACE);
    for (uint32_t ill = 0; ill < 12; ill++) {
        rml_array jobs;
        stage s = stage_of(&c);
        s.ill = ill;
        s.waits = true;
        rml_error err = {0};
        assert_int_equal(play(&s, 4, &jobs, &err), RML_ERR_IO);
        rml_array_reset(&jobs);
        rml_array_reset(&s.journal);
    }
}

// The mean of the best over sweeps with other seeds, with and without learning from results.
static double mean_best(uint32_t startup)
{
    enum { SEEDS = 20 };
    double sum = 0;
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        rml_sweep_config c = parse(SPACE);
        rml_array jobs;
        c.seed = seed;
        c.rungs = 1;
        c.startup = startup;
        stage s = stage_of(&c);
        assert_int_equal(play(&s, 1, &jobs, NULL), RML_OK);
        double best = INFINITY;
        for (size_t i = 0; i < jobs.count; i++) {
            const rml_sweep_job *j = RML_AT(&jobs, rml_sweep_job, i);
            best = !j->idle && j->loss < best ? j->loss : best;
        }
        sum += best;
        rml_array_reset(&jobs);
        rml_array_reset(&s.journal);
    }
    return sum / SEEDS;
}

static void test_learns(void **state)
{
    (void)state;
    assert_true(mean_best(10) < 0.5 * mean_best(1000));
}

static void test_refused(void **state)
{
    (void)state;
    static const struct {
        const char *text, *told;
    } cases[] = {
        {"trials: 4\n", "s.yaml:1:1: expected 1 to 16 settings under search"},
        {"search: {widht: [1, 2]}\n", "s.yaml:1:10: expected a field of a training, found widht"},
        {"search: {steps: [100, 200]}\n", "s.yaml:1:10: expected a field of a training other than"},
        {"search: {checkpoint_s: [1, 2]}\n", "s.yaml:1:10: expected a field of a training"},
        {"search: {width: [16]}\n", "s.yaml:1:17: expected {from: "},
        {"search: {width: [16, 16]}\n", "s.yaml:1:22: expected values of width, each once"},
        {"search: {width: [16, 1.5]}\n", "s.yaml:1:22: expected values of width"},
        {"search: {muon: [false, 1]}\n", "s.yaml:1:24: expected values of muon"},
        {"search: {width: {from: 3, to: 2}}\n", "s.yaml:1:17: expected from below to"},
        {"search: {noise: {from: 0, to: 2, log: true}}\n", "s.yaml:1:17: expected from below to, "},
        {"train: {width: 8}\nsearch: {width: [8, 16]}\n", "s.yaml:2:10: expected width under"},
        {"search: {width: [8, 16]}\ntrials: 8\n", "s.yaml:1:1: expected at least 9 trials"},
        {"search: {width: [8, 16]}\neta: 1\n", "s.yaml:2:6: expected eta from 2 to 10, found 1"},
        {"train: {steps: 30}\nsearch: {width: [8, 16]}\n", "s.yaml:1:1: expected rungs that rise"},
        {"search: [1, 2]\n", "s.yaml:1:9: expected 1 to 16 settings under search"},
        {"- 1\n", "s.yaml:1:1: expected fields such as"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        rml_sweep_config c;
        rml_error err = {0};
        char told[600];
        rml_status st = rml_sweep_parse(rml_str_of(cases[i].text), RML_STR("s.yaml"), &c, &err);
        assert_int_equal(st, RML_ERR_ARGUMENT);
        rml_error_text(&err, told, sizeof told);
        if (strstr(told, cases[i].told) == NULL) {
            fail_msg("%s: expected \"%s\", found \"%s\"", cases[i].text, cases[i].told, told);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_any_number_of_threads),
        cmocka_unit_test(test_stopped_anywhere),
        cmocka_unit_test(test_halving),
        cmocka_unit_test(test_small_space_ends),
        cmocka_unit_test(test_cause),
        cmocka_unit_test(test_learns),
        cmocka_unit_test(test_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
