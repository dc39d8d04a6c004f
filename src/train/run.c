// train: a run: named by all that goes into it, with checkpoints, a curve and the model at the end.
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "checkpoint.h"
#include "config.h"
#include "fault.h"
#include "model.h"
#include "roadmill/codec.h"
#include "saver.h"
#include "weights.h"

enum { CURVE_EVERY = 20, PREDICT_BATCH = 64, EXPLODED = 100 };

typedef struct run {
    const rml_dataset *dataset;
    rml_pool *pool;
    rml_ranks *ranks;
    bool first; // of the ranks: it alone reads and writes files
    const rml_progress *progress;
    rml_learner learner;
    rml_saver *saver;
    int64_t started_ns, saved_ns;
    rml_engine
        judge; // the same model without gradients, for the validation split; when it is needed
    rml_arena arena;
    rml_str folder, model, lock_path;
    rml_buffer curve;
    rml_lock lock;
    double loss_sum; // since the last point of the curve
    rml_train_result *result;
} run;

// ---- Name --------------------------------------------------------------------------------------

static rml_status name_text(const run *r, const rml_train_config *c, rml_buffer *text,
                            rml_error *err)
{
    rml_json_writer w;
    rml_json_writer_init(&w, text, err);
    rml_json_object(&w);
    rml_json_key(&w, "config");
    rml_json_object(&w);
    rml_train_config_write(c, true, &w);
    rml_json_object_end(&w);
    rml_json_kv_str(&w, "dataset", rml_dataset_hash(r->dataset));
    rml_json_kv_str(&w, "program", RML_STR(RML_VERSION));
    rml_json_object_end(&w);
    return rml_json_finish(&w);
}

static rml_status run_name(run *r, rml_str home, const rml_train_config *c, rml_error *err)
{
    rml_buffer text = {0};
    rml_hash hash;
    rml_status st = name_text(r, c, &text, err);
    st = st ? st : rml_json_text_hash(rml_buffer_text(&text), &hash, err);
    if (st == RML_OK) {
        rml_hash_text(&hash, r->result->run);
        r->folder = rml_arena_printf(&r->arena, "%.*s/runs/%s", RML_FMT(home), r->result->run);
        r->model = rml_arena_printf(&r->arena, "%s/model", r->folder.data);
        r->lock_path = rml_arena_printf(&r->arena, "%s/lock", r->folder.data);
        st = r->model.data && r->lock_path.data ? RML_OK : rml_fail_memory(err, 1);
    }
    rml_buffer_reset(&text);
    return st;
}

// ---- Curve -------------------------------------------------------------------------------------

// The judge with the weights of now. The first step does not wait for its making.
static rml_status take_judge(run *r, rml_error *err)
{
    if (r->judge.graph == NULL) {
        RML_TRY(rml_engine_make(&r->judge, &r->learner.engine.config, PREDICT_BATCH, NULL, NULL,
                                r->pool, err));
    }
    return rml_learner_weights(&r->learner, &r->judge, err);
}

static rml_status validate(run *r, double *loss, rml_error *err)
{
    *loss = NAN;
    if (rml_dataset_count(r->dataset, RML_VALIDATION) == 0) {
        return RML_OK;
    }
    RML_TRY(take_judge(r, err));
    return rml_engine_validate(&r->judge, r->dataset, r->pool, loss, err);
}

static rml_status curve_point(run *r, double validation, rml_error *err)
{
    char loss[RML_F64_TEXT], rate[RML_F64_TEXT], norm[RML_F64_TEXT], held[RML_F64_TEXT] = "";
    uint64_t over = r->learner.step % CURVE_EVERY ? r->learner.step % CURVE_EVERY : CURVE_EVERY;
    r->result->loss_last = r->loss_sum / (double)over;
    if (isnan(r->result->loss_first)) {
        r->result->loss_first = r->result->loss_last;
    }
    rml_format_f64(r->result->loss_last, loss);
    rml_format_f64(r->learner.rate, rate);
    rml_format_f64(r->learner.norm, norm);
    if (!isnan(validation)) {
        rml_format_f64(validation, held);
        r->result->loss_validation = validation;
        r->result->validated_at = r->learner.step;
    }
    r->loss_sum = 0;
    return rml_buffer_printf(&r->curve, err, "%" PRIu64 ",%s,%s,%s,%s\n", r->learner.step, loss,
                             held, rate, norm);
}

// The first and last numbers of a curve up to a step, for a run that was done before or goes on.
static void curve_read(rml_str curve, uint64_t until, rml_train_result *out)
{
    out->loss_first = out->loss_last = out->loss_validation = NAN;
    rml_str line, rest = rml_str_cut(curve, '\n', &line);
    while (rest.len > 0) {
        rest = rml_str_cut(rest, '\n', &line);
        rml_str step, loss, held, tail = rml_str_cut(line, ',', &step);
        tail = rml_str_cut(tail, ',', &loss);
        rml_str_cut(tail, ',', &held);
        double value;
        if (!rml_parse_f64(step, &value) || value > (double)until) {
            return;
        }
        out->steps = (uint64_t)value;
        if (rml_parse_f64(loss, &value)) {
            out->loss_last = value;
            out->loss_first = isnan(out->loss_first) ? value : out->loss_first;
        }
        if (rml_parse_f64(held, &value)) {
            out->loss_validation = value;
            out->validated_at = out->steps;
        }
    }
}

// ---- Training ----------------------------------------------------------------------------------

static rml_status run_start(run *r, rml_error *err)
{
    bool found = false;
    rml_status st =
        r->first ? rml_checkpoint_load(r->folder, &r->learner, &r->curve, &found, err) : RML_OK;
    RML_TRY(rml_ranks_agree(r->ranks, st, err));
    RML_TRY(rml_learner_share(&r->learner, err));
    r->result->resumed_at = r->learner.step;
    if (!found) {
        return rml_buffer_str(&r->curve, RML_STR(RML_CURVE_HEAD), err);
    }
    curve_read(rml_buffer_text(&r->curve), r->learner.engine.config.until, r->result);
    return RML_OK;
}

static rml_status run_save(run *r, rml_error *err)
{
    const rml_tensor *parameters;
    size_t count = rml_graph_parameters(r->learner.engine.graph, &parameters);
    RML_TRY(rml_leaves_gather(r->learner.leaves, parameters, count, err));
    if (!r->first) {
        return RML_OK;
    }
    r->saved_ns = rml_clock_monotonic_ns();
    RML_TRY(rml_saver_save(r->saver, &r->learner, rml_buffer_text(&r->curve), err));
    double stall_ms = (double)(rml_clock_monotonic_ns() - r->saved_ns) / 1e6;
    double *most = &r->result->checkpoint_stall_ms;
    *most = stall_ms > *most ? stall_ms : *most;
    return RML_OK;
}

// What rank 0 decides for all at a point of the curve.
typedef struct decision {
    bool stop, save, exploded;
} decision;

// A loss that is finite and yet beyond hope ends the run before it overwrites a good checkpoint.
static bool has_exploded(const run *r)
{
    return r->result->loss_last > EXPLODED * (fabs(r->result->loss_first) + 1);
}

// After the point of the curve. Only rank 0 has the first losses of a run that goes on.
static rml_status decide(run *r, decision *d, rml_error *err)
{
    const rml_train_config *c = &r->learner.engine.config;
    if (r->first) {
        RML_TRY(rml_saver_check(r->saver, err));
        double since_s = (double)(rml_clock_monotonic_ns() - r->saved_ns) / 1e9;
        *d = (decision){rml_progress_stop(r->progress),
                        c->checkpoint_s > 0 && since_s >= c->checkpoint_s, has_exploded(r)};
    }
    return rml_ranks_share(r->ranks, d, sizeof *d, err);
}

static rml_status run_stop(run *r, rml_error *err)
{
    RML_TRY(r->first ? rml_saver_wait(r->saver, err) : RML_OK);
    rml_status st = rml_fail(
        err, RML_ERR_STOPPED, (rml_place){0}, "run the same command again to go on",
        "stopped at step %" PRIu64 " of %" PRIu64, r->learner.step, r->learner.engine.config.steps);
    return rml_ranks_agree(r->ranks, st, err);
}

static rml_status run_exploded(run *r, rml_error *err)
{
    rml_augment a = {&r->learner, r->learner.stream};
    r->result->diverged = true;
    rml_status st = r->first
                        ? rml_fault_exploded(&a, r->result->loss_last, r->result->loss_first, err)
                        : RML_OK;
    return rml_ranks_agree(r->ranks, st, err);
}

static rml_status run_steps(run *r, rml_error *err)
{
    const rml_train_config *c = &r->learner.engine.config;
    r->saved_ns = rml_clock_monotonic_ns();
    while (r->learner.step < c->until) {
        double loss = 0;
        rml_status st = rml_learner_step(&r->learner, r->pool, &loss, err);
        r->result->diverged = r->learner.diverged;
        RML_TRY(st);
        uint64_t step = r->learner.step;
        r->loss_sum += loss;
        if (r->result->first_step_s == 0) {
            r->result->first_step_s = (double)(rml_clock_monotonic_ns() - r->started_ns) / 1e9;
        }
        bool at_end = step == c->until, at_point = step % CURVE_EVERY == 0;
        // A checkpoint stands at a point of the curve, so that nothing of it lies between.
        if (!at_point && !at_end) {
            continue;
        }
        decision d = {0};
        // Those that the clock asks for leave no trace in the curve.
        bool due = at_end || step % c->checkpoint_every < CURVE_EVERY;
        double validation = NAN;
        if (due && r->first) {
            RML_TRY(validate(r, &validation, err));
        }
        RML_TRY(curve_point(r, validation, err));
        RML_TRY(decide(r, &d, err));
        if (d.exploded) {
            return run_exploded(r, err);
        }
        rml_progress_report(r->progress, "training", (double)step, (double)c->steps, "steps");
        if (due || d.save || d.stop) {
            RML_TRY(run_save(r, err));
        }
        if (d.stop && !at_end) {
            return run_stop(r, err);
        }
    }
    return RML_OK;
}

// ---- End ---------------------------------------------------------------------------------------

static rml_status model_write(run *r, rml_error *err)
{
    RML_TRY(take_judge(r, err));
    return rml_model_save(r->folder, &r->judge, r->result->weights, err);
}

static rml_status catalog_put(run *r, rml_catalog *catalog, rml_error *err)
{
    rml_buffer body = {0};
    rml_json_writer w;
    rml_json_writer_init(&w, &body, err);
    rml_json_object(&w);
    rml_json_key(&w, "config");
    rml_json_object(&w);
    rml_train_config_write(&r->learner.engine.config, true, &w);
    rml_json_object_end(&w);
    rml_json_kv_str(&w, "dataset", rml_dataset_hash(r->dataset));
    rml_json_kv_f64(&w, "loss_first", r->result->loss_first);
    rml_json_kv_f64(&w, "loss_last", r->result->loss_last);
    rml_json_kv_f64(&w, "loss_validation", r->result->loss_validation);
    rml_json_kv_i64(&w, "steps", (int64_t)r->learner.step);
    rml_json_kv_str(&w, "weights", rml_str_of(r->result->weights));
    rml_json_object_end(&w);
    rml_status st = rml_json_finish(&w);
    rml_object_row row = {
        .kind = RML_STR("run"), .hash = rml_str_of(r->result->run), .body = rml_buffer_text(&body)};
    rml_edge edge = {row.hash, rml_dataset_hash(r->dataset), RML_STR("trained-on")};
    st = st ? st : rml_catalog_put(catalog, &row, err);
    st = st ? st : rml_catalog_link(catalog, &edge, err);
    rml_buffer_reset(&body);
    return st;
}

// The run was done before: what it gave.
static rml_status run_read(run *r, const rml_train_config *c, rml_error *err)
{
    rml_str weights = rml_arena_printf(&r->arena, "%s/weights.safetensors", r->model.data);
    rml_str curve = rml_arena_printf(&r->arena, "%s/curve.csv", r->folder.data);
    rml_object map;
    if (weights.data == NULL || curve.data == NULL) {
        return rml_fail_memory(err, 1);
    }
    RML_TRY(rml_object_open(&map, weights, err));
    rml_hash hash;
    rml_status st = rml_sha256(map.bytes.data, map.bytes.len, &hash);
    rml_object_close(&map);
    st = st ? st : rml_store_get(curve, (size_t)64 << 20, &r->curve, err);
    if (st == RML_OK) {
        rml_hash_text(&hash, r->result->weights);
        curve_read(rml_buffer_text(&r->curve), c->until, r->result);
        r->result->already = true;
        r->result->steps = c->until;
    }
    return st;
}

// Takes the run's folder; *done: it was trained before.
static rml_status run_take(run *r, bool *done, rml_error *err)
{
    rml_status st = RML_OK;
    *done = false;
    if (r->first) {
        st = rml_store_folder_make(r->folder, err);
        st = st ? st : rml_store_lock(&r->lock, r->lock_path, true, err);
        st = st ? st : rml_store_folder_has(r->model, done, err);
    }
    RML_TRY(rml_ranks_agree(r->ranks, st, err));
    return rml_ranks_share(r->ranks, done, sizeof *done, err);
}

static rml_status run_train(run *r, rml_catalog *catalog, const rml_train_config *c, rml_error *err)
{
    bool done;
    RML_TRY(run_take(r, &done, err));
    if (done) {
        r->learner.engine.config = *c;
        r->learner.step = c->steps;
        RML_TRY(r->first ? run_read(r, c, err) : RML_OK);
        return r->first && c->until == c->steps ? catalog_put(r, catalog, err) : RML_OK;
    }
    rml_status st = rml_learner_make(&r->learner, r->dataset, NULL, 0, c, r->ranks, r->pool, err);
    if (st == RML_OK && r->first) {
        st = rml_saver_make(r->folder, &r->learner, &r->saver, err);
    }
    RML_TRY(rml_ranks_agree(r->ranks, st, err));
    RML_TRY(run_start(r, err));
    RML_TRY(run_steps(r, err));
    r->result->steps = c->until;
    if (!r->first) {
        return RML_OK;
    }
    RML_TRY(rml_saver_wait(r->saver, err));
    if (c->until < c->steps) {
        return RML_OK;
    }
    // Again: a kill may have come between the last checkpoint and these, and no step follows it.
    RML_TRY(rml_checkpoint_curve(r->folder, rml_buffer_text(&r->curve), err));
    RML_TRY(model_write(r, err));
    return catalog_put(r, catalog, err);
}

rml_status rml_train_run(rml_str home, rml_catalog *catalog, const rml_dataset *dataset,
                         const rml_train_config *config, rml_pool *pool,
                         const rml_progress *progress, rml_train_result *out, rml_error *err)
{
    return rml_train_run_ranks(NULL, home, catalog, dataset, config, pool, progress, out, err);
}

rml_status rml_train_run_ranks(rml_ranks *ranks, rml_str home, rml_catalog *catalog,
                               const rml_dataset *dataset, const rml_train_config *config,
                               rml_pool *pool, const rml_progress *progress, rml_train_result *out,
                               rml_error *err)
{
    *out = (rml_train_result){.loss_first = NAN, .loss_last = NAN, .loss_validation = NAN};
    run r = {.dataset = dataset,
             .pool = pool,
             .ranks = ranks,
             .first = rml_ranks_index(ranks) == 0,
             .progress = progress,
             .started_ns = rml_clock_monotonic_ns(),
             .result = out};
    rml_train_config c;
    rml_status st = rml_train_config_fit(config, dataset, &c, err);
    st = st ? st : run_name(&r, home, &c, err);
    st = st ? st : run_train(&r, catalog, &c, err);
    out->seconds = (double)(rml_clock_monotonic_ns() - r.started_ns) / 1e9;
    rml_saver_free(r.saver);
    rml_lock_drop(&r.lock);
    if (r.learner.gradients != NULL) {
        rml_learner_free(&r.learner);
    }
    rml_engine_free(&r.judge);
    rml_buffer_reset(&r.curve);
    rml_arena_reset(&r.arena);
    return st;
}
