// The commands that judge and that ask for more: eval, mine.
#include "call.h"
#include "roadmill/turn/judge.h"

// ---- eval --------------------------------------------------------------------------------------

static rml_status read_slices(rml_call *call, const rml_eval_slice **out, size_t *count,
                              rml_error *err)
{
    *count = rml_call_count(call, "slice");
    rml_eval_slice *slices = RML_NEW_ARRAY(&call->arena, rml_eval_slice, *count + 1);
    if (slices == NULL) {
        return rml_fail_memory(err, *count * sizeof *slices);
    }
    for (size_t i = 0; i < *count; i++) {
        rml_call_pair(call, "slice", i, &slices[i].name, &slices[i].query);
    }
    *out = slices;
    return RML_OK;
}

// The splits stand in the order of their choices.
static rml_split split_of(const rml_call *call, const char *option)
{
    rml_split split = RML_DEV;
    (void)rml_split_parse(rml_call_text(call, option), &split);
    return split;
}

static rml_status run_eval(rml_call *call, rml_error *err)
{
    rml_home *home;
    rml_str *runs, *against, text;
    rml_hash hash;
    const rml_json *doc;
    rml_judge_request request = {.version = rml_call_text(call, "dataset"),
                                 .predictions = rml_call_path(call, "predictions"),
                                 .name = rml_call_text(call, "name"),
                                 .options.split = split_of(call, "split"),
                                 .options.miss_m = rml_call_f64(call, "miss"),
                                 .options.seed = (uint64_t)rml_call_i64(call, "seed")};
    RML_TRY(rml_call_list(call, "run", &runs, &request.run_count, err));
    RML_TRY(rml_call_list(call, "against", &against, &request.against_count, err));
    request.runs = runs;
    request.against = against;
    RML_TRY(read_slices(call, &request.options.slices, &request.options.slice_count, err));
    RML_TRY(rml_call_home(call, false, &home, err));
    RML_TRY(rml_home_judge(home, &request, call->pool, &call->progress, &call->arena, &text, &hash,
                           err));
    RML_TRY(rml_json_parse(&call->arena, text, RML_STR("evaluation"), &doc, err));
    char name[RML_HASH_TEXT];
    rml_hash_text(&hash, name);
    rml_json_object(&call->writer);
    for (const rml_json *v = doc->child; v != NULL; v = v->next) {
        rml_json_key(&call->writer, v->key.data);
        rml_json_value(&call->writer, v);
    }
    rml_json_kv_str(&call->writer, "evaluation", rml_str_of(name));
    rml_json_object_end(&call->writer);
    return RML_OK;
}

// ---- mine --------------------------------------------------------------------------------------

static void write_mined(rml_json_writer *w, const rml_mined *mined)
{
    rml_json_object(w);
    rml_json_kv_str(w, "selection", mined->selection);
    rml_json_kv_i64(w, "candidates", (int64_t)mined->candidates);
    rml_json_key(w, "picks");
    rml_json_list(w);
    for (size_t i = 0; i < mined->count; i++) {
        rml_json_object(w);
        rml_json_kv_str(w, "scene_id", mined->scene_ids[i]);
        rml_json_kv_f64(w, "score", (double)mined->picks[i].score);
        rml_json_kv_str(w, "reason", rml_str_of(mined->picks[i].reason));
        rml_json_object_end(w);
    }
    rml_json_list_end(w);
    rml_json_object_end(w);
}

static rml_status run_mine(rml_call *call, rml_error *err)
{
    rml_home *home;
    rml_mined mined;
    const rml_mine_request request = {.version = rml_call_text(call, "dataset"),
                                      .run = rml_call_text(call, "run"),
                                      .name = rml_call_text(call, "name"),
                                      .from = split_of(call, "from"),
                                      .options.diversity = rml_call_f64(call, "diversity"),
                                      .options.budget = (size_t)rml_call_i64(call, "budget"),
                                      .options.per_unit_max =
                                          (size_t)rml_call_i64(call, "per-family"),
                                      .options.seed = (uint64_t)rml_call_i64(call, "seed")};
    RML_TRY(rml_call_home(call, false, &home, err));
    RML_TRY(rml_home_mine(home, &request, call->pool, &call->arena, &mined, err));
    write_mined(&call->writer, &mined);
    return RML_OK;
}

// ---- The table ---------------------------------------------------------------------------------

static const rml_option eval_options[] = {
    {"dataset", .type = RML_OPTION_NAME, .value = "VERSION", .kind = "dataset",
     .help = "the version to judge on", .required = true},
    {"run", .type = RML_OPTION_NAME, .value = "RUN", .kind = "run",
     .help = "a trained run; repeated, these are seeds of one model", .repeated = true},
    {"against", .type = RML_OPTION_NAME, .value = "RUN", .kind = "run",
     .help = "also pair with this run, slice by slice; repeated, seeds of one model",
     .repeated = true},
    {"predictions", .type = RML_OPTION_PATH, .value = "FILE",
     .help = "Parquet of anybody's model (docs/evaluation.md)"},
    {"name", .type = RML_OPTION_TEXT, .value = "NAME", .help = "of the model in the document",
     .otherwise = "model"},
    {"split", .type = RML_OPTION_CHOICE, .value = "SPLIT", .help = "gate looks are counted",
     .choices = "train|validation|dev|gate|sealed", .fallback = "dev"},
    {"slice", .type = RML_OPTION_PAIR, .value = "NAME=QUERY",
     .help = "a slice of its own: \"fast=fast(a: vehicle): speed(a) > 10 m/s\"", .repeated = true},
    {"miss", .type = RML_OPTION_FLOAT, .value = "METRES", .help = "what is a miss at the end",
     .fallback = "2", .unit = "m", .low = 0.01, .high = 1000},
    {"seed", .type = RML_OPTION_INT, .value = "N", .help = "of the resampling", .fallback = "0",
     .high = RML_OPTION_MOST},
    {0},
};
static const rml_option mine_options[] = {
    {"dataset", .type = RML_OPTION_NAME, .value = "VERSION", .kind = "dataset",
     .help = "the version to pick from", .required = true},
    {"run", .type = RML_OPTION_NAME, .value = "RUN", .kind = "run", .help = "the run that scores",
     .required = true},
    {"budget", .type = RML_OPTION_INT, .value = "N", .help = "scenes to pick", .fallback = "64",
     .low = 1, .high = 1 << 24},
    {"from", .type = RML_OPTION_CHOICE, .value = "SPLIT",
     .help = "train: scenes that the run has not seen", .choices = "dev|train", .fallback = "dev"},
    {"diversity", .type = RML_OPTION_FLOAT, .value = "SHARE", .help = "of spread against score",
     .otherwise = "0.5", .low = 0.01, .high = 1},
    {"per-family", .type = RML_OPTION_INT, .value = "N", .help = "at most so many of one family",
     .otherwise = "any number", .low = 1, .high = 1 << 24},
    {"name", .type = RML_OPTION_TEXT, .value = "NAME", .help = "of the selection"},
    {"seed", .type = RML_OPTION_INT, .value = "N", .help = "settles ties", .fallback = "0",
     .high = RML_OPTION_MOST},
    {0},
};

// A metric with its interval, where it has one.
#define METRIC(name)                                                                               \
    name "={metrics[" name "].value:.3f}[ [[{metrics[" name "].low:.3f}, {metrics[" name           \
         "].high:.3f}]]]"

#define SLICES "model=^name | slice=name | windows | families=units | "

static const rml_view eval_view[] = {
    {.line = "evaluation {evaluation:id}"},
    {.when = "{task!}",
     .each = "models.slices",
     .where = "{^kind=model?} or {name=all?} or {name=moving?}",
     .table = SLICES METRIC("min_fde_1") " | " METRIC("min_ade_1") " | " METRIC(
         "min_fde_6") " | " METRIC("miss_rate_6")},
    {.when = "{task?}",
     .each = "models.slices",
     .where = "{^kind=model?} or {name=all?} or {name=moving?}",
     .table = SLICES "metrics.*={*.value:.3f}[ [[{*.low:.3f}, {*.high:.3f}]]]"},
    {.when = "{$against?}",
     .each = "models.slices.against",
     .where = "{baseline=against?}",
     .table = "slice=^name | metric | against={relative:+.2f*100} % | low={low:+.2f*100} % | "
              "high={high:+.2f*100} % | families=units"},
    {.line = "[{task!}\"recorded\" uses recorded speed and heading, which read the future.]"},
    {.line = "best blind baseline: {best_blind}; looks at this split: {looks}"},
    {0},
};
static const rml_view mine_view[] = {
    {.line = "selection {selection:id}: {picks:count} of {candidates} candidates"},
    {.each = "picks", .table = "scene=scene_id:id | score:.3f | reason"},
    {.line = "next: roadmill dataset create NAME --parent {$dataset} --add {selection:id}"},
    {0},
};

const rml_command rml_eval_commands[] = {
    {
        .name = "eval",
        .summary = "judge runs, or anybody's predictions, against every baseline",
        .example = "roadmill eval --dataset city --split dev",
        .options = eval_options,
        .view = eval_view,
        .run = run_eval,
    },
    {
        .name = "mine",
        .summary = "pick the scenes worth learning from next, under a budget",
        .example = "roadmill mine --dataset city --run city --budget 32",
        .options = mine_options,
        .view = mine_view,
        .run = run_mine,
    },
    {0},
};
