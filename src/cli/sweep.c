// The command that searches for good settings: `sweep`.
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "command.h"
#include "roadmill/train/sweep.h"

enum { CONFIG_SIZE_MAX = 1 << 20 };

static const rml_option sweep_options[] = {
    {"--dataset", "NAME", "version to train on: its name or the start of its hash"},
    {"--jobs", "N", "trainings at once, each by one thread (default: one for each processor)"},
};

static rml_status read_config(rml_cli *cli, rml_sweep_config *out, rml_error *err)
{
    rml_buffer text = {0};
    const char *path = cli->arguments[0];
    rml_status st = rml_store_get(rml_str_of(path), CONFIG_SIZE_MAX, &text, err);
    st = st ? st : rml_sweep_parse(rml_buffer_text(&text), rml_str_of(path), out, err);
    rml_buffer_reset(&text);
    return st;
}

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

static void write_value(rml_cli *cli, rml_cli_table *table, const rml_sweep_axis *a, double value)
{
    rml_json_key(&cli->writer, a->name);
    if (a->boolean) {
        rml_cli_table_cell(cli, table, "%s", value > 0 ? "true" : "false");
        rml_json_bool(&cli->writer, value > 0);
    } else {
        rml_cli_table_cell(cli, table, "%.4g", value);
        rml_json_f64(&cli->writer, value);
    }
}

static void write_trial(rml_cli *cli, rml_cli_table *table, const rml_sweep_config *c,
                        size_t number, const rml_sweep_trial *t)
{
    rml_json_writer *w = &cli->writer;
    uint64_t steps = rml_sweep_steps(c, t->rung);
    rml_cli_table_cell(cli, table, "%zu", number);
    rml_cli_table_cell(cli, table, "%.12s", t->run);
    rml_cli_table_cell(cli, table, "%" PRIu64, steps);
    rml_cli_table_cell(cli, table, isfinite(t->loss) ? "%.4g" : "diverged", t->loss);
    rml_json_object(w);
    rml_json_kv_i64(w, "trial", (int64_t)number);
    rml_json_kv_str(w, "run", rml_str_of(t->run));
    rml_json_kv_i64(w, "steps", (int64_t)steps);
    rml_json_kv_f64(w, "loss_validation", t->loss);
    rml_json_kv_bool(w, "diverged", !isfinite(t->loss));
    rml_json_key(w, "values");
    rml_json_object(w);
    for (size_t i = 0; i < c->axis_count; i++) {
        write_value(cli, table, &c->axes[i], t->values[i]);
    }
    rml_json_object_end(w);
    rml_json_object_end(w);
}

static rml_status write_result(rml_cli *cli, rml_str version, const rml_sweep_config *c,
                               const rml_sweep_result *r, rml_error *err)
{
    const char *heads[4 + RML_SWEEP_AXES] = {"trial", "run", "steps", "validation"};
    for (size_t i = 0; i < c->axis_count; i++) {
        heads[4 + i] = c->axes[i].name;
    }
    rml_array order = RML_ARRAY(size_t);
    RML_TRY(rank(&r->trials, &order, err));
    const rml_sweep_trial *best = RML_AT(&r->trials, rml_sweep_trial, r->best);
    rml_cli_table table;
    rml_cli_table_begin(&table, heads, 4 + c->axis_count);
    rml_json_object(&cli->writer);
    rml_json_kv_str(&cli->writer, "sweep", rml_str_of(r->sweep));
    rml_json_kv_str(&cli->writer, "dataset", version);
    rml_json_kv_str(&cli->writer, "best", rml_str_of(best->run));
    rml_json_kv_i64(&cli->writer, "jobs", (int64_t)r->jobs);
    rml_json_kv_i64(&cli->writer, "jobs_again", (int64_t)r->jobs_again);
    rml_json_key(&cli->writer, "trials");
    rml_json_list(&cli->writer);
    for (size_t i = 0; i < order.count; i++) {
        size_t trial = *RML_AT(&order, size_t, i);
        write_trial(cli, &table, c, trial + 1, RML_AT(&r->trials, rml_sweep_trial, trial));
    }
    rml_json_list_end(&cli->writer);
    rml_json_object_end(&cli->writer);
    rml_cli_table_end(cli, &table);
    rml_array_reset(&order);
    rml_cli_print(cli, "sweep %.12s: %zu trials, %zu trainings", r->sweep, r->trials.count,
                  r->jobs);
    rml_cli_print(cli, r->jobs_again > 0 ? ", %zu of them done before\n" : "\n", r->jobs_again);
    if (isfinite(best->loss)) {
        rml_cli_print(cli, "next: roadmill eval --dataset %.12s --run %.12s\n", version.data,
                      best->run);
    } else {
        rml_cli_print(cli, "every trial diverged: search lower learning rates\n");
    }
    return RML_OK;
}

static rml_status run_sweep(rml_cli *cli, rml_error *err)
{
    rml_home *home;
    rml_sweep_config config;
    rml_object_row version;
    rml_dataset *d;
    rml_sweep_result r;
    const char *name = rml_cli_value(cli, "--dataset");
    int64_t jobs = (int64_t)rml_pool_threads(cli->pool);
    if (name == NULL) {
        return rml_fail(err, RML_ERR_ARGUMENT, (rml_place){0}, "roadmill dataset list shows them",
                        "expected --dataset NAME, found none");
    }
    RML_TRY(rml_cli_i64(cli, "--jobs", 1, 1024, &jobs, err));
    RML_TRY(read_config(cli, &config, err));
    RML_TRY(rml_cli_home(cli, false, &home, err));
    RML_TRY(
        rml_catalog_get(home->catalog, "dataset", rml_str_of(name), &cli->arena, &version, err));
    RML_TRY(rml_dataset_open_samples(home->store, version.hash, &d, err));
    rml_status st = rml_sweep_run(home->store, home->catalog, d, &config, (size_t)jobs,
                                  &cli->progress, &r, err);
    rml_dataset_close(d);
    st = st ? st : write_result(cli, version.hash, &config, &r, err);
    rml_array_reset(&r.trials);
    return st;
}

static const rml_command commands[] = {
    {
        .name = "sweep",
        .arguments = "CONFIG",
        .summary = "search for good settings by many trainings; goes on where it was stopped",
        .example = "roadmill sweep examples/sweep.yaml --dataset merges --jobs 8",
        .arguments_min = 1,
        .arguments_max = 1,
        .options = sweep_options,
        .option_count = sizeof sweep_options / sizeof *sweep_options,
        .run = run_sweep,
    },
};

const rml_command_group rml_sweep_commands = {commands, sizeof commands / sizeof *commands};
