// Protects: windows of recorded traffic and what they say, against figures that a plain program
// found in the same files (README of the data set): counts, and the errors of constant velocity.
#include "roadmill/scene.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "ngsim.h"

typedef struct floats {
    float features[64 * RML_SCENE_FEATURES], token_valid[64], history[20 * 2], position[2];
    float velocity[2], target[30 * 2], target_valid[30];
} floats;

static void cut(const rml_cutter *c, rml_window window, floats *f)
{
    const rml_tensor_slot slots[] = {
        {f->features, NULL}, {f->token_valid, NULL}, {f->history, NULL},     {f->position, NULL},
        {f->velocity, NULL}, {f->target, NULL},      {f->target_valid, NULL}};
    rml_scene_cutter_find(RML_STR("agents_map"))->cut(c, window, slots);
}

// Errors of one way to predict over all windows of a site.
typedef struct errors {
    double ade, fde;
    size_t count, moving;
} errors;

// back: steps over which the velocity is taken; 0: recorded speed and heading, which read the
// future.
static errors constant_velocity(const rml_traffic *traffics, size_t count, int back)
{
    errors sum = {0};
    rml_scene_spec spec = {0};
    static floats f;
    for (size_t i = 0; i < count; i++) {
        rml_array windows = RML_ARRAY(rml_window);
        rml_cutter *cutter = NULL;
        assert_int_equal(rml_scene_windows(&traffics[i], &spec, &windows, NULL), RML_OK);
        assert_int_equal(rml_cutter_make(&traffics[i], &spec, &cutter, NULL), RML_OK);
        for (size_t w = 0; w < windows.count; w++) {
            rml_window window = *RML_AT(&windows, rml_window, w);
            cut(cutter, window, &f);
            const rml_track *track = &traffics[i].tracks[window.track];
            double vx = (double)(f.history[38] - f.history[2 * (19 - back)]) / (0.1 * back);
            double vy = (double)(f.history[39] - f.history[2 * (19 - back) + 1]) / (0.1 * back);
            if (back == 0) {
                rml_scene_row row;
                assert_int_equal(rml_cutter_row(cutter, window, &row, NULL), RML_OK);
                const rml_track_state *s = &track->states[window.now];
                double yaw = s->recorded_yaw_rad - row.map_from_scene.yaw_rad;
                vx = s->recorded_speed_mps * cos(yaw);
                vy = s->recorded_speed_mps * sin(yaw);
            }
            double error = 0;
            for (int k = 0; k < 30; k++) {
                assert_true(f.target_valid[k] == 1);
                error = hypot((double)f.target[2 * k] - vx * 0.1 * (k + 1),
                              (double)f.target[2 * k + 1] - vy * 0.1 * (k + 1));
                sum.ade += error / 30;
            }
            sum.fde += error;
            sum.count++;
        }
        rml_cutter_free(cutter);
        rml_array_reset(&windows);
    }
    sum.ade /= (double)sum.count;
    sum.fde /= (double)sum.count;
    return sum;
}

static void windows_and_constant_velocity_as_published(void **state)
{
    (void)state;
    static const struct {
        const char *site;
        size_t windows;
        double rec[2], d1[2], d5[2], d19[2]; // ADE, FDE
    } cases[] = {
        {"US101", 2584, {0.970, 2.378}, {1.038, 2.486}, {1.143, 2.637}, {1.421, 3.110}},
        {"Lanker", 3211, {0.760, 1.994}, {0.770, 2.020}, {0.858, 2.188}, {1.209, 2.853}},
        {"Peach", 186, {1.356, 3.551}, {1.457, 3.755}, {1.667, 4.198}, {2.526, 5.853}},
    };
    const char *data = getenv("RML_DATA");
    if (data == NULL || *data == '\0') {
        puts("skipped: no data");
        skip();
    }
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        rml_arena arena = {0};
        rml_traffic traffics[NGSIM_MOST];
        rml_error err = {0};
        size_t count = ngsim_read(data, cases[i].site, &arena, traffics, &err);
        if (count == 0) {
            print_error("%s: %s\n", cases[i].site, err.what);
        }
        const struct {
            const char *name;
            int back;
            const double *want;
        } rows[] = {
            {"rec, reads the future", 0, cases[i].rec},
            {"d1", 1, cases[i].d1},
            {"d5", 5, cases[i].d5},
            {"d19", 19, cases[i].d19},
        };
        for (size_t k = 0; k < sizeof rows / sizeof *rows; k++) {
            errors e = constant_velocity(traffics, count, rows[k].back);
            print_message("%s %s: %zu windows, ADE %.4f FDE %.4f\n", cases[i].site, rows[k].name,
                          e.count, e.ade, e.fde);
            assert_int_equal(e.count, cases[i].windows);
            assert_true(fabs(e.ade - rows[k].want[0]) < 0.0006);
            assert_true(fabs(e.fde - rows[k].want[1]) < 0.0006);
        }
        rml_arena_reset(&arena);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(windows_and_constant_velocity_as_published),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
