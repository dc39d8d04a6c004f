// The command that shows what a model's plan does and where its time goes: `graph show`.
#include <inttypes.h>
#include <stdio.h>

#include "call.h"
#include "graph_plot.h"
#include "roadmill/store.h"
#include "roadmill/train.h"

enum { RUNS = 50 };

static void write_rows(rml_json_writer *w, const rml_plan_row *rows, size_t count,
                       const rml_roofline *roof, double total_s)
{
    rml_json_key(w, "ops");
    rml_json_list(w);
    for (size_t i = 0; i < count; i++) {
        const rml_plan_row *r = &rows[i];
        rml_json_object(w);
        rml_json_kv_str(w, "op", rml_str_of(r->op));
        rml_json_key(w, "shape");
        rml_json_list(w);
        for (uint32_t k = 0; k < r->shape.rank; k++) {
            rml_json_i64(w, r->shape.size[k]);
        }
        rml_json_list_end(w);
        rml_json_kv_i64(w, "tiles", (int64_t)r->tiles);
        rml_json_kv_i64(w, "flop", (int64_t)r->flop);
        rml_json_kv_i64(w, "bytes", (int64_t)r->bytes);
        rml_json_kv_f64(w, "seconds", r->seconds);
        rml_json_kv_f64(w, "roofline_share", rml_roofline_share(r, roof));
        rml_json_kv_f64(w, "flop_per_s", r->seconds > 0 ? (double)r->flop / r->seconds : 0);
        rml_json_kv_f64(w, "time_share", total_s > 0 ? r->seconds / total_s : 0);
        rml_json_object_end(w);
    }
    rml_json_list_end(w);
}

static rml_status plot(rml_call *call, rml_str hash, int64_t batch, const rml_plan_row *rows,
                       size_t count, const rml_roofline *roof, double total_s, rml_error *err)
{
    const char *path = rml_call_path(call, "plot");
    rml_buffer svg = {0};
    char title[120];
    if (path == NULL) {
        return RML_OK;
    }
    snprintf(title, sizeof title, "plan of %.12s, batch %" PRId64 ": %.3f ms", hash.data, batch,
             1e3 * total_s);
    rml_status st = rml_graph_plot(title, rows, count, roof, &svg, err);
    st = st ? st : rml_store_put(rml_str_of(path), rml_buffer_bytes(&svg), err);
    rml_buffer_reset(&svg);
    return st;
}

static rml_status show(rml_call *call, rml_str hash, rml_runner *runner, int64_t batch,
                       rml_error *err)
{
    rml_plan *plan;
    rml_runner_graph(runner, &plan);
    size_t count = rml_plan_rows(plan, NULL);
    rml_plan_row *rows = RML_NEW_ARRAY(&call->arena, rml_plan_row, count + 1);
    if (rows == NULL) {
        return rml_fail_memory(err, count * sizeof *rows);
    }
    rml_plan_rows(plan, rows);
    rml_roofline roof = rml_plan_roofline(plan);
    RML_TRY(rml_plan_freeze(plan, NULL, err));
    rml_plan_measure(plan, NULL, RUNS, rows);
    double total_s = 0;
    size_t flop = 0;
    for (size_t i = 0; i < count; i++) {
        total_s += rows[i].seconds;
        flop += rows[i].flop;
    }
    rml_json_writer *w = &call->writer;
    rml_json_object(w);
    rml_json_kv_str(w, "run", hash);
    rml_json_kv_i64(w, "batch", batch);
    rml_json_kv_str(w, "kernels", rml_str_of(roof.kernels));
    rml_json_kv_f64(w, "peak_flop_per_s", roof.flop_per_s);
    rml_json_kv_f64(w, "peak_bytes_per_s", roof.bytes_per_s);
    rml_json_kv_i64(w, "plan_bytes", (int64_t)rml_plan_bytes(plan));
    rml_json_kv_i64(w, "flop", (int64_t)flop);
    rml_json_kv_f64(w, "seconds", total_s);
    write_rows(w, rows, count, &roof, total_s);
    rml_json_kv_f64(w, "floor_seconds", (double)flop / roof.flop_per_s);
    rml_json_object_end(w);
    return plot(call, hash, batch, rows, count, &roof, total_s, err);
}

static rml_status run_show(rml_call *call, rml_error *err)
{
    rml_str hash, folder;
    rml_runner *runner = NULL;
    int64_t batch = rml_call_i64(call, "batch");
    RML_TRY(rml_call_model(call, "RUN|MODEL", &hash, &folder, err));
    RML_TRY(rml_runner_open(folder.data, (uint32_t)batch, &runner, err));
    rml_status st = show(call, hash, runner, batch, err);
    rml_runner_close(runner);
    return st;
}

static const rml_option arguments[] = {
    {"RUN|MODEL", .type = RML_OPTION_NAME, .kind = "model|run",
     .help = "a model, or the start of the hash of a run", .required = true},
    {0},
};
static const rml_option options[] = {
    {"batch", .type = RML_OPTION_INT, .value = "N", .help = "scenes at once", .fallback = "1",
     .low = 1, .high = 4096},
    {"plot", .type = RML_OPTION_PATH, .value = "FILE", .help = "draw it as SVG"},
    {0},
};
static const rml_view view[] = {
    {.each = "ops",
     .table =
         "op | shape:x | tiles | MFLOP=flop:.3f*1e-6 | kB=bytes:.1f*1e-3 | us=seconds:.1f*1e6 | "
         "GFLOP/s=flop_per_s:.1f*1e-9 | roofline={roofline_share:.0f*100} % | "
         "of time={time_share:.1f*100} % {time_share:bar}"},
    {.line = "{ops:count} ops, batch {batch}, one thread, kernels {kernels}: {seconds:.3f*1e3} ms; "
             "{flop:.1f*1e-6} "
             "MFLOP, whose floor is {floor_seconds:.3f*1e3} ms at {peak_flop_per_s:.1f*1e-9} "
             "GFLOP/s; copies "
             "{peak_bytes_per_s:.1f*1e-9} GB/s; plan {plan_bytes:.1f*1e-6} MB"},
    {.line = "[drawn to {$plot}]"},
    {0},
};

const rml_command rml_graph_commands[] = {
    {
        .name = "graph show",
        .summary = "show the plan of a model: each op with its work, its time and its roofline",
        .example = "roadmill graph show predictor",
        .arguments = arguments,
        .options = options,
        .view = view,
        .run = run_show,
    },
    {0},
};
