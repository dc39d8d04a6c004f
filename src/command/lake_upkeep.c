// `lake check`, `lake optimize` and `lake vacuum`: upkeep of the tables.
#include "call.h"
#include "roadmill/lake/upkeep.h"

// What is done to one table; options are those of vacuum.
typedef rml_status upkeep(rml_call *call, rml_lake *lake, rml_str name,
                          const rml_lake_vacuum_options *options, rml_error *err);

static rml_status optimize(rml_call *call, rml_lake *lake, rml_str name,
                           const rml_lake_vacuum_options *options, rml_error *err)
{
    rml_lake_checkpoint_info info;
    rml_json_writer *w = &call->writer;
    (void)options;
    RML_TRY(rml_lake_checkpoint(lake, name.data, &info, err));
    rml_json_object(w);
    rml_json_kv_str(w, "table", name);
    rml_json_kv_i64(w, "version", info.version);
    rml_json_kv_i64(w, "commits", (int64_t)info.commits);
    rml_json_kv_bool(w, "written", info.written);
    rml_json_object_end(w);
    return RML_OK;
}

static rml_status vacuum(rml_call *call, rml_lake *lake, rml_str name,
                         const rml_lake_vacuum_options *options, rml_error *err)
{
    rml_lake_vacuum_result made;
    rml_json_writer *w = &call->writer;
    rml_array paths = RML_ARRAY(rml_str);
    rml_status st = rml_lake_vacuum(lake, name.data, options, &call->arena, &paths, &made, err);
    if (st == RML_OK) {
        rml_json_object(w);
        rml_json_kv_str(w, "table", name);
        rml_json_kv_i64(w, "files", (int64_t)made.files);
        rml_json_kv_i64(w, "bytes", (int64_t)made.bytes);
        rml_json_kv_i64(w, "kept_young", (int64_t)made.kept_young);
        rml_json_key(w, "paths");
        rml_json_list(w);
        for (size_t i = 0; i < paths.count; i++) {
            rml_json_str(w, *RML_AT(&paths, rml_str, i));
        }
        rml_json_list_end(w);
        rml_json_object_end(w);
    }
    rml_array_reset(&paths);
    return st;
}

static rml_status check(rml_call *call, rml_lake *lake, rml_str name,
                        const rml_lake_vacuum_options *options, rml_error *err)
{
    rml_lake_check_result made;
    rml_json_writer *w = &call->writer;
    rml_array faults = RML_ARRAY(rml_lake_fault);
    (void)options;
    rml_status st = rml_lake_check(lake, name.data, &call->arena, &faults, &made, err);
    if (st == RML_OK) {
        rml_json_object(w);
        rml_json_kv_str(w, "table", name);
        rml_json_kv_i64(w, "files", (int64_t)made.files);
        rml_json_kv_i64(w, "bytes", (int64_t)made.bytes);
        rml_json_kv_i64(w, "untold", (int64_t)made.untold);
        rml_json_key(w, "wrong");
        rml_json_list(w);
        for (size_t i = 0; i < faults.count; i++) {
            const rml_lake_fault *fault = RML_AT(&faults, rml_lake_fault, i);
            char expected[RML_HASH_TEXT], found[RML_HASH_TEXT];
            rml_hash_text(&fault->expected, expected);
            rml_hash_text(&fault->found, found);
            rml_json_object(w);
            rml_json_kv_str(w, "path", fault->path);
            rml_json_kv_str(w, "expected", rml_str_of(expected));
            rml_json_kv_str(w, "found", rml_str_of(fault->missing ? "" : found));
            rml_json_object_end(w);
        }
        rml_json_list_end(w);
        rml_json_object_end(w);
        call->lossy = call->lossy || faults.count > 0;
    }
    rml_array_reset(&faults);
    return st;
}

// The tables named, or all.
static rml_status for_each_table(rml_call *call, upkeep *keep,
                                 const rml_lake_vacuum_options *options, rml_error *err)
{
    rml_home *home = NULL;
    rml_str *named;
    size_t count;
    RML_TRY(rml_call_list(call, "TABLE", &named, &count, err));
    RML_TRY(rml_call_home(call, false, &home, err));
    rml_array tables = RML_ARRAY(rml_lake_table);
    rml_status st = count > 0 ? RML_OK : rml_lake_tables(home->lake, &call->arena, &tables, err);
    for (size_t i = 0; st == RML_OK && i < count; i++) {
        rml_lake_table table; // all are known before the first is touched
        st = rml_lake_table_get(home->lake, named[i].data, &table, err);
    }
    rml_json_object(&call->writer);
    rml_json_key(&call->writer, "tables");
    rml_json_list(&call->writer);
    for (size_t i = 0; st == RML_OK && i < (count > 0 ? count : tables.count); i++) {
        rml_str name = count > 0 ? named[i] : RML_AT(&tables, rml_lake_table, i)->name;
        st = keep(call, home->lake, name, options, err);
    }
    rml_json_list_end(&call->writer);
    rml_json_object_end(&call->writer);
    rml_array_reset(&tables);
    return st;
}

static rml_status run_optimize(rml_call *call, rml_error *err)
{
    return for_each_table(call, optimize, NULL, err);
}

static rml_status run_check(rml_call *call, rml_error *err)
{
    return for_each_table(call, check, NULL, err);
}

static rml_status run_vacuum(rml_call *call, rml_error *err)
{
    const rml_lake_vacuum_options options = {.retain_hours = rml_call_i64(call, "retain"),
                                             .insist = rml_call_flag(call, "insist"),
                                             .keep = rml_call_flag(call, "dry-run")};
    return for_each_table(call, vacuum, &options, err);
}

static const rml_option arguments[] = {
    {"TABLE", .type = RML_OPTION_NAME, .kind = "table", .repeated = true},
    {0},
};
static const rml_option vacuum_options[] = {
    {"retain", .type = RML_OPTION_INT, .value = "HOURS",
     .help = "keep what was written or removed since", .fallback = "168", .unit = "hours", .low = 0,
     .high = 1000000},
    {"insist", .help = "allow less than 168 hours: nobody writes, or reads older versions"},
    {"dry-run", .help = "name the files, remove none"},
    {0},
};
_Static_assert(RML_LAKE_RETAIN_HOURS == 168, "the default of --retain, and what --insist allows");
static const rml_view check_view[] = {
    {.each = "tables.wrong",
     .line = "{path}: expected SHA-256 {expected}, found [{found}][{found!}no file]; bring it back "
             "from a copy"},
    {.each = "tables",
     .line =
         "{table}: {files} files, {bytes:bytes}, {wrong:count} not as the log says; {untold} of "
         "other programs"},
    {0},
};
static const rml_view optimize_view[] = {
    {.each = "tables",
     .when = "{written?}",
     .line = "{table}: checkpoint of version {version} over {commits} commits"},
    {.each = "tables",
     .when = "{written!}",
     .line = "{table}: version {version} has its checkpoint"},
    {0},
};
static const rml_view vacuum_view[] = {
    {.when = "{$dry-run?}", .each = "tables.paths", .line = "{.}"},
    {.each = "tables",
     .line = "{table}: {files} files, {bytes:bytes} [{$dry-run?}would be ]removed; {kept_young} "
             "not needed "
             "but younger"},
    {0},
};

const rml_command rml_lake_upkeep_commands[] = {
    {
        .name = "lake check",
        .summary = "read every file and compare it with its SHA-256 in the log; exit code 3 if one "
                   "differs",
        .example = "roadmill lake check",
        .arguments = arguments,
        .view = check_view,
        .run = run_check,
    },
    {
        .name = "lake optimize",
        .summary = "write checkpoints, so that tables with long logs open at once",
        .example = "roadmill lake optimize",
        .arguments = arguments,
        .view = optimize_view,
        .run = run_optimize,
    },
    {
        .name = "lake vacuum",
        .summary = "remove files that no version of the last days needs",
        .example = "roadmill lake vacuum --dry-run",
        .arguments = arguments,
        .options = vacuum_options,
        .view = vacuum_view,
        .run = run_vacuum,
    },
    {0},
};
