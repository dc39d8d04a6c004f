// The command that makes a run compute in int8: `quantize`.
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "command.h"
#include "roadmill/train/quantize.h"

#define KEEP_MAX 32

static const rml_option quantize_options[] = {
    {"--dataset", "NAME", "version to calibrate on: its name or the start of its hash"},
    {"--all", NULL, "also the layers before and behind the blocks; they stay float32 otherwise"},
    {"--keep", "LAYER", "leave layers of this name, or whose name begins so, in float32; repeats"},
    {"--samples", "N", "calibration scenes, spread over the train split (default 512)"},
    {"--no-equalise", NULL, "do not equalise channels"},
    {"--no-correct", NULL, "do not correct biases"},
};

static void write_layer(rml_cli *cli, rml_cli_table *table, const rml_quantized_layer *l)
{
    rml_json_writer *w = &cli->writer;
    rml_cli_table_cell(cli, table, "%s", l->name);
    rml_cli_table_cell(cli, table, "%s", l->int8 ? "int8" : "float32");
    rml_cli_table_cell(cli, table, "%.4g to %.4g", l->low, l->high);
    rml_cli_table_cell(cli, table, l->int8 ? "%.2f %%" : "-", 100 * l->input_error);
    rml_cli_table_cell(cli, table, l->int8 ? "%.2f %%" : "-", 100 * l->weight_error);
    rml_cli_table_cell(cli, table, "%s", l->equalised ? "yes" : "-");
    rml_cli_table_cell(cli, table, "%s", l->corrected ? "yes" : "-");
    rml_json_object(w);
    rml_json_kv_str(w, "name", rml_str_of(l->name));
    rml_json_kv_bool(w, "int8", l->int8);
    rml_json_kv_f64(w, "low", l->low);
    rml_json_kv_f64(w, "high", l->high);
    rml_json_kv_f64(w, "scale", l->int8 ? l->scale : NAN);
    rml_json_kv_i64(w, "zero", l->zero);
    rml_json_kv_f64(w, "input_error", l->int8 ? l->input_error : NAN);
    rml_json_kv_f64(w, "weight_error", l->int8 ? l->weight_error : NAN);
    rml_json_kv_bool(w, "equalised", l->equalised);
    rml_json_kv_bool(w, "corrected", l->corrected);
    rml_json_object_end(w);
}

static void write_tensors(rml_cli *cli, const rml_quantize_result *r)
{
    rml_json_writer *w = &cli->writer;
    size_t bytes[2] = {0, 0}, count[2] = {0, 0};
    rml_json_key(w, "tensors");
    rml_json_list(w);
    for (size_t i = 0; i < r->tensors.count; i++) {
        const rml_quantized_tensor *t = RML_AT(&r->tensors, rml_quantized_tensor, i);
        bool int8 = strcmp(t->type, "int8") == 0;
        count[int8]++;
        bytes[int8] += int8 ? t->elements : 4 * t->elements;
        rml_json_object(w);
        rml_json_kv_str(w, "name", rml_str_of(t->name));
        rml_json_kv_str(w, "type", rml_str_of(t->type));
        rml_json_kv_str(w, "why", rml_str_of(t->why));
        rml_json_kv_i64(w, "elements", (int64_t)t->elements);
        rml_json_object_end(w);
    }
    rml_json_list_end(w);
    rml_cli_print(cli, "%zu tensors = %zu int8 (%zu bytes) + %zu float32 (%zu bytes)\n",
                  r->tensors.count, count[1], bytes[1], count[0], bytes[0]);
}

static void write_result(rml_cli *cli, rml_str version, rml_str from, const rml_quantize_result *r)
{
    static const char *const heads[] = {"layer",        "type",      "input",    "input error",
                                        "weight error", "equalised", "corrected"};
    rml_json_writer *w = &cli->writer;
    rml_cli_table table;
    rml_json_object(w);
    rml_json_kv_str(w, "run", rml_str_of(r->run));
    rml_json_kv_str(w, "from", from);
    rml_json_kv_str(w, "dataset", version);
    rml_json_kv_str(w, "weights", rml_str_of(r->weights));
    rml_json_kv_f64(w, "loss_validation", r->loss_validation);
    rml_json_kv_f64(w, "loss_validation_before", r->loss_validation_before);
    rml_json_key(w, "layers");
    rml_json_list(w);
    rml_cli_table_begin(&table, heads, sizeof heads / sizeof *heads);
    for (size_t i = 0; i < r->layers.count; i++) {
        write_layer(cli, &table, RML_AT(&r->layers, rml_quantized_layer, i));
    }
    rml_json_list_end(w);
    rml_cli_table_end(cli, &table);
    write_tensors(cli, r);
    rml_json_object_end(w);
    rml_cli_print(cli, "run %.12s", r->run);
    if (!isnan(r->loss_validation)) {
        rml_cli_print(cli, ": on validation %.4g, before %.4g", r->loss_validation,
                      r->loss_validation_before);
    }
    rml_cli_print(cli, "\nnext: roadmill eval --dataset %.12s --run %.12s --against %.12s\n",
                  version.data, r->run, from.data);
}

static rml_status run_quantize(rml_cli *cli, rml_error *err)
{
    rml_home *home;
    rml_object_row version, run;
    rml_dataset *d;
    rml_quantize_result r;
    const char *keep[KEEP_MAX], *name = rml_cli_value(cli, "--dataset");
    int64_t samples = 512;
    rml_quantize_options options = {.keep = keep,
                                    .all = rml_cli_flag(cli, "--all"),
                                    .no_equalise = rml_cli_flag(cli, "--no-equalise"),
                                    .no_correct = rml_cli_flag(cli, "--no-correct")};
    if (name == NULL) {
        return rml_fail(err, RML_ERR_ARGUMENT, (rml_place){0}, "roadmill dataset list shows them",
                        "expected --dataset NAME, found none");
    }
    while (options.keep_count < KEEP_MAX &&
           (keep[options.keep_count] = rml_cli_value_at(cli, "--keep", options.keep_count))) {
        options.keep_count++;
    }
    RML_TRY(rml_cli_i64(cli, "--samples", 1, 1000000, &samples, err));
    options.samples = (uint32_t)samples;
    RML_TRY(rml_cli_home(cli, false, &home, err));
    rml_catalog *catalog = home->catalog;
    RML_TRY(rml_catalog_get(catalog, "dataset", rml_str_of(name), &cli->arena, &version, err));
    RML_TRY(rml_catalog_get(catalog, "run", rml_str_of(cli->arguments[0]), &cli->arena, &run, err));
    RML_TRY(rml_dataset_open(home->store, version.hash, &d, err));
    rml_status st =
        rml_train_quantize(home->store, catalog, run.hash, d, &options, cli->pool, &r, err);
    rml_dataset_close(d);
    RML_TRY(st);
    write_result(cli, version.hash, run.hash, &r);
    rml_quantize_result_free(&r);
    return RML_OK;
}

static const rml_command commands[] = {
    {
        .name = "quantize",
        .arguments = "RUN",
        .summary = "make a run that computes in int8 from one in float32, without training",
        .example = "roadmill quantize 3f2a9c --dataset merges",
        .arguments_min = 1,
        .arguments_max = 1,
        .options = quantize_options,
        .option_count = sizeof quantize_options / sizeof *quantize_options,
        .run = run_quantize,
    },
};

const rml_command_group rml_quantize_commands = {commands, sizeof commands / sizeof *commands};
