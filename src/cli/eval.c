// The commands that judge and that ask for more: eval, mine.
#include <math.h>
#include <string.h>

#include "command.h"
#include "roadmill/evidence.h"
#include "roadmill/turn/judge.h"

#define RUNS_MAX 64
#define SLICES_MAX 32

static const rml_option eval_options[] = {
    {"--dataset", "VERSION", "the version to judge on (needed)"},
    {"--run", "RUN", "a trained run; repeated, these are seeds of one model"},
    {"--against", "RUN", "also pair with this run, slice by slice; repeated, seeds of one model"},
    {"--predictions", "FILE", "Parquet of anybody's model (docs/evaluation.md)"},
    {"--name", "NAME", "of the model in the document (default: model)"},
    {"--split", "SPLIT", "validation, dev, gate or sealed (default: dev; gate looks are counted)"},
    {"--slice", "NAME=QUERY", "a slice of its own; may be repeated"},
    {"--miss", "METRES", "what is a miss at the end (default: 2)"},
    {"--seed", "N", "of the resampling (default: 0)"},
};

static rml_status parse_split(const char *text, rml_split *out, rml_error *err)
{
    if (text != NULL && !rml_split_parse(rml_str_of(text), out)) {
        return rml_fail(err, RML_ERR_ARGUMENT, (rml_place){0}, NULL,
                        "expected train, validation, dev, gate or sealed, found \"%s\"", text);
    }
    return RML_OK;
}

static rml_status parse_slices(rml_cli *cli, rml_eval_slice slices[SLICES_MAX], size_t *count,
                               rml_error *err)
{
    const char *text;
    for (*count = 0; (text = rml_cli_value_at(cli, "--slice", *count)) != NULL; ++*count) {
        rml_str name, query = rml_str_cut(rml_str_of(text), '=', &name);
        if (*count == SLICES_MAX || name.len == 0 || query.len == 0) {
            return rml_fail(err, RML_ERR_ARGUMENT, (rml_place){0},
                            "for example: --slice \"fast=fast(a: vehicle): speed(a) > 10 m/s\"",
                            "expected at most %d times --slice NAME=QUERY, found \"%s\"",
                            SLICES_MAX, text);
        }
        slices[*count] = (rml_eval_slice){name, query};
    }
    return RML_OK;
}

static void print_cell(rml_cli *cli, rml_cli_table *t, const rml_evidence_slice *slice,
                       rml_str metric)
{
    const rml_evidence_value *v = rml_evidence_value_of(slice, metric);
    if (v == NULL || isnan(v->low)) {
        rml_cli_table_cell(cli, t, "%.3f", v == NULL ? NAN : v->value);
    } else {
        rml_cli_table_cell(cli, t, "%.3f [%.3f, %.3f]", v->value, v->low, v->high);
    }
}

static void print_change(rml_cli *cli, rml_cli_table *t, double change)
{
    rml_cli_table_cell(cli, t, isnan(change) ? "undecided" : "%+.2f %%", 100 * change);
}

// The first model's relative differences to the second's, by slice.
static void print_against(rml_cli *cli, const rml_evidence_model *model)
{
    static const char *const heads[] = {"slice", "metric", "against", "low", "high", "families"};
    rml_cli_table table;
    if (rml_cli_value(cli, "--against") == NULL) {
        return;
    }
    rml_cli_table_begin(&table, heads, sizeof heads / sizeof *heads);
    for (size_t i = 0; i < model->slice_count; i++) {
        const rml_evidence_slice *s = &model->slices[i];
        for (size_t k = 0; k < s->difference_count; k++) {
            const rml_evidence_difference *d = &s->differences[k];
            if (!rml_str_equal(d->baseline, RML_STR("against"))) {
                continue;
            }
            rml_cli_table_cell(cli, &table, "%.*s", RML_FMT(s->name));
            rml_cli_table_cell(cli, &table, "%.*s", RML_FMT(d->metric));
            print_change(cli, &table, d->relative);
            print_change(cli, &table, d->low);
            print_change(cli, &table, d->high);
            rml_cli_table_cell(cli, &table, "%lld", (long long)d->units);
        }
    }
    rml_cli_table_end(cli, &table);
}

enum { HEADS = 4, SHOWN = 4 };
// The metrics that a terminal shows: of a task other than the first its first ones. Gives how many.
static size_t choose_metrics(rml_cli *cli, const rml_evaluation *e, const char *names[SHOWN])
{
    static const char *const first[SHOWN] = {"min_fde_1", "min_ade_1", "min_fde_6", "miss_rate_6"};
    size_t count = 0;
    if (e->task.len == 0) {
        memcpy(names, first, sizeof first);
        return SHOWN;
    }
    for (size_t i = 0; i < e->metric_count && count < SHOWN; i++) {
        rml_str name = rml_arena_str(&cli->arena, e->metrics[i].name);
        if (name.data != NULL) {
            names[count++] = name.data;
        }
    }
    return count;
}

// Each model on every slice, baselines on the first two (all and moving), in the document's order.
static void print_document(rml_cli *cli, const rml_evaluation *e)
{
    const char *heads[HEADS + SHOWN] = {"model", "slice", "windows", "families"};
    rml_cli_table table;
    size_t metrics = choose_metrics(cli, e, heads + HEADS);
    rml_cli_table_begin(&table, heads, HEADS + metrics);
    for (size_t i = 0; i < e->model_count; i++) {
        const rml_evidence_model *m = &e->models[i];
        size_t most = m->kind == RML_EVIDENCE_MODEL ? m->slice_count : 2;
        for (size_t k = 0; k < m->slice_count && k < most; k++) {
            const rml_evidence_slice *s = &m->slices[k];
            rml_cli_table_cell(cli, &table, "%.*s", RML_FMT(m->name));
            rml_cli_table_cell(cli, &table, "%.*s", RML_FMT(s->name));
            rml_cli_table_cell(cli, &table, "%lld", (long long)s->windows);
            rml_cli_table_cell(cli, &table, "%lld", (long long)s->units);
            for (size_t c = 0; c < metrics; c++) {
                print_cell(cli, &table, s, rml_str_of(heads[HEADS + c]));
            }
        }
    }
    rml_cli_table_end(cli, &table);
    if (e->model_count > 0) {
        print_against(cli, &e->models[0]);
    }
    if (e->task.len == 0) {
        rml_cli_print(cli,
                      "\"recorded\" uses recorded speed and heading, which read the future.\n");
    }
    rml_cli_print(cli, "best blind baseline: %.*s; looks at this split: %lld\n",
                  RML_FMT(e->best_blind), (long long)e->looks);
}

// The document as it stands for --json, its tables for people.
static rml_status show_document(rml_cli *cli, rml_str text, const rml_hash *hash, rml_error *err)
{
    const rml_json *doc;
    const rml_evaluation *evaluation;
    char name[RML_HASH_TEXT];
    if (cli->json) {
        RML_TRY(rml_json_parse(&cli->arena, text, RML_STR("evaluation"), &doc, err));
        rml_json_value(&cli->writer, doc);
        return RML_OK;
    }
    RML_TRY(rml_evidence_read(text, RML_STR("evaluation"), &cli->arena, &evaluation, err));
    rml_hash_text(hash, name);
    rml_cli_print(cli, "evaluation %.12s\n", name);
    print_document(cli, evaluation);
    return RML_OK;
}

static rml_status run_eval(rml_cli *cli, rml_error *err)
{
    rml_home *home;
    rml_str runs[RUNS_MAX], against[RUNS_MAX], text;
    rml_eval_slice slices[SLICES_MAX];
    int64_t seed = 0;
    rml_hash hash;
    rml_judge_request request = {.version = rml_str_of(rml_cli_value(cli, "--dataset")),
                                 .runs = runs,
                                 .against = against,
                                 .predictions = rml_cli_value(cli, "--predictions"),
                                 .name = rml_str_of(rml_cli_value(cli, "--name"))};
    request.options.split = RML_DEV;
    request.options.slices = slices;
    if (request.version.len == 0) {
        return rml_fail(err, RML_ERR_ARGUMENT, (rml_place){0}, "roadmill dataset list shows them",
                        "expected --dataset VERSION, found none");
    }
    const char *run;
    while (request.run_count < RUNS_MAX &&
           (run = rml_cli_value_at(cli, "--run", request.run_count)) != NULL) {
        runs[request.run_count++] = rml_str_of(run);
    }
    while (request.against_count < RUNS_MAX &&
           (run = rml_cli_value_at(cli, "--against", request.against_count)) != NULL) {
        against[request.against_count++] = rml_str_of(run);
    }
    RML_TRY(parse_split(rml_cli_value(cli, "--split"), &request.options.split, err));
    RML_TRY(parse_slices(cli, slices, &request.options.slice_count, err));
    RML_TRY(rml_cli_f64(cli, "--miss", 0.01, 1000, &request.options.miss_m, err));
    RML_TRY(rml_cli_i64(cli, "--seed", 0, INT64_MAX, &seed, err));
    request.options.seed = (uint64_t)seed;
    RML_TRY(rml_cli_home(cli, false, &home, err));
    RML_TRY(
        rml_home_judge(home, &request, cli->pool, &cli->progress, &cli->arena, &text, &hash, err));
    return show_document(cli, text, &hash, err);
}

// ---- mine --------------------------------------------------------------------------------------

static const rml_option mine_options[] = {
    {"--dataset", "VERSION", "the version to pick from (needed)"},
    {"--run", "RUN", "the run that scores (needed)"},
    {"--budget", "N", "scenes to pick (default: 64)"},
    {"--from", "SPLIT", "dev, or train: scenes that the run has not seen (default: dev)"},
    {"--diversity", "SHARE", "0.01 to 1, of spread against score (default: 0.5)"},
    {"--per-family", "N", "at most so many of one family (default: any number)"},
    {"--name", "NAME", "of the selection"},
    {"--seed", "N", "settles ties (default: 0)"},
};

static void print_mined(rml_cli *cli, const rml_mined *mined, const char *version)
{
    rml_cli_print(cli, "selection %.12s: %zu of %zu candidates\n", mined->selection.data,
                  mined->count, mined->candidates);
    for (size_t i = 0; i < mined->count; i++) {
        rml_cli_print(cli, "  %.12s  %.3f  %s\n", mined->scene_ids[i].data,
                      (double)mined->picks[i].score, mined->picks[i].reason);
    }
    rml_cli_print(cli, "next: roadmill dataset create NAME --parent %s --add %.12s\n", version,
                  mined->selection.data);
}

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

static rml_status run_mine(rml_cli *cli, rml_error *err)
{
    rml_home *home;
    rml_mined mined;
    int64_t budget = 64, per_family = 0, seed = 0;
    const char *version = rml_cli_value(cli, "--dataset"), *run = rml_cli_value(cli, "--run");
    rml_mine_request request = {.version = rml_str_of(version),
                                .run = rml_str_of(run),
                                .name = rml_str_of(rml_cli_value(cli, "--name")),
                                .from = RML_DEV};
    if (version == NULL || run == NULL) {
        return rml_fail(err, RML_ERR_ARGUMENT, (rml_place){0}, "roadmill runs lists the runs",
                        "expected --dataset VERSION and --run RUN, found %s",
                        version == NULL ? "no --dataset" : "no --run");
    }
    RML_TRY(parse_split(rml_cli_value(cli, "--from"), &request.from, err));
    RML_TRY(rml_cli_i64(cli, "--budget", 1, 1 << 24, &budget, err));
    RML_TRY(rml_cli_i64(cli, "--per-family", 1, 1 << 24, &per_family, err));
    RML_TRY(rml_cli_i64(cli, "--seed", 0, INT64_MAX, &seed, err));
    RML_TRY(rml_cli_f64(cli, "--diversity", 0.01, 1, &request.options.diversity, err));
    request.options.budget = (size_t)budget;
    request.options.per_unit_max = (size_t)per_family;
    request.options.seed = (uint64_t)seed;
    RML_TRY(rml_cli_home(cli, false, &home, err));
    RML_TRY(rml_home_mine(home, &request, cli->pool, &cli->arena, &mined, err));
    if (cli->json) {
        write_mined(&cli->writer, &mined);
    }
    print_mined(cli, &mined, version);
    return RML_OK;
}

#define OPTIONS(list) .options = list, .option_count = sizeof list / sizeof *list

static const rml_command commands[] = {
    {
        .name = "eval",
        .arguments = "",
        .summary = "judge runs, or anybody's predictions, against every baseline",
        .example = "roadmill eval --dataset city --split dev",
        OPTIONS(eval_options),
        .run = run_eval,
    },
    {
        .name = "mine",
        .arguments = "",
        .summary = "pick the scenes worth learning from next, under a budget",
        .example = "roadmill mine --dataset city --run city --budget 32",
        OPTIONS(mine_options),
        .run = run_mine,
    },
};

const rml_command_group rml_eval_commands = {commands, sizeof commands / sizeof *commands};
