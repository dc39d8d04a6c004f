// Protects: what a cut is made of. Nothing of the inputs moves when only the future is changed (and
// the planted leak does); the same bits at any number of threads; features stand where
// docs/scenes.md says.
#include "roadmill/base/random.h"
#include "roadmill/os.h"
#include "roadmill/scene.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define AGENTS 12
#define STATES 60

typedef struct made {
    rml_traffic traffic;
    rml_track tracks[AGENTS];
    rml_track_state states[AGENTS][STATES];
} made;

static const rml_point2 left_bound[] = {{-100, 2}, {200, 2}};
static const rml_point2 right_bound[] = {{-100, -2}, {200, -2}};
static const rml_point2 centre[] = {{-100, 0}, {200, 0}};
static const rml_map_element lane = {.id = {"L", 1},
                                     .kind = RML_MAP_LANE,
                                     .left = {left_bound, 2, NULL},
                                     .right = {right_bound, 2, NULL},
                                     .centre = {centre, 2, NULL},
                                     .right_id = {"M", 1},
                                     .right_same = true,
                                     .speed_limit_mps = 20};

// Agent 0 drives along the lane at 10 m/s; the others wander around it, some for a while only.
static made *make(uint64_t seed)
{
    made *m = calloc(1, sizeof *m);
    for (uint32_t i = 0; i < AGENTS; i++) {
        double vx = i == 0 ? 10 : 20 * rml_random_f64(seed, i, 0) - 10;
        double vy = i == 0 ? 0 : 20 * rml_random_f64(seed, i, 1) - 10;
        double x = i == 0 ? 0 : 60 * rml_random_f64(seed, i, 2) - 30;
        double y = i == 0 ? 0.5 : 60 * rml_random_f64(seed, i, 3) - 30;
        size_t first = i == 0 ? 0 : (size_t)rml_random_below(seed, i, 4, 15);
        rml_track *t = &m->tracks[i];
        *t = (rml_track){.track_id = {&"abcdefghijkl"[i], 1},
                         .agent_class = i % 2 ? RML_AGENT_TRUCK : RML_AGENT_CAR,
                         .length_m = 4,
                         .width_m = 2,
                         .states = m->states[i]};
        for (size_t k = first; k < STATES; k++) {
            double wave = i == 0 ? 0 : rml_random_f64(seed, i, 10 + k);
            m->states[i][t->count++] =
                (rml_track_state){.t_ns = (int64_t)k * 100000000,
                                  .x_m = x + 0.1 * vx * (double)k,
                                  .y_m = y + 0.1 * vy * (double)k + 0.1 * wave};
        }
    }
    m->traffic = (rml_traffic){.recording_id = {"r", 1},
                               .step_ns = 100000000,
                               .tracks = m->tracks,
                               .track_count = AGENTS,
                               .map = &lane,
                               .map_count = 1};
    return m;
}

typedef struct tensors {
    float features[64 * RML_SCENE_FEATURES], token_valid[64], history[40], position[2], velocity[2];
    float target[60], target_valid[30];
} tensors;

static void cut_one(const rml_cutter *c, rml_window window, tensors *t)
{
    const rml_tensor_slot out[] = {
        {t->features, NULL}, {t->token_valid, NULL}, {t->history, NULL},     {t->position, NULL},
        {t->velocity, NULL}, {t->target, NULL},      {t->target_valid, NULL}};
    rml_scene_cutter_find(RML_STR("agents_map"))->cut(c, window, out);
}

static void cut_into(const rml_traffic *traffic, const rml_scene_spec *spec, rml_window window,
                     tensors *t)
{
    rml_cutter *c = NULL;
    assert_int_equal(rml_cutter_make(traffic, spec, &c, NULL), RML_OK);
    memset(t, 0xff, sizeof *t); // every float is written
    cut_one(c, window, t);
    rml_cutter_free(c);
}

// Everything before target is an input.
static bool inputs_move(uint64_t seed, bool leak)
{
    const rml_scene_spec spec = {.leak_central_difference = leak};
    rml_window window = {0, 19};
    made *m = make(seed);
    tensors a, b;
    cut_into(&m->traffic, &spec, window, &a);
    for (uint32_t i = 0; i < AGENTS; i++) {
        for (size_t k = 0; k < m->tracks[i].count; k++) {
            if (m->states[i][k].t_ns > 1900000000) {
                m->states[i][k].x_m += 3 + rml_random_f64(seed, i, 100 + k);
                m->states[i][k].y_m -= 5;
                m->states[i][k].recorded_speed_mps = 99;
            }
        }
    }
    cut_into(&m->traffic, &spec, window, &b);
    bool moved = memcmp(&a, &b, offsetof(tensors, target)) != 0;
    assert_true(memcmp(a.target, b.target, sizeof a.target) != 0);
    free(m);
    return moved;
}

static void inputs_read_no_future(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 50; seed++) {
        assert_false(inputs_move(seed, false));
        assert_true(inputs_move(seed, true));
    }
}

static void features_stand_where_the_manual_says(void **state)
{
    (void)state;
    const rml_scene_spec spec = {0};
    made *m = make(1);
    tensors t;
    // the second agent stays 24 m ahead of the first, in its lane, at 8 m/s
    for (size_t k = 0; k < m->tracks[1].count; k++) {
        size_t sample = (size_t)(m->states[1][k].t_ns / 100000000);
        m->states[1][k].x_m = 19 + 24 + 0.8 * ((double)sample - 19);
        m->states[1][k].y_m = 0.5;
    }
    m->traffic.track_count = 2;
    cut_into(&m->traffic, &spec, (rml_window){0, 19}, &t);
    static const struct {
        size_t token, index;
        double want;
    } cases[] = {
        {0, 0, 1},      {0, 1, 1},     {0, 2, 0},     {0, 3, 0},    {0, 5, 1},    {0, 6, 0},
        {0, 7, 1},      {0, 8, 0},     {0, 9, 1},     {0, 10, 0.4}, {0, 11, 0.4}, {0, 12, 1},
        {0, 13, 0},     {0, 18, 1},    {0, 19, 0},    {0, 54, 0},   {0, 55, 0},   {0, 56, 0},
        {0, 57, 1},     {0, 58, 0.4},  {0, 59, -0.4}, {0, 60, 0.4}, {0, 61, 0.1}, {0, 62, 0},
        {0, 63, 1},     {1, 0, 1},     {1, 1, 0},     {1, 3, 1.2},  {1, 7, 0.8},  {1, 13, 1},
        {1, 55, 0.48},  {1, 57, 0},    {32, 0, 0},    {32, 2, 1},   {32, 5, 1},   {32, 9, 2},
        {32, 10, 3},    {32, 11, 0.8}, {32, 12, 1},   {32, 15, 1},  {32, 14, 0},  {32, 39, 1},
        {32, 55, 0.01}, {32, 56, 1},   {32, 59, 0.1}, {32, 60, 1},  {32, 62, 2},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        double found = (double)t.features[cases[i].token * RML_SCENE_FEATURES + cases[i].index];
        if (!(fabs(found - cases[i].want) < 1e-6)) {
            print_error("token %zu feature %zu: expected %g, found %g\n", cases[i].token,
                        cases[i].index, cases[i].want, found);
        }
        assert_true(fabs(found - cases[i].want) < 1e-6);
    }
    assert_true(t.token_valid[0] == 1 && t.token_valid[1] == 1 && t.token_valid[2] == 0);
    assert_true(fabs((double)t.velocity[0] - 10) < 1e-4 && t.position[0] == 0);
    assert_true(fabs((double)t.target[58] - 30) < 1e-4 && t.target_valid[29] == 1);
    assert_true(fabs((double)t.history[0] + 19) < 1e-4);
    free(m);
}

typedef struct job {
    const rml_cutter *c;
    const rml_window *windows;
    tensors *out;
} job;

static void cut_tile(void *context, size_t tile, size_t worker)
{
    const job *j = context;
    (void)worker;
    cut_one(j->c, j->windows[tile], &j->out[tile]);
}

static void same_bits_on_any_number_of_threads(void **state)
{
    (void)state;
    const rml_scene_spec spec = {.stride = 1};
    made *m = make(2);
    rml_array windows = RML_ARRAY(rml_window);
    rml_cutter *c = NULL;
    assert_int_equal(rml_scene_windows(&m->traffic, &spec, &windows, NULL), RML_OK);
    assert_true(windows.count > 20);
    assert_int_equal(rml_cutter_make(&m->traffic, &spec, &c, NULL), RML_OK);
    tensors *one = calloc(windows.count, sizeof *one), *many = calloc(windows.count, sizeof *many);
    for (size_t threads = 1; threads <= 4; threads++) {
        rml_pool *pool = NULL;
        job j = {c, windows.data, threads == 1 ? one : many};
        assert_int_equal(rml_pool_make(threads, &pool, NULL), RML_OK);
        rml_pool_run(pool, windows.count, cut_tile, &j);
        rml_pool_free(pool);
        assert_true(threads == 1 || memcmp(one, many, windows.count * sizeof *one) == 0);
    }
    free(one);
    free(many);
    rml_cutter_free(c);
    rml_array_reset(&windows);
    free(m);
}

static void windows_leave_out_gaps_and_what_is_static(void **state)
{
    (void)state;
    const rml_scene_spec spec = {.history = 5, .future = 5, .stride = 5};
    made *m = make(3);
    rml_array windows = RML_ARRAY(rml_window);
    m->traffic.track_count = 1;
    assert_int_equal(rml_scene_windows(&m->traffic, &spec, &windows, NULL), RML_OK);
    assert_int_equal(windows.count, 11); // 0, 5, ... 50
    for (size_t k = 30; k < STATES; k++) {
        m->states[0][k].t_ns += 100000000; // a gap between samples 29 and 30
    }
    rml_array_clear(&windows);
    assert_int_equal(rml_scene_windows(&m->traffic, &spec, &windows, NULL), RML_OK);
    assert_int_equal(windows.count, 10); // 25..34 is left out
    m->tracks[0].agent_class = RML_AGENT_STATIC;
    rml_array_clear(&windows);
    assert_int_equal(rml_scene_windows(&m->traffic, &spec, &windows, NULL), RML_OK);
    assert_int_equal(windows.count, 0);
    const rml_scene_spec wrong = {.predict = 40};
    assert_int_equal(rml_scene_windows(&m->traffic, &wrong, &windows, NULL), RML_ERR_ARGUMENT);
    rml_array_reset(&windows);
    free(m);
}

static void a_scene_is_named_by_what_it_is(void **state)
{
    (void)state;
    made *m = make(4);
    rml_scene_row a, b;
    const rml_scene_spec specs[] = {{0}, {.history = 20, .radius_m = 80}, {.stride = 9}};
    for (size_t i = 0; i < 3; i++) {
        rml_cutter *c = NULL;
        assert_int_equal(rml_cutter_make(&m->traffic, &specs[i], &c, NULL), RML_OK);
        assert_int_equal(rml_cutter_row(c, (rml_window){0, 19}, i == 0 ? &a : &b, NULL), RML_OK);
        if (i > 0) {
            assert_int_equal(strcmp(a.scene_id, b.scene_id) == 0, i == 1);
        }
        rml_cutter_free(c);
    }
    assert_int_equal(strlen(a.scene_id), 64);
    assert_true(fabs((double)a.travelled_m - 30) < 1e-4 && fabs((double)a.turn_rad) < 1e-6);
    free(m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(inputs_read_no_future),
        cmocka_unit_test(features_stand_where_the_manual_says),
        cmocka_unit_test(same_bits_on_any_number_of_threads),
        cmocka_unit_test(windows_leave_out_gaps_and_what_is_static),
        cmocka_unit_test(a_scene_is_named_by_what_it_is),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
