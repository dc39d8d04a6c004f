// The command that makes a run compute in int8: `quantize`.
#include <math.h>
#include <string.h>

#include "call.h"
#include "roadmill/train/quantize.h"

static void write_layer(rml_json_writer *w, const rml_quantized_layer *l)
{
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

// Every tensor, then how many there are of each type.
static void write_tensors(rml_json_writer *w, const rml_quantize_result *r)
{
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
    static const char *const types[] = {"float32", "int8"};
    for (size_t k = 0; k < 2; k++) {
        rml_json_key(w, types[k]);
        rml_json_object(w);
        rml_json_kv_i64(w, "tensors", (int64_t)count[k]);
        rml_json_kv_i64(w, "bytes", (int64_t)bytes[k]);
        rml_json_object_end(w);
    }
}

static void write_result(rml_json_writer *w, rml_str version, rml_str from,
                         const rml_quantize_result *r)
{
    rml_json_object(w);
    rml_json_kv_str(w, "run", rml_str_of(r->run));
    rml_json_kv_str(w, "from", from);
    rml_json_kv_str(w, "dataset", version);
    rml_json_kv_str(w, "weights", rml_str_of(r->weights));
    rml_json_kv_f64(w, "loss_validation", r->loss_validation);
    rml_json_kv_f64(w, "loss_validation_before", r->loss_validation_before);
    rml_json_key(w, "layers");
    rml_json_list(w);
    for (size_t i = 0; i < r->layers.count; i++) {
        write_layer(w, RML_AT(&r->layers, rml_quantized_layer, i));
    }
    rml_json_list_end(w);
    write_tensors(w, r);
    rml_json_object_end(w);
}

static rml_status run_quantize(rml_call *call, rml_error *err)
{
    rml_home *home;
    rml_object_row version, run;
    rml_dataset *d;
    rml_quantize_result r;
    size_t count = rml_call_count(call, "keep");
    const char **keep = RML_NEW_ARRAY(&call->arena, const char *, count + 1);
    if (keep == NULL) {
        return rml_fail_memory(err, count * sizeof *keep);
    }
    for (size_t i = 0; i < count; i++) {
        keep[i] = rml_call_at(call, "keep", i).data;
    }
    const rml_quantize_options options = {.keep = keep,
                                          .keep_count = count,
                                          .all = rml_call_flag(call, "all"),
                                          .samples = (uint32_t)rml_call_i64(call, "samples"),
                                          .no_equalise = rml_call_flag(call, "no-equalise"),
                                          .no_correct = rml_call_flag(call, "no-correct")};
    RML_TRY(rml_call_home(call, false, &home, err));
    RML_TRY(rml_call_object(call, "dataset", &version, err));
    RML_TRY(rml_call_object(call, "RUN", &run, err));
    RML_TRY(rml_dataset_open(home->store, version.hash, &d, err));
    rml_status st =
        rml_train_quantize(home->store, home->catalog, run.hash, d, &options, call->pool, &r, err);
    rml_dataset_close(d);
    RML_TRY(st);
    write_result(&call->writer, version.hash, run.hash, &r);
    rml_quantize_result_free(&r);
    return RML_OK;
}

static const rml_option arguments[] = {
    {"RUN", .type = RML_OPTION_NAME, .kind = "run", .help = "the start of its hash",
     .required = true},
    {0},
};
static const rml_option options[] = {
    {"dataset", .type = RML_OPTION_NAME, .value = "NAME", .kind = "dataset", .required = true,
     .help = "version to calibrate on: its name, or the start of its hash"},
    {"all", .help = "also the layers before and behind the blocks; they stay float32 otherwise"},
    {"keep", .type = RML_OPTION_TEXT, .value = "LAYER",
     .help = "leave layers of this name, or whose name begins so, in float32", .repeated = true},
    {"samples", .type = RML_OPTION_INT, .value = "N",
     .help = "calibration scenes, spread over the train split", .fallback = "512", .low = 1,
     .high = 1000000},
    {"no-equalise", .help = "do not equalise channels"},
    {"no-correct", .help = "do not correct biases"},
    {0},
};
static const rml_view view[] = {
    {.each = "layers",
     .table = "layer=name | type=[{int8?}int8][{int8!}float32] | input={low:.4g} to {high:.4g} | "
              "input error=[{input_error:.2f*100} %] | weight error=[{weight_error:.2f*100} %] | "
              "equalised:yes | "
              "corrected:yes"},
    {.line = "{tensors:count} tensors = {int8.tensors} int8 ({int8.bytes} bytes) + "
             "{float32.tensors} float32 "
             "({float32.bytes} bytes)"},
    {.line = "run {run:id}[: on validation {loss_validation:.4g}, before "
             "{loss_validation_before:.4g}]"},
    {.line = "next: roadmill eval --dataset {dataset:id} --run {run:id} --against {from:id}"},
    {0},
};

const rml_command rml_quantize_commands[] = {
    {
        .name = "quantize",
        .summary = "make a run that computes in int8 from one in float32, without training",
        .example = "roadmill quantize 3f2a9c --dataset merges",
        .arguments = arguments,
        .options = options,
        .view = view,
        .run = run_quantize,
    },
    {0},
};
