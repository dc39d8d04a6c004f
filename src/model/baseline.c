// model: the honest baselines (docs/evaluation.md). They see positions up to now and nothing else.
//
// All work in the frame of the agent at now (+x along its last step), in double, in a fixed order.
#include <assert.h>
#include <math.h>
#include <string.h>

#include "kmeans.h"
#include "roadmill/math.h"
#include "roadmill/model.h"

enum { BASE_CV, BASE_CTRA, BASE_RIDGE };           // rml_baseline_kind.base
enum { SCALE_NONE, SCALE_SPEED_1, SCALE_SPEED_5 }; // .scaling
enum { BY_PATH, BY_END }; // .cluster_by; for a constant velocity: steps back

// Of the ridge fit, on velocities in m/s; the penalty of the bias is the same.
static const double RIDGE_PENALTY = 1.0;
static const uint32_t STARTS = 20;
// Below it a heading is noise and no turn is continued.
static const double TURN_SPEED_MPS = 1.0;

static const rml_baseline_kind kinds[] = {
    {"cv_1", false, BASE_CV, 1, 0},
    {"cv_5", false, BASE_CV, 5, 0},
    {"cv_19", false, BASE_CV, 19, 0},
    {"ctra", false, BASE_CTRA, 0, 0},
    {"blind_cv_unscaled_path", true, BASE_CV, SCALE_NONE, BY_PATH},
    {"blind_cv_unscaled_end", true, BASE_CV, SCALE_NONE, BY_END},
    {"blind_cv_speed1_path", true, BASE_CV, SCALE_SPEED_1, BY_PATH},
    {"blind_cv_speed1_end", true, BASE_CV, SCALE_SPEED_1, BY_END},
    {"blind_cv_speed5_path", true, BASE_CV, SCALE_SPEED_5, BY_PATH},
    {"blind_cv_speed5_end", true, BASE_CV, SCALE_SPEED_5, BY_END},
    {"blind_ridge_unscaled_path", true, BASE_RIDGE, SCALE_NONE, BY_PATH},
    {"blind_ridge_unscaled_end", true, BASE_RIDGE, SCALE_NONE, BY_END},
    {"blind_ridge_speed1_path", true, BASE_RIDGE, SCALE_SPEED_1, BY_PATH},
    {"blind_ridge_speed1_end", true, BASE_RIDGE, SCALE_SPEED_1, BY_END},
    {"blind_ridge_speed5_path", true, BASE_RIDGE, SCALE_SPEED_5, BY_PATH},
    {"blind_ridge_speed5_end", true, BASE_RIDGE, SCALE_SPEED_5, BY_END},
};

struct rml_baseline {
    const rml_baseline_kind *kind;
    uint32_t modes, history, steps;
    double *weights;     // ridge: [inputs][steps * 2]
    double *residuals;   // blind: [modes][steps * 2]
    double *probability; // [modes]
    rml_arena arena;
};

rml_status rml_answers_make(rml_forecast *f, size_t count, uint32_t modes, uint32_t steps,
                            uint32_t axes, rml_error *err)
{
    *f = (rml_forecast){.count = count, .modes = modes, .steps = steps, .axes = axes};
    size_t answers, numbers, bytes;
    if (!rml_size_mul(count ? count : 1, modes, &answers) ||
        !rml_size_mul(answers, steps, &numbers) ||
        !rml_size_mul(numbers, axes * sizeof(float), &bytes)) {
        return rml_fail_memory(err, SIZE_MAX);
    }
    f->xy = rml_heap_make(bytes);
    f->probability = rml_heap_make(answers * sizeof(float));
    if (!f->xy || !f->probability) {
        rml_forecast_free(f);
        return rml_fail_memory(err, bytes);
    }
    return RML_OK;
}

rml_status rml_forecast_make(rml_forecast *f, size_t count, uint32_t modes, uint32_t steps,
                             rml_error *err)
{
    return rml_answers_make(f, count, modes, steps, 2, err);
}

void rml_forecast_free(rml_forecast *f)
{
    rml_heap_free(f->xy);
    rml_heap_free(f->probability);
    *f = (rml_forecast){0};
}

const rml_baseline_kind *rml_baseline_kinds(size_t *count)
{
    *count = sizeof kinds / sizeof *kinds;
    return kinds;
}

// ---- What all of them see ----------------------------------------------------------------------

typedef struct past {
    const float *xy; // [history][2]
    uint32_t history;
    double dt_s;
} past;

static past past_at(const rml_pasts *p, size_t i)
{
    return (past){p->history_xy + i * p->history * 2, p->history, p->dt_s};
}

// Mean velocity over the last `back` steps.
static void past_velocity(const past *p, uint32_t back, double out[2])
{
    const float *now = p->xy + (p->history - 1) * 2;
    const float *then = now - (size_t)back * 2;
    double seconds = back * p->dt_s;
    out[0] = ((double)now[0] - (double)then[0]) / seconds;
    out[1] = ((double)now[1] - (double)then[1]) / seconds;
}

static double past_speed(const past *p)
{
    double v[2];
    past_velocity(p, 1, v);
    return rml_f64_hypot(v[0], v[1]);
}

static void constant_velocity(const past *p, uint32_t back, uint32_t steps, double *out)
{
    double v[2];
    past_velocity(p, back < p->history ? back : p->history - 1, v);
    const float *now = p->xy + (p->history - 1) * 2;
    for (uint32_t t = 0; t < steps; t++) {
        double s = (t + 1) * p->dt_s;
        out[2 * t] = (double)now[0] + v[0] * s;
        out[2 * t + 1] = (double)now[1] + v[1] * s;
    }
}

// Constant turn rate and acceleration, both from the last step and the one half a second before;
// the speed stops at zero.
static void constant_turn(const past *p, uint32_t steps, double *out)
{
    const float *now = p->xy + (p->history - 1) * 2;
    uint32_t back = p->history > 6 ? 5 : p->history - 2;
    double v1[2], v0[2];
    past_velocity(p, 1, v1);
    past before = {p->xy, p->history - back, p->dt_s};
    past_velocity(&before, 1, v0);
    double speed = rml_f64_hypot(v1[0], v1[1]), earlier = rml_f64_hypot(v0[0], v0[1]);
    double seconds = back * p->dt_s;
    double acceleration = (speed - earlier) / seconds;
    double yaw = rml_f64_atan2(v1[1], v1[0]), rate = 0;
    if (speed >= TURN_SPEED_MPS && earlier >= TURN_SPEED_MPS) {
        rate = rml_angle_wrap(yaw - rml_f64_atan2(v0[1], v0[0])) / seconds;
    }
    double x = (double)now[0], y = (double)now[1];
    for (uint32_t t = 0; t < steps; t++) {
        // The last step's velocity holds at the middle of that step: half a step ago.
        double next = speed + acceleration * p->dt_s;
        speed = next > 0 ? next : 0;
        yaw += rate * p->dt_s;
        x += speed * p->dt_s * rml_f64_cos(yaw);
        y += speed * p->dt_s * rml_f64_sin(yaw);
        out[2 * t] = x;
        out[2 * t + 1] = y;
    }
}

// ---- Ridge fit of the own past -----------------------------------------------------------------

static size_t ridge_inputs(uint32_t history)
{
    return (size_t)(history - 1) * 2 + 1;
}

// Velocities of all steps and a one.
static void ridge_row(const past *p, double *row)
{
    size_t steps = p->history - 1;
    for (size_t i = 0; i < steps * 2; i++) {
        row[i] = ((double)p->xy[i + 2] - (double)p->xy[i]) / p->dt_s;
    }
    row[steps * 2] = 1;
}

static rml_status ridge_fit(rml_baseline *b, const rml_pasts *train, rml_error *err)
{
    size_t n = ridge_inputs(train->history), m = (size_t)train->steps * 2;
    rml_arena scratch = {0};
    double *square = RML_NEW_ARRAY(&scratch, double, n *n),
           *row = RML_NEW_ARRAY(&scratch, double, n);
    b->weights = RML_NEW_ARRAY(&b->arena, double, n *m);
    if (!square || !row || !b->weights) {
        rml_arena_reset(&scratch);
        return rml_fail_memory(err, n * n * sizeof(double));
    }
    for (size_t s = 0; s < train->count; s++) {
        past p = past_at(train, s);
        ridge_row(&p, row);
        const float *target = train->target_xy + s * m, *now = p.xy + (p.history - 1) * 2;
        for (size_t i = 0; i < n; i++) {
            for (size_t j = 0; j < n; j++) {
                square[i * n + j] += row[i] * row[j];
            }
            for (size_t j = 0; j < m; j++) {
                b->weights[i * m + j] += row[i] * ((double)target[j] - (double)now[j & 1]);
            }
        }
    }
    bool solved = rml_cholesky_solve(n, m, RIDGE_PENALTY, square, b->weights);
    rml_arena_reset(&scratch);
    return solved ? RML_OK
                  : rml_fail(err, RML_ERR_DATA, (rml_place){0}, "check the dataset's positions",
                             "expected finite positions to fit the own past, found others");
}

static void ridge_predict(const rml_baseline *b, const past *p, double *out)
{
    size_t n = ridge_inputs(p->history), m = (size_t)b->steps * 2;
    const float *now = p->xy + (p->history - 1) * 2;
    for (size_t j = 0; j < m; j++) {
        out[j] = (double)now[j & 1] + b->weights[(n - 1) * m + j];
    }
    for (size_t i = 0; i + 1 < n; i++) {
        double v = ((double)p->xy[i + 2] - (double)p->xy[i]) / p->dt_s;
        for (size_t j = 0; j < m; j++) {
            out[j] += v * b->weights[i * m + j];
        }
    }
}

// ---- Fit and predict ---------------------------------------------------------------------------

static void base_predict(const rml_baseline *b, const past *p, double *out)
{
    switch (b->kind->base) {
    case BASE_CTRA:
        constant_turn(p, b->steps, out);
        break;
    case BASE_RIDGE:
        ridge_predict(b, p, out);
        break;
    default:
        constant_velocity(p, b->kind->blind ? 1 : (uint32_t)b->kind->scaling, b->steps, out);
    }
}

static double residual_scale(const rml_baseline *b, const past *p)
{
    switch (b->kind->scaling) {
    case SCALE_SPEED_1:
        return past_speed(p) + 1;
    case SCALE_SPEED_5:
        return past_speed(p) + 5;
    default:
        return 1;
    }
}

// Residuals of the training set, clustered; a mode is the mean path of its cluster, its probability
// the cluster's share.
static rml_status residuals_fit(rml_baseline *b, const rml_pasts *train, uint64_t seed,
                                rml_pool *pool, rml_error *err)
{
    size_t m = (size_t)b->steps * 2, count = train->count;
    rml_arena scratch = {0};
    double *paths = RML_NEW_ARRAY(&scratch, double, count *m);
    double *ends = RML_NEW_ARRAY(&scratch, double, count * 2);
    uint32_t *assignment = RML_NEW_ARRAY(&scratch, uint32_t, count);
    b->residuals = RML_NEW_ARRAY(&b->arena, double, b->modes *m);
    if (!paths || !ends || !assignment || !b->residuals) {
        rml_arena_reset(&scratch);
        return rml_fail_memory(err, count * m * sizeof(double));
    }
    for (size_t s = 0; s < count; s++) {
        past p = past_at(train, s);
        double *path = paths + s * m, scale = residual_scale(b, &p);
        base_predict(b, &p, path);
        for (size_t j = 0; j < m; j++) {
            path[j] = ((double)train->target_xy[s * m + j] - path[j]) / scale;
        }
        ends[2 * s] = path[m - 2];
        ends[2 * s + 1] = path[m - 1];
    }
    bool by_end = b->kind->cluster_by == BY_END;
    double inertia;
    rml_status st = rml_kmeans(by_end ? ends : paths, count, by_end ? 2 : m, b->modes, STARTS, seed,
                               pool, assignment, &inertia, err);
    for (size_t s = 0; st == RML_OK && s < count; s++) {
        b->probability[assignment[s]] += 1;
        double *residual = b->residuals + assignment[s] * m;
        for (size_t j = 0; j < m; j++) {
            residual[j] += paths[s * m + j];
        }
    }
    for (uint32_t k = 0; st == RML_OK && k < b->modes; k++) {
        for (size_t j = 0; j < m && b->probability[k] > 0; j++) {
            b->residuals[k * m + j] /= b->probability[k];
        }
        b->probability[k] /= (double)count;
    }
    rml_arena_reset(&scratch);
    return st;
}

rml_status rml_baseline_fit(const rml_baseline_kind *kind, const rml_pasts *train, uint32_t modes,
                            uint64_t seed, rml_pool *pool, rml_baseline **out, rml_error *err)
{
    *out = NULL;
    if (train->history < 3 || train->steps == 0 || modes == 0 || !(train->dt_s > 0)) {
        return rml_fail(err, RML_ERR_ARGUMENT, (rml_place){0}, NULL,
                        "expected a history of at least 3 samples, a future and a mode, found %u, "
                        "%u and %u",
                        train->history, train->steps, modes);
    }
    if (kind->blind && train->count == 0) {
        return rml_fail(err, RML_ERR_DATA, (rml_place){0}, "give the version a train split",
                        "expected training scenes to fit %s, found none", kind->name);
    }
    rml_baseline *b = rml_heap_make(sizeof *b);
    if (!b) {
        return rml_fail_memory(err, sizeof *b);
    }
    b->kind = kind;
    b->modes = kind->blind ? modes : 1;
    b->history = train->history;
    b->steps = train->steps;
    b->probability = RML_NEW_ARRAY(&b->arena, double, b->modes);
    rml_status st = b->probability ? RML_OK : rml_fail_memory(err, b->modes * sizeof(double));
    if (st == RML_OK && kind->base == BASE_RIDGE) {
        st = ridge_fit(b, train, err);
    }
    if (st == RML_OK && kind->blind) {
        st = residuals_fit(b, train, seed, pool, err);
    } else if (st == RML_OK) {
        b->probability[0] = 1;
    }
    if (st != RML_OK) {
        rml_baseline_free(b);
        return st;
    }
    *out = b;
    return RML_OK;
}

void rml_baseline_free(rml_baseline *b)
{
    if (b) {
        rml_arena_reset(&b->arena);
        rml_heap_free(b);
    }
}

const double *rml_baseline_residuals(const rml_baseline *b)
{
    return b->residuals;
}

rml_status rml_baseline_predict(const rml_baseline *b, const rml_pasts *pasts, rml_forecast *out,
                                rml_error *err)
{
    if (pasts->history != b->history || out->steps != b->steps || out->modes != b->modes ||
        out->count != pasts->count) {
        return rml_fail(
            err, RML_ERR_ARGUMENT, (rml_place){0}, NULL,
            "expected history %u and forecasts of %u modes and %u steps for %zu scenes, "
            "found %u, %u, %u and %zu",
            b->history, b->modes, b->steps, pasts->count, pasts->history, out->modes, out->steps,
            out->count);
    }
    size_t m = (size_t)b->steps * 2;
    double *base = rml_heap_make(m * sizeof *base);
    if (!base) {
        return rml_fail_memory(err, m * sizeof *base);
    }
    for (size_t s = 0; s < pasts->count; s++) {
        past p = past_at(pasts, s);
        base_predict(b, &p, base);
        double scale = residual_scale(b, &p);
        for (uint32_t k = 0; k < b->modes; k++) {
            float *xy = out->xy + (s * b->modes + k) * m;
            for (size_t j = 0; j < m; j++) {
                xy[j] = (float)(b->residuals ? base[j] + scale * b->residuals[k * m + j] : base[j]);
            }
            out->probability[s * b->modes + k] = (float)b->probability[k];
        }
    }
    rml_heap_free(base);
    return RML_OK;
}
