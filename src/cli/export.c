// The command that lets a predictor leave: `export`.
#include <string.h>

#include "command.h"
#include "roadmill/deploy.h"

#define VECTORS 8
#define NAME "predictor"

static const rml_option options[] = {
    {"--format", "onnx|c", "what to write (default: both)"},
    {"--vectors", "N", "test vectors beside the C file (default 8, at most 64)"},
};

rml_status rml_cli_model(rml_cli *cli, const rml_home *home, rml_str *hash, rml_str *folder,
                         rml_error *err)
{
    rml_object_row row;
    rml_error missing;
    rml_str text = rml_str_of(cli->arguments[0]);
    rml_status st = rml_model_find(home->catalog, text, &cli->arena, &row, &missing);
    if (st == RML_OK) {
        *folder = rml_arena_printf(&cli->arena, "%.*s/models/%.*s", RML_FMT(home->store),
                                   RML_FMT(row.name));
    } else {
        RML_TRY(rml_catalog_get(home->catalog, "run", text, &cli->arena, &row, err));
        *folder = rml_arena_printf(&cli->arena, "%.*s/runs/%.*s/model", RML_FMT(home->store),
                                   RML_FMT(row.hash));
    }
    *hash = row.hash;
    return folder->data ? RML_OK : rml_fail_memory(err, home->store.len);
}

static void print_files(rml_cli *cli, rml_str hash, const rml_deploy_options *o)
{
    static const char *const files[] = {NAME ".onnx", NAME ".c", NAME ".h", NAME "_test.c",
                                        NAME "_bounds.json"};
    size_t from = o->onnx ? 0 : 1, to = o->c ? 5 : 1;
    if (cli->json) {
        rml_json_writer *w = &cli->writer;
        rml_json_object(w);
        rml_json_kv_str(w, "run", hash);
        rml_json_kv_str(w, "format", rml_str_of(o->onnx && o->c ? "both" : o->c ? "c" : "onnx"));
        rml_json_kv_str(w, "folder", rml_str_of(cli->arguments[1]));
        rml_json_key(w, "files");
        rml_json_list(w);
        for (size_t i = from; i < to; i++) {
            rml_json_str(w, rml_str_of(files[i]));
        }
        rml_json_list_end(w);
        rml_json_object_end(w);
    }
    for (size_t i = from; i < to; i++) {
        rml_cli_print(cli, "%s/%s\n", cli->arguments[1], files[i]);
    }
    if (o->c) {
        rml_cli_print(cli, "next: cc -std=c99 -O2 -o test %s/%s %s/%s -lm && ./test\n",
                      cli->arguments[1], files[1], cli->arguments[1], files[3]);
    }
}

static rml_status run_export(rml_cli *cli, rml_error *err)
{
    rml_home *home;
    rml_str hash, folder;
    rml_runner *runner = NULL;
    rml_plan *plan;
    rml_predictor p;
    const char *format = rml_cli_value(cli, "--format");
    int64_t vectors = VECTORS;
    rml_deploy_options o = {.onnx = !format || strcmp(format, "onnx") == 0,
                            .c = !format || strcmp(format, "c") == 0};
    if (!o.onnx && !o.c) {
        return rml_fail(err, RML_ERR_ARGUMENT, (rml_place){0}, NULL,
                        "expected --format onnx or c, found \"%s\"", format);
    }
    RML_TRY(rml_cli_i64(cli, "--vectors", 0, 64, &vectors, err));
    o.vectors = (uint32_t)vectors;
    RML_TRY(rml_cli_home(cli, false, &home, err));
    RML_TRY(rml_cli_model(cli, home, &hash, &folder, err));
    RML_TRY(rml_runner_open(folder.data, 1, &runner, err));
    const rml_graph *graph = rml_runner_graph(runner, &plan, &p);
    rml_status st = rml_deploy_predictor(graph, plan, &p, NAME, cli->arguments[1], &o, err);
    rml_runner_close(runner);
    RML_TRY(st);
    print_files(cli, hash, &o);
    return RML_OK;
}

static const rml_command commands[] = {
    {
        .name = "export",
        .arguments = "RUN|MODEL FOLDER",
        .summary = "write a predictor as ONNX and as plain C99 with its test vectors",
        .example = "roadmill export predictor --format c out",
        .arguments_min = 2,
        .arguments_max = 2,
        .options = options,
        .option_count = sizeof options / sizeof *options,
        .run = run_export,
    },
};

const rml_command_group rml_export_commands = {commands, sizeof commands / sizeof *commands};
