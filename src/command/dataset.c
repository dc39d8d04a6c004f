// Commands on dataset versions: create, list, show, diff, verify, export.
#include "roadmill/dataset.h"
#include "call.h"
#include "roadmill/mine.h"
#include "roadmill/model/task.h"

static rml_status open_version(rml_call *call, const char *name, rml_home **home, rml_dataset **out,
                               rml_error *err)
{
    rml_object_row row;
    RML_TRY(rml_call_home(call, false, home, err));
    RML_TRY(rml_call_object(call, name, &row, err));
    return rml_dataset_open((*home)->store, row.hash, out, err);
}

// ---- create ------------------------------------------------------------------------------------

// The split that the index-th pair of an option names.
static rml_status split_of(rml_call *call, const char *option, size_t index, rml_split *split,
                           rml_str *value, rml_error *err)
{
    rml_str name;
    rml_call_pair(call, option, index, &name, value);
    return rml_split_parse(name, split)
               ? RML_OK
               : rml_fail(err, RML_ERR_ARGUMENT, (rml_place){0}, NULL,
                          "expected --%s with train, validation, dev, gate or sealed, found "
                          "\"%.*s\"",
                          option, RML_FMT(rml_call_at(call, option, index)));
}

static rml_status read_shares(rml_call *call, rml_dataset_spec *spec, rml_error *err)
{
    for (size_t i = 0; i < rml_call_count(call, "share"); i++) {
        rml_split split;
        rml_str text;
        RML_TRY(split_of(call, "share", i, &split, &text, err));
        if (!rml_parse_f64(text, &spec->share[split])) {
            return rml_fail(err, RML_ERR_ARGUMENT, (rml_place){0}, "for example: --share train=0.7",
                            "expected --share SPLIT=SHARE with a number, found \"%.*s\"",
                            RML_FMT(rml_call_at(call, "share", i)));
        }
    }
    return RML_OK;
}

static rml_status read_places(rml_call *call, rml_dataset_spec *spec, rml_error *err)
{
    size_t count = rml_call_count(call, "place");
    rml_str *places = RML_NEW_ARRAY(&call->arena, rml_str, RML_SPLITS * count + 1);
    if (places == NULL) {
        return rml_fail_memory(err, RML_SPLITS * count * sizeof *places);
    }
    for (size_t s = 0; s < RML_SPLITS; s++) {
        spec->place[s] = places + s * count;
    }
    for (size_t i = 0; i < count; i++) {
        rml_split split;
        rml_str prefix;
        RML_TRY(split_of(call, "place", i, &split, &prefix, err));
        places[(size_t)split * count + spec->place_count[split]++] = prefix;
    }
    return RML_OK;
}

// --parent and --add: the parent's train split and the picks of a selection.
static rml_status read_parent(rml_call *call, rml_home *home, rml_dataset_spec *spec,
                              rml_error *err)
{
    rml_str add = rml_call_text(call, "add");
    rml_object_row row;
    if (rml_call_count(call, "parent") == 0) {
        return add.len == 0 ? RML_OK
                            : rml_fail(err, RML_ERR_ARGUMENT, (rml_place){0}, NULL,
                                       "expected --parent VERSION beside --add, found none");
    }
    RML_TRY(rml_call_object(call, "parent", &row, err));
    spec->parent = row.hash;
    return add.len == 0
               ? RML_OK
               : rml_selection_extend(home->store, home->catalog, row.hash, add, &call->arena,
                                      &spec->scene_ids, &spec->scene_id_count, err);
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

// Splits that were asked for and got nothing: what is judged on them later would find no scene.
static void write_empty(rml_json_writer *w, const rml_dataset_spec *spec,
                        const rml_dataset_result *made)
{
    bool by_family = spec->rule == RML_SPLIT_FAMILY && spec->parent.len == 0, given = false;
    for (int s = 0; s < RML_SPLITS; s++) {
        given = given || spec->share[s] > 0;
    }
    rml_json_key(w, "empty");
    rml_json_list(w);
    for (int s = 0; s < RML_SPLITS; s++) {
        bool wanted = given ? spec->share[s] > 0 : s != RML_SEALED;
        if (by_family && wanted && made->counts[s] == 0) {
            rml_json_str(w, rml_str_of(rml_split_name((rml_split)s)));
        }
    }
    rml_json_list_end(w);
}

static void write_made(rml_json_writer *w, const rml_dataset_spec *spec,
                       const rml_dataset_result *made)
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
    write_empty(w, spec, made);
    rml_json_object_end(w);
}

// A child is cut as its parent is.
static rml_status read_task(rml_call *call, rml_dataset_spec *spec, rml_error *err)
{
    const rml_task *task;
    if (rml_call_count(call, "task") == 0) {
        return RML_OK;
    }
    RML_TRY(rml_task_need(rml_call_text(call, "task"), (rml_place){0}, &task, err));
    spec->cutter = rml_scene_cutter_find(rml_str_of(task->cutter));
    return RML_OK;
}

static rml_status run_create(rml_call *call, rml_error *err)
{
    rml_dataset_spec spec = {.name = rml_call_text(call, "NAME"),
                             .query = rml_call_text(call, "query"),
                             .keep_one = rml_call_flag(call, "keep-one"),
                             .scene.stride = (uint32_t)rml_call_i64(call, "stride"),
                             .seed = (uint64_t)rml_call_i64(call, "seed")};
    rml_home *home;
    rml_dataset_result made;
    rml_str *recordings;
    int rule = rml_call_choice(call, "split");
    RML_TRY(read_shares(call, &spec, err));
    RML_TRY(read_places(call, &spec, err));
    spec.rule = rule >= 0                         ? (rml_split_rule)rule
                : spec.place_count[RML_TRAIN] > 0 ? RML_SPLIT_PLACE
                                                  : RML_SPLIT_FAMILY;
    RML_TRY(rml_call_list(call, "recording", &recordings, &spec.recording_count, err));
    spec.recordings = recordings;
    RML_TRY(rml_call_home(call, false, &home, err));
    RML_TRY(read_parent(call, home, &spec, err));
    RML_TRY(read_task(call, &spec, err));
    RML_TRY(rml_dataset_create(home->store, home->lake, home->catalog, &spec, call->pool,
                               &call->progress, &made, err));
    write_made(&call->writer, &spec, &made);
    return RML_OK;
}

// ---- list, show --------------------------------------------------------------------------------

static rml_status write_listed(rml_call *call, const rml_object_row *row, rml_error *err)
{
    const rml_json *body;
    rml_json_writer *w = &call->writer;
    RML_TRY(rml_call_body(call, row, &body, err));
    rml_json_object(w);
    rml_json_kv_str(w, "version", row->hash);
    rml_json_kv_str(w, "name", row->name);
    rml_json_key(w, "counts");
    rml_json_value(w, rml_json_get(body, "counts"));
    rml_json_kv_str(w, "licence", rml_json_get_str(body, "licence", RML_STR("not-stated")));
    rml_json_object_end(w);
    return RML_OK;
}

static rml_status run_list(rml_call *call, rml_error *err)
{
    rml_home *home;
    rml_array rows = RML_ARRAY(rml_object_row);
    RML_TRY(rml_call_home(call, false, &home, err));
    rml_status st = rml_catalog_list(home->catalog, "dataset", &call->arena, &rows, err);
    rml_json_list(&call->writer);
    for (size_t i = 0; st == RML_OK && i < rows.count; i++) {
        st = write_listed(call, RML_AT(&rows, rml_object_row, i), err);
    }
    rml_json_list_end(&call->writer);
    rml_array_reset(&rows);
    return st;
}

// The manifest, and what it is called.
static rml_status run_show(rml_call *call, rml_error *err)
{
    rml_object_row row;
    const rml_json *body;
    RML_TRY(rml_call_object(call, "VERSION", &row, err));
    RML_TRY(rml_call_body(call, &row, &body, err));
    rml_json_object(&call->writer);
    for (const rml_json *v = body->child; v != NULL; v = v->next) {
        rml_json_key(&call->writer, v->key.data);
        rml_json_value(&call->writer, v);
    }
    rml_json_kv_str(&call->writer, "hash", row.hash);
    rml_json_kv_str(&call->writer, "called", row.name);
    rml_json_object_end(&call->writer);
    return RML_OK;
}

// ---- diff, verify, export ----------------------------------------------------------------------

static rml_status run_diff(rml_call *call, rml_error *err)
{
    rml_home *home;
    rml_dataset *a = NULL, *b = NULL;
    rml_dataset_difference diff = {0};
    rml_json_writer *w = &call->writer;
    rml_status st = open_version(call, "A", &home, &a, err);
    st = st ? st : open_version(call, "B", &home, &b, err);
    st = st ? st : rml_dataset_diff(a, b, &diff, err);
    rml_dataset_close(a);
    rml_dataset_close(b);
    RML_TRY(st);
    rml_json_object(w);
    write_counts(w, "only_a", diff.only_a);
    write_counts(w, "only_b", diff.only_b);
    rml_json_kv_i64(w, "moved", (int64_t)diff.moved);
    rml_json_kv_i64(w, "same", (int64_t)diff.same);
    rml_json_kv_bool(w, "same_inputs", diff.same_inputs);
    rml_json_object_end(w);
    return RML_OK;
}

static rml_status run_verify(rml_call *call, rml_error *err)
{
    rml_home *home;
    rml_object_row row;
    rml_dataset *d = NULL;
    rml_leak_report leaks;
    RML_TRY(rml_call_home(call, false, &home, err));
    RML_TRY(rml_call_object(call, "VERSION", &row, err));
    RML_TRY(rml_dataset_verify(home->store, row.hash, err));
    RML_TRY(rml_dataset_open(home->store, row.hash, &d, err));
    rml_status st = rml_dataset_leaks(d, home->lake, &leaks, err);
    rml_dataset_close(d);
    RML_TRY(st);
    rml_json_object(&call->writer);
    rml_json_kv_str(&call->writer, "version", row.hash);
    rml_json_kv_bool(&call->writer, "digests", true);
    rml_json_key(&call->writer, "leaks");
    rml_leak_report_write(&leaks, &call->writer);
    rml_json_object_end(&call->writer);
    call->lossy = !rml_leak_report_clean(&leaks);
    return RML_OK;
}

static rml_status run_export(rml_call *call, rml_error *err)
{
    rml_home *home;
    rml_dataset *d = NULL;
    const char *to = rml_call_path(call, "to");
    to = to != NULL ? to : rml_call_path(call, "VERSION");
    rml_status st = open_version(call, "VERSION", &home, &d, err);
    st = st ? st : rml_dataset_export(d, to, err);
    rml_dataset_close(d);
    RML_TRY(st);
    rml_json_object(&call->writer);
    rml_json_kv_str(&call->writer, "folder", rml_str_of(to));
    rml_json_object_end(&call->writer);
    return RML_OK;
}

// ---- The table ---------------------------------------------------------------------------------

static const rml_option create_arguments[] = {
    {"NAME", .type = RML_OPTION_TEXT, .help = "of the version", .required = true},
    {0},
};
static const rml_option one_version[] = {
    {"VERSION", .type = RML_OPTION_NAME, .kind = "dataset",
     .help = "its name, or the start of its hash", .required = true},
    {0},
};
static const rml_option two_versions[] = {
    {"A", .type = RML_OPTION_NAME, .kind = "dataset", .help = "a version", .required = true},
    {"B", .type = RML_OPTION_NAME, .kind = "dataset", .help = "another", .required = true},
    {0},
};
static const rml_option create_options[] = {
    {"query", .type = RML_OPTION_TEXT, .value = "QUERY",
     .help = "only scenes whose focus is in a match at t0 (docs/query.md)"},
    {"split", .type = RML_OPTION_CHOICE, .value = "RULE", .help = "what stays on one side",
     .choices = "family|recording|place|time",
     .otherwise = "family, or place where --place is given"},
    {"share", .type = RML_OPTION_PAIR, .value = "SPLIT=SHARE", .help = "share of the units",
     .otherwise = ".6 .1 .15 .15 0", .repeated = true},
    {"place", .type = RML_OPTION_PAIR, .value = "SPLIT=PREFIX",
     .help = "places of a split, for --split place", .repeated = true},
    {"recording", .type = RML_OPTION_NAME, .value = "ID", .kind = "recording",
     .help = "only this recording", .repeated = true},
    {"keep-one", .help = "drop recordings that repeat a clip"},
    {"stride", .type = RML_OPTION_INT, .value = "N",
     .help = "samples between two windows of a track", .fallback = "10", .low = 1, .high = 1000000},
    {"seed", .type = RML_OPTION_INT, .value = "N",
     .help = "of the order in which units go to splits", .fallback = "0", .high = RML_OPTION_MOST},
    {"task", .type = RML_OPTION_NAME, .value = "TASK", .kind = "task", .help = "cut for this task",
     .otherwise = "predictor, or as the parent"},
    {"parent", .type = RML_OPTION_NAME, .value = "VERSION", .kind = "dataset",
     .help = "keep the held-out scenes of this version"},
    {"add", .type = RML_OPTION_NAME, .value = "SELECTION", .kind = "selection",
     .help = "with --parent: train on its train split and this selection"},
    {0},
};
static const rml_option export_options[] = {
    {"format", .type = RML_OPTION_CHOICE, .value = "NAME", .help = "of the files",
     .choices = "parquet", .fallback = "parquet"},
    {"to", .type = RML_OPTION_PATH, .value = "DIR", .help = "folder to write to",
     .otherwise = "what the version was called by"},
    {0},
};

static const rml_view create_view[] = {
    {.line = "version {version:id}[{already?} (was there already)]"},
    {.each = "counts", .table = "split=@ | scenes=."},
    {.line = "{windows} windows = {scenes} scenes + {left_out} left out; {recordings} recordings, "
             "{families} "
             "families, {bytes:bytes}"},
    {.line = "[empty: {empty}; a split needs a family of recordings of its own, here are "
             "{families}: roadmill "
             "ingest brings more, --share SPLIT=SHARE asks for fewer splits]"},
    {.line = "next: roadmill dataset verify {version:id}"},
    {0},
};
static const rml_view list_view[] = {
    {.each = "",
     .table =
         "version:id | name | train=counts.train | validation=counts.validation | dev=counts.dev | "
         "gate=counts.gate | sealed=counts.sealed | licence"},
    {0},
};
static const rml_view show_view[] = {
    {.fields = "version={hash:id}[  {called}] | query=[{query}][{query!}every window] | "
               "split=by {split.rule}, seed {split.seed} | parent=[{parent:id}][{parent!}none] | "
               "licence={licence}, purpose {purpose}"},
    {.each = "counts", .table = "split=@ | scenes=."},
    {.line = "{windows.in} windows = {windows.scenes} scenes, and left out:"},
    {.each = "windows.left_out", .when = "{.?}", .line = "  {.} {@}"},
    {.line = "{families} families"},
    {0},
};
static const rml_view diff_view[] = {
    {.fields = "train=-{only_a.train} +{only_b.train} | validation=-{only_a.validation} "
               "+{only_b.validation} | "
               "dev=-{only_a.dev} +{only_b.dev} | gate=-{only_a.gate} +{only_b.gate} | "
               "sealed=-{only_a.sealed} +{only_b.sealed}"},
    {.line = "{same} scenes the same, {moved} in another split; lake and rules [{same_inputs?}the "
             "same][{same_inputs!}differ]"},
    {0},
};
static const rml_view verify_view[] = {
    {.line = "version {version:id}: every digest as its manifest says"},
    {.line = "on both sides: {leaks.shared_recordings} recordings, {leaks.overlapping_windows} "
             "overlapping "
             "windows, {leaks.shared_clips} clips, {leaks.shared_families} families, "
             "{leaks.near_duplicates} "
             "near-duplicates; inputs that read the future: [{leaks.future_in_inputs?}yes]"
             "[{leaks.future_in_inputs!}none]"},
    {.line = "[{leaks.clean?}no leak found][{leaks.clean!}leak: ][{leaks.worst}]"},
    {0},
};
static const rml_view export_view[] = {
    {.line = "{folder}/SPLIT.parquet and manifest.json; examples/torch_dataset.py reads them"},
    {0},
};

const rml_command rml_dataset_commands[] = {
    {
        .name = "dataset create",
        .summary = "cut scenes from the lake into a version with splits",
        .example = "roadmill dataset create city --split family --keep-one",
        .arguments = create_arguments,
        .options = create_options,
        .view = create_view,
        .run = run_create,
    },
    {
        .name = "dataset list",
        .summary = "list versions with their splits and licence",
        .example = "roadmill dataset list",
        .view = list_view,
        .run = run_list,
    },
    {
        .name = "dataset show",
        .summary = "show what a version is made of and what was left out",
        .example = "roadmill dataset show city",
        .arguments = one_version,
        .view = show_view,
        .run = run_show,
    },
    {
        .name = "dataset diff",
        .summary = "compare the scenes of two versions",
        .example = "roadmill dataset diff city city",
        .arguments = two_versions,
        .view = diff_view,
        .run = run_diff,
    },
    {
        .name = "dataset verify",
        .summary = "check every digest and look for leaks; exit code 3 if there is one",
        .example = "roadmill dataset verify city",
        .arguments = one_version,
        .view = verify_view,
        .run = run_verify,
    },
    {
        .name = "dataset export",
        .summary = "write a version as Parquet for other programs",
        .example = "roadmill dataset export city --format parquet --to city-parquet",
        .arguments = one_version,
        .options = export_options,
        .view = export_view,
        .run = run_export,
    },
    {0},
};
