// The commands that train: `train` and `runs`.
#include <math.h>

#include "call.h"
#include "roadmill/store.h"
#include "roadmill/train.h"

enum { CONFIG_SIZE_MAX = 1 << 20, CURVE_SIZE_MAX = 64 << 20 };

static rml_status read_config(rml_call *call, rml_train_config *config, rml_error *err)
{
    rml_str text = {0};
    RML_TRY(rml_call_read(call, "CONFIG", CONFIG_SIZE_MAX, &text, err));
    RML_TRY(rml_train_config_parse(text, rml_call_text(call, "CONFIG"), config, err));
    if (rml_call_count(call, "seed") > 0) {
        config->seed = (uint64_t)rml_call_i64(call, "seed");
    }
    config->until = config->steps;
    if (rml_call_count(call, "until") > 0) {
        config->until = (uint64_t)rml_call_i64(call, "until");
    }
    return config->until <= config->steps
               ? RML_OK
               : rml_fail(err, RML_ERR_ARGUMENT, (rml_place){0}, NULL,
                          "expected --until between 1 and %llu, found \"%llu\"",
                          (unsigned long long)config->steps, (unsigned long long)config->until);
}

static rml_status open_version(rml_call *call, rml_train_config *config, rml_home **home,
                               rml_object_row *version, rml_dataset **d, rml_error *err)
{
    RML_TRY(read_config(call, config, err));
    RML_TRY(rml_call_home(call, false, home, err));
    RML_TRY(rml_call_object(call, "dataset", version, err));
    return rml_dataset_open_samples((*home)->store, version->hash, d, err);
}

static void write_result(rml_json_writer *w, rml_str version, const rml_train_result *r)
{
    rml_json_object(w);
    rml_json_kv_str(w, "run", rml_str_of(r->run));
    rml_json_kv_str(w, "dataset", version);
    rml_json_kv_str(w, "weights", rml_str_of(r->weights));
    rml_json_kv_bool(w, "already", r->already);
    rml_json_kv_i64(w, "steps", (int64_t)r->steps);
    rml_json_kv_i64(w, "resumed_at", (int64_t)r->resumed_at);
    rml_json_kv_f64(w, "loss_first", r->loss_first);
    rml_json_kv_f64(w, "loss_last", r->loss_last);
    rml_json_kv_f64(w, "loss_validation", r->loss_validation);
    rml_json_kv_f64(w, "seconds", r->seconds);
    rml_json_kv_f64(w, "first_step_s", r->first_step_s);
    rml_json_kv_f64(w, "checkpoint_stall_ms", r->checkpoint_stall_ms);
    rml_json_object_end(w);
}

// Of several processes the first gives the document.
static rml_status run_train(rml_call *call, rml_error *err)
{
    rml_home *home;
    rml_train_config config;
    rml_object_row version;
    rml_dataset *d;
    rml_train_result r;
    rml_ranks *ranks;
    RML_TRY(rml_call_ranks(call, &ranks, err));
    RML_TRY(rml_ranks_agree(ranks, open_version(call, &config, &home, &version, &d, err), err));
    rml_status st = rml_train_run_ranks(ranks, home->store, home->catalog, d, &config, call->pool,
                                        &call->progress, &r, err);
    rml_dataset_close(d);
    RML_TRY(st);
    if (rml_ranks_index(ranks) == 0) {
        write_result(&call->writer, version.hash, &r);
    }
    return RML_OK;
}

// ---- runs --------------------------------------------------------------------------------------

static rml_status write_run(rml_call *call, const rml_object_row *row, rml_error *err)
{
    const rml_json *body;
    rml_json_writer *w = &call->writer;
    RML_TRY(rml_call_body(call, row, &body, err));
    rml_json_object(w);
    rml_json_kv_str(w, "run", row->hash);
    rml_json_kv_ns(w, "created_ns", row->created_ns);
    rml_json_key(w, "body");
    rml_json_value(w, body);
    rml_json_object_end(w);
    return RML_OK;
}

static rml_status run_runs(rml_call *call, rml_error *err)
{
    rml_home *home;
    rml_array rows = RML_ARRAY(rml_object_row);
    RML_TRY(rml_call_home(call, false, &home, err));
    rml_status st = rml_catalog_list(home->catalog, "run", &call->arena, &rows, err);
    rml_json_list(&call->writer);
    for (size_t i = 0; st == RML_OK && i < rows.count; i++) {
        st = write_run(call, RML_AT(&rows, rml_object_row, i), err);
    }
    rml_json_list_end(&call->writer);
    rml_array_reset(&rows);
    return st;
}

static void write_curve(rml_json_writer *w, rml_str curve)
{
    static const char *const names[] = {"step", "loss", "validation_loss", "learning_rate",
                                        "gradient_norm"};
    rml_str line, rest = rml_str_cut(curve, '\n', &line);
    rml_json_list(w);
    while (rest.len > 0) {
        rest = rml_str_cut(rest, '\n', &line);
        rml_json_object(w);
        for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
            rml_str cell;
            double value;
            line = rml_str_cut(line, ',', &cell);
            rml_json_kv_f64(w, names[i], rml_parse_f64(cell, &value) ? value : NAN);
        }
        rml_json_object_end(w);
    }
    rml_json_list_end(w);
}

static rml_status read_curve(rml_call *call, const rml_home *home, rml_str run, rml_buffer *text,
                             rml_error *err)
{
    rml_str path = rml_arena_printf(&call->arena, "%.*s/runs/%.*s/curve.csv", RML_FMT(home->store),
                                    RML_FMT(run));
    return path.data != NULL ? rml_store_get(path, CURVE_SIZE_MAX, text, err)
                             : rml_fail_memory(err, home->store.len);
}

static rml_status run_show(rml_call *call, rml_error *err)
{
    rml_home *home;
    rml_object_row row;
    const rml_json *body;
    rml_buffer curve = {0};
    rml_json_writer *w = &call->writer;
    RML_TRY(rml_call_home(call, false, &home, err));
    RML_TRY(rml_call_object(call, "RUN", &row, err));
    RML_TRY(rml_call_body(call, &row, &body, err));
    rml_status st = read_curve(call, home, row.hash, &curve, err);
    rml_json_object(w);
    rml_json_kv_str(w, "run", row.hash);
    rml_json_key(w, "body");
    rml_json_value(w, body);
    rml_json_key(w, "curve");
    write_curve(w, rml_buffer_text(&curve));
    rml_json_object_end(w);
    rml_buffer_reset(&curve);
    return st;
}

// ---- The table ---------------------------------------------------------------------------------

static const rml_option train_arguments[] = {
    {"CONFIG", .type = RML_OPTION_PATH, .help = "YAML of docs/training.md", .required = true},
    {0},
};
static const rml_option train_options[] = {
    {"dataset", .type = RML_OPTION_NAME, .value = "NAME", .kind = "dataset", .required = true,
     .help = "version to train on: its name, or the start of its hash"},
    {"seed", .type = RML_OPTION_INT, .value = "N", .help = "of weights, order and noise",
     .otherwise = "that of the file, else 0", .high = RML_OPTION_MOST},
    {"until", .type = RML_OPTION_INT, .value = "STEP",
     .help = "stop after this step with a validation and a checkpoint, to go on later",
     .otherwise = "the last step", .low = 1, .high = RML_OPTION_MOST},
    {0},
};
static const rml_option show_arguments[] = {
    {"RUN", .type = RML_OPTION_NAME, .kind = "run", .help = "the start of its hash",
     .required = true},
    {0},
};
static const rml_view train_view[] = {
    {.line = "run {run:id}: {steps} steps[{already?} (done before)], loss {loss_first:.4g} to "
             "{loss_last:.4g}"
             "[, on validation {loss_validation:.4g}]; {seconds:.1f} s"},
    {.line = "[{weights!}next: the same command without --until goes on]"},
    {.line = "[weights {weights}]"},
    {.line = "[{weights?}next: roadmill eval --dataset {dataset:id} --run {run:id}]"},
    {0},
};
static const rml_view runs_view[] = {
    {.each = "",
     .table = "run:id | version=body.dataset:id | steps=body.steps | loss=body.loss_last:.4g | "
              "validation=body.loss_validation:.4g | made=created_ns:time"},
    {0},
};
static const rml_view show_view[] = {
    {.line = "run {run}", .json = "body"},
    {.each = "curve",
     .table = "step | loss | validation=validation_loss | learning_rate | gradient_norm"},
    {0},
};

const rml_command rml_train_commands[] = {
    {
        .name = "train",
        .summary = "train a model on a version; goes on where it was stopped",
        .example = "roadmill train examples/small.yaml --dataset merges --seed 1",
        .arguments = train_arguments,
        .options = train_options,
        .view = train_view,
        .run = run_train,
    },
    {
        .name = "runs",
        .summary = "list the trainings of this home",
        .example = "roadmill runs",
        .view = runs_view,
        .run = run_runs,
    },
    {
        .name = "runs show",
        .summary = "show a training with its curve",
        .example = "roadmill runs show 3f2a9c",
        .arguments = show_arguments,
        .view = show_view,
        .run = run_show,
    },
    {0},
};
