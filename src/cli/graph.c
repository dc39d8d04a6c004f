// The command that shows what a model's plan does and where its time goes: `graph show`.
#include <inttypes.h>
#include <stdio.h>

#include "command.h"
#include "graph_plot.h"
#include "roadmill/train.h"

enum { RUNS = 50, BAR = 24 };

static const rml_option options[] = {
    {"--batch", "N", "scenes at once (default 1)"},
    {"--plot", "FILE", "draw it as SVG"},
};

static void print_rows(rml_cli *cli, const rml_plan_row *rows, size_t count,
                       const rml_roofline *roof, double total_s)
{
    static const char *const heads[] = {"op", "shape",   "tiles",    "MFLOP",  "kB",
                                        "us", "GFLOP/s", "roofline", "of time"};
    rml_cli_table table;
    rml_cli_table_begin(&table, heads, sizeof heads / sizeof *heads);
    for (size_t i = 0; i < count; i++) {
        const rml_plan_row *r = &rows[i];
        char shape[80], bar[BAR + 1];
        double share = total_s > 0 ? r->seconds / total_s : 0;
        size_t length = (size_t)(share * BAR + 0.5);
        for (size_t k = 0; k < BAR; k++) {
            bar[k] = k < length ? '#' : '\0';
        }
        bar[BAR] = '\0';
        rml_size_text(&r->shape, shape);
        rml_cli_table_cell(cli, &table, "%s", r->op);
        rml_cli_table_cell(cli, &table, "%s", shape);
        rml_cli_table_cell(cli, &table, "%zu", r->tiles);
        rml_cli_table_cell(cli, &table, "%.3f", (double)r->flop / 1e6);
        rml_cli_table_cell(cli, &table, "%.1f", (double)r->bytes / 1e3);
        rml_cli_table_cell(cli, &table, "%.1f", r->seconds * 1e6);
        rml_cli_table_cell(cli, &table, "%.1f",
                           r->seconds > 0 ? (double)r->flop / r->seconds / 1e9 : 0);
        rml_cli_table_cell(cli, &table, "%.0f %%", 100 * rml_roofline_share(r, roof));
        rml_cli_table_cell(cli, &table, "%4.1f %% %s", 100 * share, bar);
    }
    rml_cli_table_end(cli, &table);
}

static void write_rows(rml_cli *cli, const rml_plan_row *rows, size_t count,
                       const rml_roofline *roof)
{
    rml_json_writer *w = &cli->writer;
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
        rml_json_object_end(w);
    }
    rml_json_list_end(w);
}

static rml_status plot(rml_cli *cli, rml_str hash, int64_t batch, const rml_plan_row *rows,
                       size_t count, const rml_roofline *roof, double total_s, rml_error *err)
{
    const char *path = rml_cli_value(cli, "--plot");
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
    if (st == RML_OK) {
        rml_cli_print(cli, "drawn to %s\n", path);
    }
    return st;
}

static rml_status show(rml_cli *cli, rml_str hash, rml_runner *runner, int64_t batch,
                       rml_error *err)
{
    rml_plan *plan;
    rml_runner_graph(runner, &plan);
    size_t count = rml_plan_rows(plan, NULL);
    rml_plan_row *rows = RML_NEW_ARRAY(&cli->arena, rml_plan_row, count + 1);
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
    double floor_s = (double)flop / roof.flop_per_s;
    rml_json_writer *w = &cli->writer;
    rml_json_object(w);
    rml_json_kv_str(w, "run", hash);
    rml_json_kv_i64(w, "batch", batch);
    rml_json_kv_str(w, "kernels", rml_str_of(roof.kernels));
    rml_json_kv_f64(w, "peak_flop_per_s", roof.flop_per_s);
    rml_json_kv_f64(w, "peak_bytes_per_s", roof.bytes_per_s);
    rml_json_kv_i64(w, "plan_bytes", (int64_t)rml_plan_bytes(plan));
    rml_json_kv_i64(w, "flop", (int64_t)flop);
    rml_json_kv_f64(w, "seconds", total_s);
    write_rows(cli, rows, count, &roof);
    rml_json_object_end(w);
    print_rows(cli, rows, count, &roof, total_s);
    rml_cli_print(cli,
                  "%zu ops, batch %" PRId64 ", one thread, kernels %s: %.3f ms; %.1f MFLOP, whose "
                  "floor is %.3f ms at %.1f GFLOP/s; copies %.1f GB/s; plan %.1f MB\n",
                  count, batch, roof.kernels, 1e3 * total_s, (double)flop / 1e6, 1e3 * floor_s,
                  roof.flop_per_s / 1e9, roof.bytes_per_s / 1e9,
                  (double)rml_plan_bytes(plan) / 1e6);
    return plot(cli, hash, batch, rows, count, &roof, total_s, err);
}

static rml_status run_show(rml_cli *cli, rml_error *err)
{
    rml_home *home;
    rml_str hash, folder;
    rml_runner *runner = NULL;
    int64_t batch = 1;
    RML_TRY(rml_cli_i64(cli, "--batch", 1, 4096, &batch, err));
    RML_TRY(rml_cli_home(cli, false, &home, err));
    RML_TRY(rml_cli_model(cli, home, &hash, &folder, err));
    RML_TRY(rml_runner_open(folder.data, (uint32_t)batch, &runner, err));
    rml_status st = show(cli, hash, runner, batch, err);
    rml_runner_close(runner);
    return st;
}

static const rml_command commands[] = {
    {
        .name = "graph show",
        .arguments = "RUN|MODEL",
        .summary = "show the plan of a model: each op with its work, its time and its roofline",
        .example = "roadmill graph show predictor",
        .arguments_min = 1,
        .arguments_max = 1,
        .options = options,
        .option_count = sizeof options / sizeof *options,
        .run = run_show,
    },
};

const rml_command_group rml_graph_commands = {commands, sizeof commands / sizeof *commands};
