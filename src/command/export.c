// The command that lets a model leave: `export`.
#include "call.h"
#include "roadmill/deploy.h"
#include "roadmill/train.h"

// Whether a form, or all of them (none is named), holds that one.
static bool is_written(rml_str format, const char *kind)
{
    return format.len == 0 || rml_str_equal(format, rml_str_of(kind));
}

static rml_status write_files(rml_call *call, rml_str hash, const char *name, rml_str format,
                              rml_error *err)
{
    static const struct {
        const char *kind, *ending;
    } files[] = {
        {"onnx", ".onnx"}, {"c", ".c"}, {"c", ".h"}, {"c", "_test.c"}, {"c", "_bounds.json"}};
    rml_json_writer *w = &call->writer;
    rml_json_object(w);
    rml_json_kv_str(w, "run", hash);
    rml_json_kv_str(w, "format", format.len > 0 ? format : RML_STR("both"));
    rml_json_kv_str(w, "folder", rml_call_text(call, "FOLDER"));
    rml_json_key(w, "files");
    rml_json_list(w);
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        rml_str file = rml_arena_printf(&call->arena, "%s%s", name, files[i].ending);
        if (file.data == NULL) {
            return rml_fail_memory(err, 64);
        }
        if (is_written(format, files[i].kind)) {
            rml_json_str(w, file);
        }
    }
    rml_json_list_end(w);
    rml_json_kv_str(w, "name", rml_str_of(name));
    rml_json_object_end(w);
    return RML_OK;
}

// The forms asked for; RML_ERR_ARGUMENT where the model's task has no such one.
static rml_status forms_of(const rml_task *task, rml_str format, const char *one[2],
                           const char *const **out, rml_error *err)
{
    *out = task->exports;
    if (format.len == 0) {
        return RML_OK;
    }
    for (const char *const *kind = task->exports; *kind != NULL; kind++) {
        if (rml_str_equal(format, rml_str_of(*kind))) {
            one[0] = *kind;
            one[1] = NULL;
            *out = one;
            return RML_OK;
        }
    }
    return rml_fail(err, RML_ERR_ARGUMENT, (rml_place){0}, NULL,
                    "expected a form of the task %s, found --format %.*s", task->name,
                    RML_FMT(format));
}

static rml_status run_export(rml_call *call, rml_error *err)
{
    rml_str hash, from, format = rml_call_text(call, "format");
    rml_runner *runner = NULL;
    rml_plan *plan;
    const char *one[2];
    const char *const *forms;
    const rml_deploy_options o = {.vectors = (uint32_t)rml_call_i64(call, "vectors")};
    RML_TRY(rml_call_model(call, "RUN|MODEL", &hash, &from, err));
    RML_TRY(rml_runner_open(from.data, 1, &runner, err));
    const rml_graph *graph = rml_runner_graph(runner, &plan);
    const rml_task *task = rml_runner_task(runner);
    rml_status st = forms_of(task, format, one, &forms, err);
    st = st ? st
            : rml_deploy_model(graph, plan, rml_runner_model(runner), forms, task->name,
                               rml_call_path(call, "FOLDER"), &o, err);
    rml_runner_close(runner);
    return st ? st : write_files(call, hash, task->name, format, err);
}

static const rml_option arguments[] = {
    {"RUN|MODEL", .type = RML_OPTION_NAME, .kind = "model|run",
     .help = "a model, or the start of the hash of a run", .required = true},
    {"FOLDER", .type = RML_OPTION_PATH, .help = "where the files are written", .required = true},
    {0},
};
static const rml_option options[] = {
    {"format", .type = RML_OPTION_CHOICE, .value = "FORMAT", .help = "what to write",
     .choices = "onnx|c", .otherwise = "both"},
    {"vectors", .type = RML_OPTION_INT, .value = "N", .help = "test vectors beside the C file",
     .fallback = "8", .low = 0, .high = 64},
    {0},
};
static const rml_view view[] = {
    {.each = "files", .line = "{^folder}/{.}"},
    {.line = "[{format=onnx!}next: cc -std=c99 -O2 -o test {folder}/{name}.c "
             "{folder}/{name}_test.c -lm && "
             "./test]"},
    {0},
};

const rml_command rml_export_commands[] = {
    {
        .name = "export",
        .summary = "write a model as ONNX and as plain C99 with its test vectors",
        .example = "roadmill export predictor --format c out",
        .arguments = arguments,
        .options = options,
        .view = view,
        .run = run_export,
    },
    {0},
};
