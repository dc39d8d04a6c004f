// Commands on dataset versions: create, list, show, diff, verify, export.
#include <string.h>

#include "command.h"
#include "roadmill/dataset.h"
#include "roadmill/mine.h"
#include "roadmill/model/task.h"

#define TEXTS_MAX 64

// ---- Which version -----------------------------------------------------------------------------

static rml_status find_version(rml_cli *cli, rml_home *home, const char *text, rml_object_row *row,
                               rml_error *err)
{
    return rml_catalog_get(home->catalog, "dataset", rml_str_of(text), &cli->arena, row, err);
}

static rml_status open_version(rml_cli *cli, const char *text, rml_home **home, rml_dataset **out,
                               rml_error *err)
{
    rml_object_row row;
    RML_TRY(rml_cli_home(cli, false, home, err));
    RML_TRY(find_version(cli, *home, text, &row, err));
    return rml_dataset_open((*home)->store, row.hash, out, err);
}

// ---- create ------------------------------------------------------------------------------------

static const rml_option create_options[] = {
    {"--query", "QUERY", "only scenes whose focus is in a match at t0 (docs/query.md)"},
    {"--split", "RULE", "family, recording, place or time (default: family)"},
    {"--share", "SPLIT=SHARE", "share of the units; may be repeated (default .6 .1 .15 .15 0)"},
    {"--place", "SPLIT=PREFIX", "places of a split, for --split place; may be repeated"},
    {"--recording", "ID", "only this recording; may be repeated"},
    {"--keep-one", NULL, "drop recordings that repeat a clip"},
    {"--stride", "N", "samples between two windows of a track (default: 10)"},
    {"--seed", "N", "of the order in which units go to splits (default: 0)"},
    {"--task", "TASK", "cut for this task (default: predictor)"},
    {"--parent", "VERSION", "keep the held-out scenes of this version"},
    {"--add", "SELECTION", "with --parent: train on its train split and this selection"},
};

static rml_status parse_share(const char *text, rml_dataset_spec *spec, rml_error *err)
{
    rml_str name, value = rml_str_cut(rml_str_of(text), '=', &name);
    rml_split split;
    double share;
    if (!rml_split_parse(name, &split) || !rml_parse_f64(value, &share)) {
        return rml_fail(err, RML_ERR_ARGUMENT, (rml_place){0}, "for example: --share train=0.7",
                        "expected --share SPLIT=SHARE with train, validation, dev, gate or sealed, "
                        "found \"%s\"",
                        text);
    }
    spec->share[split] = share;
    return RML_OK;
}

static rml_status parse_places(rml_cli *cli, rml_dataset_spec *spec, rml_error *err)
{
    const char *text;
    rml_str *places = RML_NEW_ARRAY(&cli->arena, rml_str, RML_SPLITS * TEXTS_MAX);
    if (places == NULL) {
        return rml_fail_memory(err, RML_SPLITS * TEXTS_MAX * sizeof *places);
    }
    for (int s = 0; s < RML_SPLITS; s++) {
        spec->place[s] = places + s * TEXTS_MAX;
    }
    for (size_t i = 0; (text = rml_cli_value_at(cli, "--place", i)) != NULL; i++) {
        rml_str name, prefix = rml_str_cut(rml_str_of(text), '=', &name);
        rml_split split;
        if (!rml_split_parse(name, &split) || prefix.len == 0 || i == TEXTS_MAX) {
            return rml_fail(err, RML_ERR_ARGUMENT, (rml_place){0},
                            "for example: --place train=USA_US101 --place gate=USA_Lanker",
                            "expected at most %d times --place SPLIT=PREFIX, found \"%s\"",
                            TEXTS_MAX, text);
        }
        places[(size_t)split * TEXTS_MAX + spec->place_count[split]++] = prefix;
    }
    return RML_OK;
}

static rml_status parse_rule(rml_cli *cli, rml_dataset_spec *spec, rml_error *err)
{
    static const char *const rules[] = {"family", "recording", "place", "time"};
    const char *text = rml_cli_value(cli, "--split");
    if (text == NULL) {
        spec->rule = spec->place_count[RML_TRAIN] > 0 ? RML_SPLIT_PLACE : RML_SPLIT_FAMILY;
        return RML_OK;
    }
    for (int i = 0; i < 4; i++) {
        if (strcmp(text, rules[i]) == 0) {
            spec->rule = (rml_split_rule)i;
            return RML_OK;
        }
    }
    return rml_fail(err, RML_ERR_ARGUMENT, (rml_place){0}, NULL,
                    "expected --split family, recording, place or time, found \"%s\"", text);
}

static rml_status parse_recordings(rml_cli *cli, rml_dataset_spec *spec, rml_error *err)
{
    size_t count = 0;
    while (rml_cli_value_at(cli, "--recording", count) != NULL) {
        count++;
    }
    rml_str *ids = RML_NEW_ARRAY(&cli->arena, rml_str, count + 1);
    if (ids == NULL) {
        return rml_fail_memory(err, count * sizeof *ids);
    }
    for (size_t i = 0; i < count; i++) {
        ids[i] = rml_str_of(rml_cli_value_at(cli, "--recording", i));
    }
    spec->recordings = count > 0 ? ids : NULL;
    spec->recording_count = count;
    return RML_OK;
}

// --parent and --add: the parent's train split and the picks of a selection.
static rml_status parse_parent(rml_cli *cli, rml_home *home, rml_dataset_spec *spec, rml_error *err)
{
    const char *parent = rml_cli_value(cli, "--parent"), *add = rml_cli_value(cli, "--add");
    rml_object_row row;
    if (parent == NULL) {
        return add == NULL ? RML_OK
                           : rml_fail(err, RML_ERR_ARGUMENT, (rml_place){0}, NULL,
                                      "expected --parent VERSION beside --add, found none");
    }
    RML_TRY(find_version(cli, home, parent, &row, err));
    spec->parent = row.hash;
    if (add == NULL) {
        return RML_OK;
    }
    return rml_selection_extend(home->store, home->catalog, row.hash, rml_str_of(add), &cli->arena,
                                &spec->scene_ids, &spec->scene_id_count, err);
}

// Splits that were asked for and got nothing: what is judged on them later would find no scene.
static void print_empty(rml_cli *cli, const rml_dataset_spec *spec, const rml_dataset_result *made)
{
    bool given = false, any = false;
    for (int s = 0; s < RML_SPLITS; s++) {
        given = given || spec->share[s] > 0;
    }
    for (int s = 0; s < RML_SPLITS; s++) {
        bool wanted = given ? spec->share[s] > 0 : s != RML_SEALED;
        if (wanted && made->counts[s] == 0) {
            rml_cli_print(cli, "%s%s", any ? ", " : "empty: ", rml_split_name((rml_split)s));
            any = true;
        }
    }
    if (any) {
        rml_cli_print(cli,
                      "; a split needs a family of recordings of its own, here are %llu: roadmill "
                      "ingest brings more, --share SPLIT=SHARE asks for fewer splits\n",
                      (unsigned long long)made->families);
    }
}

static void print_made(rml_cli *cli, const rml_dataset_spec *spec, const rml_dataset_result *made)
{
    rml_cli_print(cli, "version %.12s%s\n", made->hash,
                  made->already ? " (was there already)" : "");
    for (int s = 0; s < RML_SPLITS; s++) {
        rml_cli_print(cli, "  %-10s %8llu scenes\n", rml_split_name((rml_split)s),
                      (unsigned long long)made->counts[s]);
    }
    rml_cli_print(cli,
                  "%llu windows = %llu scenes + %llu left out; %llu recordings, %llu families, "
                  "%.1f MB\n",
                  (unsigned long long)made->windows_in, (unsigned long long)made->scenes,
                  (unsigned long long)made->left_out, (unsigned long long)made->recordings,
                  (unsigned long long)made->families, (double)made->bytes / 1e6);
    if (spec->rule == RML_SPLIT_FAMILY && spec->parent.len == 0) {
        print_empty(cli, spec, made);
    }
    rml_cli_print(cli, "next: roadmill dataset verify %.12s\n", made->hash);
}

static void write_counts(rml_json_writer *w, const char *key, const uint64_t counts[RML_SPLITS])
{
    rml_json_key(w, key);
    rml_json_object(w);
    for (int s = 0; s < RML_SPLITS; s++) {
        rml_json_kv_i64(w, rml_split_name((rml_split)s), (int64_t)counts[s]);
    }
    rml_json_object_end(w);
}

static void write_made(rml_json_writer *w, const rml_dataset_result *made)
{
    rml_json_object(w);
    rml_json_kv_str(w, "version", rml_str_of(made->hash));
    rml_json_kv_bool(w, "already", made->already);
    rml_json_kv_i64(w, "windows", (int64_t)made->windows_in);
    rml_json_kv_i64(w, "scenes", (int64_t)made->scenes);
    rml_json_kv_i64(w, "left_out", (int64_t)made->left_out);
    write_counts(w, "counts", made->counts);
    rml_json_kv_i64(w, "recordings", (int64_t)made->recordings);
    rml_json_kv_i64(w, "families", (int64_t)made->families);
    rml_json_kv_i64(w, "bytes", (int64_t)made->bytes);
    rml_json_object_end(w);
}

// A child is cut as its parent is.
static rml_status parse_task(rml_cli *cli, rml_dataset_spec *spec, rml_error *err)
{
    const char *name = rml_cli_value(cli, "--task");
    const rml_task *task;
    if (name != NULL) {
        RML_TRY(rml_task_need(rml_str_of(name), (rml_place){0}, &task, err));
        spec->cutter = rml_scene_cutter_find(rml_str_of(task->cutter));
    }
    return RML_OK;
}

static rml_status run_create(rml_cli *cli, rml_error *err)
{
    rml_dataset_spec spec = {.name = rml_str_of(cli->arguments[0]),
                             .query = rml_str_of(rml_cli_value(cli, "--query")),
                             .keep_one = rml_cli_flag(cli, "--keep-one")};
    int64_t stride = 0, seed = 0;
    rml_home *home;
    rml_dataset_result made;
    const char *text;
    RML_TRY(rml_cli_i64(cli, "--stride", 1, 1000000, &stride, err));
    RML_TRY(rml_cli_i64(cli, "--seed", 0, INT64_MAX, &seed, err));
    spec.scene.stride = (uint32_t)stride;
    spec.seed = (uint64_t)seed;
    for (size_t i = 0; (text = rml_cli_value_at(cli, "--share", i)) != NULL; i++) {
        RML_TRY(parse_share(text, &spec, err));
    }
    RML_TRY(parse_places(cli, &spec, err));
    RML_TRY(parse_rule(cli, &spec, err));
    RML_TRY(parse_recordings(cli, &spec, err));
    RML_TRY(rml_cli_home(cli, false, &home, err));
    RML_TRY(parse_parent(cli, home, &spec, err));
    RML_TRY(parse_task(cli, &spec, err));
    RML_TRY(rml_dataset_create(home->store, home->lake, home->catalog, &spec, cli->pool,
                               &cli->progress, &made, err));
    if (cli->json) {
        write_made(&cli->writer, &made);
    }
    print_made(cli, &spec, &made);
    return RML_OK;
}

// ---- list, show --------------------------------------------------------------------------------

static rml_status parse_body(rml_cli *cli, const rml_object_row *row, const rml_json **out,
                             rml_error *err)
{
    return rml_json_parse(&cli->arena, row->body, row->hash, out, err);
}

static rml_status run_list(rml_cli *cli, rml_error *err)
{
    static const char *const heads[] = {"version", "name", "train",  "validation",
                                        "dev",     "gate", "sealed", "licence"};
    rml_home *home;
    rml_array rows = RML_ARRAY(rml_object_row);
    rml_cli_table table;
    RML_TRY(rml_cli_home(cli, false, &home, err));
    rml_status st = rml_catalog_list(home->catalog, "dataset", &cli->arena, &rows, err);
    rml_cli_table_begin(&table, heads, sizeof heads / sizeof *heads);
    if (cli->json) {
        rml_json_list(&cli->writer);
    }
    for (size_t i = 0; st == RML_OK && i < rows.count; i++) {
        const rml_object_row *row = RML_AT(&rows, rml_object_row, i);
        const rml_json *body;
        st = parse_body(cli, row, &body, err);
        if (st) {
            break;
        }
        const rml_json *counts = rml_json_get(body, "counts");
        rml_str licence = rml_json_get_str(body, "licence", RML_STR("not-stated"));
        rml_cli_table_cell(cli, &table, "%.12s", row->hash.data);
        rml_cli_table_cell(cli, &table, "%.*s", RML_FMT(row->name));
        for (int s = 0; s < RML_SPLITS; s++) {
            rml_cli_table_cell(
                cli, &table, "%lld",
                (long long)rml_json_get_i64(counts, rml_split_name((rml_split)s), 0));
        }
        rml_cli_table_cell(cli, &table, "%.*s", RML_FMT(licence));
        if (cli->json) {
            rml_json_object(&cli->writer);
            rml_json_kv_str(&cli->writer, "version", row->hash);
            rml_json_kv_str(&cli->writer, "name", row->name);
            rml_json_key(&cli->writer, "counts");
            rml_json_value(&cli->writer, counts);
            rml_json_kv_str(&cli->writer, "licence", licence);
            rml_json_object_end(&cli->writer);
        }
    }
    if (cli->json) {
        rml_json_list_end(&cli->writer);
    }
    rml_cli_table_end(cli, &table);
    rml_array_reset(&rows);
    return st;
}

static rml_status run_show(rml_cli *cli, rml_error *err)
{
    rml_home *home;
    rml_object_row row;
    const rml_json *body;
    RML_TRY(rml_cli_home(cli, false, &home, err));
    RML_TRY(find_version(cli, home, cli->arguments[0], &row, err));
    RML_TRY(parse_body(cli, &row, &body, err));
    if (cli->json) {
        rml_json_value(&cli->writer, body);
        return RML_OK;
    }
    const rml_json *split = rml_json_get(body, "split"), *windows = rml_json_get(body, "windows");
    const rml_json *counts = rml_json_get(body, "counts");
    rml_str empty = RML_STR("");
    rml_cli_print(cli, "version  %.*s  %.*s\n", RML_FMT(row.hash), RML_FMT(row.name));
    rml_str query = rml_json_get_str(body, "query", empty);
    rml_str parent = rml_json_get_str(body, "parent", empty);
    rml_cli_print(cli, "query    %.*s\n", RML_FMT(query.len ? query : RML_STR("every window")));
    rml_cli_print(cli, "split    by %.*s, seed %.*s\n",
                  RML_FMT(rml_json_get_str(split, "rule", empty)),
                  RML_FMT(rml_json_get_str(split, "seed", empty)));
    rml_cli_print(cli, "parent   %.12s\n", parent.len ? parent.data : "none");
    rml_cli_print(cli, "licence  %.*s, purpose %.*s\n",
                  RML_FMT(rml_json_get_str(body, "licence", empty)),
                  RML_FMT(rml_json_get_str(body, "purpose", empty)));
    for (int s = 0; s < RML_SPLITS; s++) {
        rml_cli_print(cli, "  %-10s %8lld scenes\n", rml_split_name((rml_split)s),
                      (long long)rml_json_get_i64(counts, rml_split_name((rml_split)s), 0));
    }
    rml_cli_print(cli, "%lld windows = %lld scenes", (long long)rml_json_get_i64(windows, "in", 0),
                  (long long)rml_json_get_i64(windows, "scenes", 0));
    const rml_json *left = rml_json_get(windows, "left_out");
    for (const rml_json *e = left ? left->child : NULL; e != NULL; e = e->next) {
        if (e->integer > 0) {
            rml_cli_print(cli, " + %lld left out (%.*s)", (long long)e->integer, RML_FMT(e->key));
        }
    }
    rml_cli_print(cli, "\n%lld families\n", (long long)rml_json_get_i64(body, "families", 0));
    return RML_OK;
}

// ---- diff, verify, export ----------------------------------------------------------------------

static rml_status run_diff(rml_cli *cli, rml_error *err)
{
    rml_home *home;
    rml_dataset *a = NULL, *b = NULL;
    rml_dataset_difference diff = {0};
    rml_status st = open_version(cli, cli->arguments[0], &home, &a, err);
    st = st ? st : open_version(cli, cli->arguments[1], &home, &b, err);
    st = st ? st : rml_dataset_diff(a, b, &diff, err);
    rml_dataset_close(a);
    rml_dataset_close(b);
    RML_TRY(st);
    if (cli->json) {
        rml_json_object(&cli->writer);
        write_counts(&cli->writer, "only_a", diff.only_a);
        write_counts(&cli->writer, "only_b", diff.only_b);
        rml_json_kv_i64(&cli->writer, "moved", (int64_t)diff.moved);
        rml_json_kv_i64(&cli->writer, "same", (int64_t)diff.same);
        rml_json_kv_bool(&cli->writer, "same_inputs", diff.same_inputs);
        rml_json_object_end(&cli->writer);
    }
    for (int s = 0; s < RML_SPLITS; s++) {
        rml_cli_print(cli, "  %-10s -%llu +%llu\n", rml_split_name((rml_split)s),
                      (unsigned long long)diff.only_a[s], (unsigned long long)diff.only_b[s]);
    }
    rml_cli_print(cli, "%llu scenes the same, %llu in another split; lake and rules %s\n",
                  (unsigned long long)diff.same, (unsigned long long)diff.moved,
                  diff.same_inputs ? "the same" : "differ");
    return RML_OK;
}

static rml_status run_verify(rml_cli *cli, rml_error *err)
{
    rml_home *home;
    rml_object_row row;
    rml_dataset *d = NULL;
    rml_leak_report leaks;
    RML_TRY(rml_cli_home(cli, false, &home, err));
    RML_TRY(find_version(cli, home, cli->arguments[0], &row, err));
    RML_TRY(rml_dataset_verify(home->store, row.hash, err));
    RML_TRY(rml_dataset_open(home->store, row.hash, &d, err));
    rml_status st = rml_dataset_leaks(d, home->lake, &leaks, err);
    rml_dataset_close(d);
    RML_TRY(st);
    bool clean = rml_leak_report_clean(&leaks);
    if (cli->json) {
        rml_json_object(&cli->writer);
        rml_json_kv_str(&cli->writer, "version", row.hash);
        rml_json_kv_bool(&cli->writer, "digests", true);
        rml_json_key(&cli->writer, "leaks");
        rml_leak_report_write(&leaks, &cli->writer);
        rml_json_object_end(&cli->writer);
    }
    rml_cli_print(cli, "version %.12s: every digest as its manifest says\n", row.hash.data);
    rml_cli_print(
        cli,
        "on both sides: %llu recordings, %llu overlapping windows, %llu clips, "
        "%llu families, %llu near-duplicates; inputs that read the future: %s\n",
        (unsigned long long)leaks.shared_recordings, (unsigned long long)leaks.overlapping_windows,
        (unsigned long long)leaks.shared_clips, (unsigned long long)leaks.shared_families,
        (unsigned long long)leaks.near_duplicates, leaks.future_in_inputs ? "yes" : "none");
    rml_cli_print(cli, "%s%s\n", clean ? "no leak found" : "leak: ", leaks.worst);
    cli->exit_code = clean ? cli->exit_code : 3;
    return RML_OK;
}

static const rml_option export_options[] = {
    {"--format", "NAME", "parquet (the only one; default)"},
    {"--to", "DIR", "folder to write to (default: NAME or hash of the version)"},
};

static rml_status run_export(rml_cli *cli, rml_error *err)
{
    rml_home *home;
    rml_dataset *d = NULL;
    const char *format = rml_cli_value(cli, "--format"), *to = rml_cli_value(cli, "--to");
    if (format != NULL && strcmp(format, "parquet") != 0) {
        return rml_fail(err, RML_ERR_ARGUMENT, (rml_place){0}, "--format parquet",
                        "expected --format parquet, found \"%s\"", format);
    }
    to = to ? to : cli->arguments[0];
    rml_status st = open_version(cli, cli->arguments[0], &home, &d, err);
    st = st ? st : rml_dataset_export(d, to, err);
    rml_dataset_close(d);
    RML_TRY(st);
    if (cli->json) {
        rml_json_object(&cli->writer);
        rml_json_kv_str(&cli->writer, "folder", rml_str_of(to));
        rml_json_object_end(&cli->writer);
    }
    rml_cli_print(cli, "%s/SPLIT.parquet and manifest.json; examples/torch_dataset.py reads them\n",
                  to);
    return RML_OK;
}

#define OPTIONS(list) .options = list, .option_count = sizeof list / sizeof *list

static const rml_command commands[] = {
    {
        .name = "dataset create",
        .arguments = "NAME",
        .summary = "cut scenes from the lake into a version with splits",
        .example = "roadmill dataset create city --split family --keep-one",
        .arguments_min = 1,
        .arguments_max = 1,
        OPTIONS(create_options),
        .run = run_create,
    },
    {
        .name = "dataset list",
        .arguments = "",
        .summary = "list versions with their splits and licence",
        .example = "roadmill dataset list",
        .run = run_list,
    },
    {
        .name = "dataset show",
        .arguments = "VERSION",
        .summary = "show what a version is made of and what was left out",
        .example = "roadmill dataset show city",
        .arguments_min = 1,
        .arguments_max = 1,
        .run = run_show,
    },
    {
        .name = "dataset diff",
        .arguments = "A B",
        .summary = "compare the scenes of two versions",
        .example = "roadmill dataset diff city city",
        .arguments_min = 2,
        .arguments_max = 2,
        .run = run_diff,
    },
    {
        .name = "dataset verify",
        .arguments = "VERSION",
        .summary = "check every digest and look for leaks; exit code 3 if there is one",
        .example = "roadmill dataset verify city",
        .arguments_min = 1,
        .arguments_max = 1,
        .run = run_verify,
    },
    {
        .name = "dataset export",
        .arguments = "VERSION",
        .summary = "write a version as Parquet for other programs",
        .example = "roadmill dataset export city --format parquet --to city-parquet",
        .arguments_min = 1,
        .arguments_max = 1,
        OPTIONS(export_options),
        .run = run_export,
    },
};

const rml_command_group rml_dataset_commands = {commands, sizeof commands / sizeof *commands};
