// The commands that train: `train` and `runs`.
#include <inttypes.h>
#include <math.h>

#include "command.h"
#include "roadmill/train.h"

enum { CONFIG_SIZE_MAX = 1 << 20, CURVE_SIZE_MAX = 64 << 20 };

static const rml_option train_options[] = {
    {"--dataset", "NAME", "version to train on: its name or the start of its hash"},
    {"--seed", "N", "seed of weights, order and noise (default: that of the file, else 0)"},
    {"--until", "STEP", "stop after this step with a validation and a checkpoint, to go on later"},
};

static rml_status read_text(rml_cli *cli, const char *path, size_t most, rml_str *out,
                            rml_error *err)
{
    rml_buffer text = {0};
    rml_status st = rml_store_get(rml_str_of(path), most, &text, err);
    if (st == RML_OK) {
        *out = rml_arena_str(&cli->arena, rml_buffer_text(&text));
        st = out->data ? RML_OK : rml_fail_memory(err, text.len);
    }
    rml_buffer_reset(&text);
    return st;
}

static rml_status read_config(rml_cli *cli, rml_train_config *config, rml_error *err)
{
    rml_str text;
    int64_t seed = -1;
    RML_TRY(read_text(cli, cli->arguments[0], CONFIG_SIZE_MAX, &text, err));
    RML_TRY(rml_train_config_parse(text, rml_str_of(cli->arguments[0]), config, err));
    RML_TRY(rml_cli_i64(cli, "--seed", 0, INT64_MAX / 2, &seed, err));
    if (seed >= 0) {
        config->seed = (uint64_t)seed;
    }
    int64_t until = (int64_t)config->steps;
    RML_TRY(rml_cli_i64(cli, "--until", 1, until, &until, err));
    config->until = (uint64_t)until;
    return RML_OK;
}

static void print_result(rml_cli *cli, rml_str version, const rml_train_result *r)
{
    rml_cli_print(cli, "run %.12s: %" PRIu64 " steps%s, loss %.4g to %.4g", r->run, r->steps,
                  r->already ? " (done before)" : "", r->loss_first, r->loss_last);
    if (!isnan(r->loss_validation)) {
        rml_cli_print(cli, ", on validation %.4g", r->loss_validation);
    }
    rml_cli_print(cli, "; %.1f s\n", r->seconds);
    if (r->weights[0] == '\0') {
        rml_cli_print(cli, "next: the same command without --until goes on\n");
        return;
    }
    rml_cli_print(cli, "weights %s\n", r->weights);
    rml_cli_print(cli, "next: roadmill eval --dataset %.12s --run %.12s\n", version.data, r->run);
}

static rml_status open_version(rml_cli *cli, const char *name, rml_train_config *config,
                               rml_home **home, rml_object_row *version, rml_dataset **d,
                               rml_error *err)
{
    RML_TRY(read_config(cli, config, err));
    RML_TRY(rml_cli_home(cli, false, home, err));
    RML_TRY(
        rml_catalog_get((*home)->catalog, "dataset", rml_str_of(name), &cli->arena, version, err));
    return rml_dataset_open_samples((*home)->store, version->hash, d, err);
}

static rml_status run_train(rml_cli *cli, rml_error *err)
{
    rml_home *home;
    rml_train_config config;
    rml_object_row version;
    rml_dataset *d;
    rml_train_result r;
    const char *name = rml_cli_value(cli, "--dataset");
    if (name == NULL) {
        return rml_fail(err, RML_ERR_ARGUMENT, (rml_place){0}, "roadmill dataset list shows them",
                        "expected --dataset NAME, found none");
    }
    rml_ranks *ranks;
    RML_TRY(rml_cli_ranks(cli, &ranks, err));
    RML_TRY(
        rml_ranks_agree(ranks, open_version(cli, name, &config, &home, &version, &d, err), err));
    rml_status st = rml_train_run_ranks(ranks, home->store, home->catalog, d, &config, cli->pool,
                                        &cli->progress, &r, err);
    rml_dataset_close(d);
    RML_TRY(st);
    if (rml_ranks_index(ranks) > 0) {
        return RML_OK;
    }
    if (cli->json) {
        rml_json_writer *w = &cli->writer;
        rml_json_object(w);
        rml_json_kv_str(w, "run", rml_str_of(r.run));
        rml_json_kv_str(w, "dataset", version.hash);
        rml_json_kv_str(w, "weights", rml_str_of(r.weights));
        rml_json_kv_bool(w, "already", r.already);
        rml_json_kv_i64(w, "steps", (int64_t)r.steps);
        rml_json_kv_i64(w, "resumed_at", (int64_t)r.resumed_at);
        rml_json_kv_f64(w, "loss_first", r.loss_first);
        rml_json_kv_f64(w, "loss_last", r.loss_last);
        rml_json_kv_f64(w, "loss_validation", r.loss_validation);
        rml_json_kv_f64(w, "seconds", r.seconds);
        rml_json_kv_f64(w, "first_step_s", r.first_step_s);
        rml_json_kv_f64(w, "checkpoint_stall_ms", r.checkpoint_stall_ms);
        rml_json_object_end(w);
    }
    print_result(cli, version.hash, &r);
    return RML_OK;
}

// ---- runs --------------------------------------------------------------------------------------

static rml_status parse_body(rml_cli *cli, const rml_object_row *row, const rml_json **out,
                             rml_error *err)
{
    return rml_json_parse(&cli->arena, row->body, RML_STR("catalog"), out, err);
}

static rml_status run_runs(rml_cli *cli, rml_error *err)
{
    static const char *const heads[] = {"run", "version", "steps", "loss", "validation", "made"};
    rml_home *home;
    rml_array rows = RML_ARRAY(rml_object_row);
    RML_TRY(rml_cli_home(cli, false, &home, err));
    rml_status st = rml_catalog_list(home->catalog, "run", &cli->arena, &rows, err);
    rml_cli_table table;
    rml_cli_table_begin(&table, heads, sizeof heads / sizeof *heads);
    rml_json_list(&cli->writer);
    for (size_t i = 0; st == RML_OK && i < rows.count; i++) {
        const rml_object_row *row = RML_AT(&rows, rml_object_row, i);
        const rml_json *body;
        st = parse_body(cli, row, &body, err);
        if (st != RML_OK) {
            break;
        }
        char made[40];
        rml_clock_text(row->created_ns, made);
        double validation = rml_json_get_f64(body, "loss_validation", NAN);
        rml_str version = rml_json_get_str(body, "dataset", RML_STR("-"));
        rml_cli_table_cell(cli, &table, "%.12s", row->hash.data);
        rml_cli_table_cell(cli, &table, "%.12s", version.data);
        rml_cli_table_cell(cli, &table, "%" PRId64, rml_json_get_i64(body, "steps", 0));
        rml_cli_table_cell(cli, &table, "%.4g", rml_json_get_f64(body, "loss_last", NAN));
        rml_cli_table_cell(cli, &table, isnan(validation) ? "-" : "%.4g", validation);
        rml_cli_table_cell(cli, &table, "%s", made);
        rml_json_object(&cli->writer);
        rml_json_kv_str(&cli->writer, "run", row->hash);
        rml_json_kv_ns(&cli->writer, "created_ns", row->created_ns);
        rml_json_key(&cli->writer, "body");
        rml_json_value(&cli->writer, body);
        rml_json_object_end(&cli->writer);
    }
    rml_json_list_end(&cli->writer);
    rml_cli_table_end(cli, &table);
    rml_array_reset(&rows);
    return st;
}

static void write_curve(rml_cli *cli, rml_str curve)
{
    static const char *const names[] = {"step", "loss", "validation_loss", "learning_rate",
                                        "gradient_norm"};
    rml_str line, rest = rml_str_cut(curve, '\n', &line);
    rml_json_list(&cli->writer);
    while (rest.len > 0) {
        rest = rml_str_cut(rest, '\n', &line);
        rml_json_object(&cli->writer);
        for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
            rml_str cell;
            double value;
            line = rml_str_cut(line, ',', &cell);
            rml_json_kv_f64(&cli->writer, names[i], rml_parse_f64(cell, &value) ? value : NAN);
        }
        rml_json_object_end(&cli->writer);
    }
    rml_json_list_end(&cli->writer);
}

static rml_status run_show(rml_cli *cli, rml_error *err)
{
    rml_home *home;
    rml_object_row row;
    const rml_json *body;
    rml_str curve;
    RML_TRY(rml_cli_home(cli, false, &home, err));
    RML_TRY(rml_catalog_get(home->catalog, "run", rml_str_of(cli->arguments[0]), &cli->arena, &row,
                            err));
    RML_TRY(parse_body(cli, &row, &body, err));
    rml_str path = rml_arena_printf(&cli->arena, "%.*s/runs/%.*s/curve.csv", RML_FMT(home->store),
                                    RML_FMT(row.hash));
    if (path.data == NULL) {
        return rml_fail_memory(err, home->store.len);
    }
    RML_TRY(read_text(cli, path.data, CURVE_SIZE_MAX, &curve, err));
    rml_json_object(&cli->writer);
    rml_json_kv_str(&cli->writer, "run", row.hash);
    rml_json_key(&cli->writer, "body");
    rml_json_value(&cli->writer, body);
    rml_json_key(&cli->writer, "curve");
    write_curve(cli, curve);
    rml_json_object_end(&cli->writer);
    rml_cli_print(cli, "run %.*s\n%.*s\n%.*s", RML_FMT(row.hash), RML_FMT(row.body),
                  RML_FMT(curve));
    return RML_OK;
}

static const rml_command commands[] = {
    {
        .name = "train",
        .arguments = "CONFIG",
        .summary = "train a model on a version; goes on where it was stopped",
        .example = "roadmill train examples/small.yaml --dataset merges --seed 1",
        .arguments_min = 1,
        .arguments_max = 1,
        .options = train_options,
        .option_count = sizeof train_options / sizeof *train_options,
        .run = run_train,
    },
    {
        .name = "runs",
        .arguments = "",
        .summary = "list the trainings of this home",
        .example = "roadmill runs",
        .run = run_runs,
    },
    {
        .name = "runs show",
        .arguments = "RUN",
        .summary = "show a training with its curve",
        .example = "roadmill runs show 3f2a9c",
        .arguments_min = 1,
        .arguments_max = 1,
        .run = run_show,
    },
};

const rml_command_group rml_train_commands = {commands, sizeof commands / sizeof *commands};
