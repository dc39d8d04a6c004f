// The command that lets a model leave: `export`.
#include <string.h>

#include "command.h"
#include "roadmill/deploy.h"

#define VECTORS 8

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

// Whether a form, or all of them (format NULL), holds that one.
static bool is_written(const char *format, const char *kind)
{
    return format == NULL || strcmp(format, kind) == 0;
}

static void print_files(rml_cli *cli, rml_str hash, const char *name, const char *format)
{
    static const struct {
        const char *kind, *ending;
    } files[] = {
        {"onnx", ".onnx"}, {"c", ".c"}, {"c", ".h"}, {"c", "_test.c"}, {"c", "_bounds.json"}};
    enum { FILES = sizeof files / sizeof *files };
    const char *folder = cli->arguments[1];
    rml_json_writer *w = &cli->writer;
    if (cli->json) {
        rml_json_object(w);
        rml_json_kv_str(w, "run", hash);
        rml_json_kv_str(w, "format", rml_str_of(format ? format : "both"));
        rml_json_kv_str(w, "folder", rml_str_of(folder));
        rml_json_key(w, "files");
        rml_json_list(w);
    }
    for (size_t i = 0; i < FILES; i++) {
        rml_str file = rml_arena_printf(&cli->arena, "%s%s", name, files[i].ending);
        if (file.data == NULL || !is_written(format, files[i].kind)) {
            continue;
        }
        if (cli->json) {
            rml_json_str(w, file);
        }
        rml_cli_print(cli, "%s/%s\n", folder, file.data);
    }
    if (cli->json) {
        rml_json_list_end(w);
        rml_json_object_end(w);
    }
    if (is_written(format, "c")) {
        rml_cli_print(cli, "next: cc -std=c99 -O2 -o test %s/%s.c %s/%s_test.c -lm && ./test\n",
                      folder, name, folder, name);
    }
}

static bool has_export(const rml_task *task, const char *name)
{
    for (const char *const *kind = task->exports; *kind != NULL; kind++) {
        if (strcmp(*kind, name) == 0) {
            return true;
        }
    }
    return false;
}

static rml_status run_export(rml_cli *cli, rml_error *err)
{
    rml_home *home;
    rml_str hash, folder;
    rml_runner *runner = NULL;
    rml_plan *plan;
    const char *format = rml_cli_value(cli, "--format");
    int64_t vectors = VECTORS;
    rml_deploy_options o = {0};
    RML_TRY(rml_cli_i64(cli, "--vectors", 0, 64, &vectors, err));
    o.vectors = (uint32_t)vectors;
    RML_TRY(rml_cli_home(cli, false, &home, err));
    RML_TRY(rml_cli_model(cli, home, &hash, &folder, err));
    RML_TRY(rml_runner_open(folder.data, 1, &runner, err));
    const rml_graph *graph = rml_runner_graph(runner, &plan);
    const rml_task *task = rml_runner_task(runner);
    const char *const one[] = {format, NULL}, *const *kinds = format ? one : task->exports;
    rml_status st = RML_OK;
    if (format != NULL && !has_export(task, format)) {
        st = rml_fail(err, RML_ERR_ARGUMENT, (rml_place){0}, NULL,
                      "expected --format onnx or c, found \"%s\"", format);
    }
    st = st ? st
            : rml_deploy_model(graph, plan, rml_runner_model(runner), kinds, task->name,
                               cli->arguments[1], &o, err);
    rml_runner_close(runner);
    RML_TRY(st);
    print_files(cli, hash, task->name, format);
    return RML_OK;
}

static const rml_command commands[] = {
    {
        .name = "export",
        .arguments = "RUN|MODEL FOLDER",
        .summary = "write a model as ONNX and as plain C99 with its test vectors",
        .example = "roadmill export predictor --format c out",
        .arguments_min = 2,
        .arguments_max = 2,
        .options = options,
        .option_count = sizeof options / sizeof *options,
        .run = run_export,
    },
};

const rml_command_group rml_export_commands = {commands, sizeof commands / sizeof *commands};
