// The command that searches for good settings: `sweep`.
#include <math.h>

#include "call.h"
#include "roadmill/train/sweep.h"

enum { CONFIG_SIZE_MAX = 1 << 20 };

// The farthest first, of those the best.
static int by_rank(const void *a, const void *b, void *context)
{
    const rml_sweep_trial *trials = context;
    const rml_sweep_trial *x = &trials[*(const size_t *)a], *y = &trials[*(const size_t *)b];
    if (x->rung != y->rung) {
        return x->rung > y->rung ? -1 : 1;
    }
    return (x->loss > y->loss) - (x->loss < y->loss);
}

static rml_status rank(const rml_array *trials, rml_array *order, rml_error *err)
{
    size_t *index = rml_array_push_many(order, trials->count, err);
    if (index == NULL) {
        return RML_ERR_MEMORY;
    }
    for (size_t i = 0; i < trials->count; i++) {
        index[i] = i;
    }
    return rml_array_sort(order, by_rank, trials->data, err);
}

static void write_trial(rml_json_writer *w, const rml_sweep_config *c, size_t number,
                        const rml_sweep_trial *t)
{
    rml_json_object(w);
    rml_json_kv_i64(w, "trial", (int64_t)number);
    rml_json_kv_str(w, "run", rml_str_of(t->run));
    rml_json_kv_i64(w, "steps", (int64_t)rml_sweep_steps(c, t->rung));
    rml_json_kv_f64(w, "loss_validation", t->loss);
    rml_json_kv_bool(w, "diverged", !isfinite(t->loss));
    rml_json_key(w, "values");
    rml_json_object(w);
    for (size_t i = 0; i < c->axis_count; i++) {
        rml_json_key(w, c->axes[i].name);
        c->axes[i].boolean ? rml_json_bool(w, t->values[i] > 0) : rml_json_f64(w, t->values[i]);
    }
    rml_json_object_end(w);
    rml_json_object_end(w);
}

static rml_status write_result(rml_json_writer *w, rml_str version, const rml_sweep_config *c,
                               const rml_sweep_result *r, rml_error *err)
{
    rml_array order = RML_ARRAY(size_t);
    RML_TRY(rank(&r->trials, &order, err));
    const rml_sweep_trial *best = RML_AT(&r->trials, rml_sweep_trial, r->best);
    rml_json_object(w);
    rml_json_kv_str(w, "sweep", rml_str_of(r->sweep));
    rml_json_kv_str(w, "dataset", version);
    rml_json_kv_str(w, "best", rml_str_of(best->run));
    rml_json_kv_i64(w, "jobs", (int64_t)r->jobs);
    rml_json_kv_i64(w, "jobs_again", (int64_t)r->jobs_again);
    rml_json_key(w, "trials");
    rml_json_list(w);
    for (size_t i = 0; i < order.count; i++) {
        size_t trial = *RML_AT(&order, size_t, i);
        write_trial(w, c, trial + 1, RML_AT(&r->trials, rml_sweep_trial, trial));
    }
    rml_json_list_end(w);
    rml_json_kv_bool(w, "diverged", !isfinite(best->loss));
    rml_json_object_end(w);
    rml_array_reset(&order);
    return RML_OK;
}

static rml_status run_sweep(rml_call *call, rml_error *err)
{
    rml_home *home;
    rml_sweep_config config;
    rml_object_row version;
    rml_dataset *d;
    rml_sweep_result r;
    rml_str text = {0};
    size_t jobs = (size_t)rml_call_i64(call, "jobs");
    jobs = jobs > 0 ? jobs : rml_pool_threads(call->pool);
    RML_TRY(rml_call_read(call, "CONFIG", CONFIG_SIZE_MAX, &text, err));
    RML_TRY(rml_sweep_parse(text, rml_call_text(call, "CONFIG"), &config, err));
    RML_TRY(rml_call_home(call, false, &home, err));
    RML_TRY(rml_call_object(call, "dataset", &version, err));
    RML_TRY(rml_dataset_open_samples(home->store, version.hash, &d, err));
    rml_status st =
        rml_sweep_run(home->store, home->catalog, d, &config, jobs, &call->progress, &r, err);
    rml_dataset_close(d);
    st = st ? st : write_result(&call->writer, version.hash, &config, &r, err);
    rml_array_reset(&r.trials);
    return st;
}

static const rml_option arguments[] = {
    {"CONFIG", .type = RML_OPTION_PATH, .help = "YAML of docs/training.md, with what is searched",
     .required = true},
    {0},
};
static const rml_option options[] = {
    {"dataset", .type = RML_OPTION_NAME, .value = "NAME", .kind = "dataset", .required = true,
     .help = "version to train on: its name, or the start of its hash"},
    {"jobs", .type = RML_OPTION_INT, .value = "N", .help = "trainings at once, each by one thread",
     .otherwise = "one for each processor", .low = 1, .high = 1024},
    {0},
};
static const rml_view view[] = {
    {.each = "trials",
     .table = "trial | run:id | steps | validation=[{loss_validation:.4g}][{diverged?}diverged] | "
              "values.*"},
    {.line = "sweep {sweep:id}: {trials:count} trials, {jobs} trainings[{jobs_again?}, "
             "{jobs_again} of them done "
             "before]"},
    {.line = "[{diverged!}next: roadmill eval --dataset {dataset:id} --run {best:id}]"
             "[{diverged?}every trial diverged: search lower learning rates]"},
    {0},
};

const rml_command rml_sweep_commands[] = {
    {
        .name = "sweep",
        .summary = "search for good settings by many trainings; goes on where it was stopped",
        .example = "roadmill sweep examples/sweep.yaml --dataset merges --jobs 8",
        .arguments = arguments,
        .options = options,
        .view = view,
        .run = run_sweep,
    },
    {0},
};
