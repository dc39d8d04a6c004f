// `lake check`, `lake optimize` and `lake vacuum`: upkeep of the tables.
#include <inttypes.h>

#include "command.h"
#include "roadmill/lake/upkeep.h"

// The tables named, or all.
static rml_status tables_of(rml_cli *cli, rml_lake *lake, rml_array *out, rml_error *err)
{
    if (cli->argument_count == 0) {
        return rml_lake_tables(lake, &cli->arena, out, err);
    }
    for (size_t i = 0; i < cli->argument_count; i++) {
        rml_lake_table *table = rml_array_push(out, err);
        if (table == NULL) {
            return RML_ERR_MEMORY;
        }
        RML_TRY(rml_lake_table_get(lake, cli->arguments[i], table, err));
    }
    return RML_OK;
}

static rml_status optimize(rml_cli *cli, rml_lake *lake, rml_str name, rml_error *err)
{
    rml_lake_checkpoint_info info;
    RML_TRY(rml_lake_checkpoint(lake, name.data, &info, err));
    if (cli->json) {
        rml_json_object(&cli->writer);
        rml_json_kv_str(&cli->writer, "table", name);
        rml_json_kv_i64(&cli->writer, "version", info.version);
        rml_json_kv_i64(&cli->writer, "commits", (int64_t)info.commits);
        rml_json_kv_bool(&cli->writer, "written", info.written);
        rml_json_object_end(&cli->writer);
    }
    rml_cli_print(cli,
                  info.written ? "%.*s: checkpoint of version %" PRId64 " over %" PRIu64
                                 " commits\n"
                               : "%.*s: version %" PRId64 " has its checkpoint\n",
                  RML_FMT(name), info.version, info.commits);
    return RML_OK;
}

static rml_status vacuum(rml_cli *cli, rml_lake *lake, rml_str name,
                         const rml_lake_vacuum_options *options, rml_error *err)
{
    rml_lake_vacuum_result made;
    rml_array paths = RML_ARRAY(rml_str);
    rml_status st = rml_lake_vacuum(lake, name.data, options, &cli->arena, &paths, &made, err);
    if (st == RML_OK && cli->json) {
        rml_json_object(&cli->writer);
        rml_json_kv_str(&cli->writer, "table", name);
        rml_json_kv_i64(&cli->writer, "files", (int64_t)made.files);
        rml_json_kv_i64(&cli->writer, "bytes", (int64_t)made.bytes);
        rml_json_kv_i64(&cli->writer, "kept_young", (int64_t)made.kept_young);
        rml_json_object_end(&cli->writer);
    }
    for (size_t i = 0; st == RML_OK && options->keep && i < paths.count; i++) {
        rml_cli_print(cli, "%.*s\n", RML_FMT(*RML_AT(&paths, rml_str, i)));
    }
    if (st == RML_OK) {
        rml_cli_print(cli,
                      "%.*s: %" PRIu64 " files, %" PRIu64 " bytes %s; %" PRIu64
                      " not needed but younger\n",
                      RML_FMT(name), made.files, made.bytes,
                      options->keep ? "would be removed" : "removed", made.kept_young);
    }
    rml_array_reset(&paths);
    return st;
}

static rml_status check(rml_cli *cli, rml_lake *lake, rml_str name, uint64_t *wrong, rml_error *err)
{
    rml_lake_check_result made;
    rml_array faults = RML_ARRAY(rml_lake_fault);
    rml_status st = rml_lake_check(lake, name.data, &cli->arena, &faults, &made, err);
    if (st == RML_OK && cli->json) {
        rml_json_object(&cli->writer);
        rml_json_kv_str(&cli->writer, "table", name);
        rml_json_kv_i64(&cli->writer, "files", (int64_t)made.files);
        rml_json_kv_i64(&cli->writer, "bytes", (int64_t)made.bytes);
        rml_json_kv_i64(&cli->writer, "untold", (int64_t)made.untold);
        rml_json_key(&cli->writer, "wrong");
        rml_json_list(&cli->writer);
    }
    for (size_t i = 0; st == RML_OK && i < faults.count; i++) {
        const rml_lake_fault *fault = RML_AT(&faults, rml_lake_fault, i);
        char expected[RML_HASH_TEXT], found[RML_HASH_TEXT];
        rml_hash_text(&fault->expected, expected);
        rml_hash_text(&fault->found, found);
        if (cli->json) {
            rml_json_str(&cli->writer, fault->path);
        }
        rml_cli_print(cli, "%.*s: expected SHA-256 %s, found %s\n", RML_FMT(fault->path), expected,
                      fault->missing ? "no file" : found);
    }
    if (st == RML_OK && cli->json) {
        rml_json_list_end(&cli->writer);
        rml_json_object_end(&cli->writer);
    }
    if (st == RML_OK) {
        *wrong += faults.count;
        rml_cli_print(cli,
                      "%.*s: %" PRIu64 " files, %" PRIu64
                      " bytes, %zu not as the log says; %" PRIu64 " of other programs\n",
                      RML_FMT(name), made.files, made.bytes, faults.count, made.untold);
    }
    rml_array_reset(&faults);
    return st;
}

// What is done to each table. options: of vacuum; wrong: of check.
typedef struct upkeep {
    const rml_lake_vacuum_options *options;
    uint64_t *wrong;
} upkeep;

static rml_status keep_up(rml_cli *cli, rml_lake *lake, rml_str name, const upkeep *what,
                          rml_error *err)
{
    return what->wrong != NULL     ? check(cli, lake, name, what->wrong, err)
           : what->options != NULL ? vacuum(cli, lake, name, what->options, err)
                                   : optimize(cli, lake, name, err);
}

static rml_status for_each_table(rml_cli *cli, const upkeep *what, rml_error *err)
{
    rml_home *home = NULL;
    RML_TRY(rml_cli_home(cli, false, &home, err));
    rml_array tables = RML_ARRAY(rml_lake_table);
    rml_status st = tables_of(cli, home->lake, &tables, err);
    if (st == RML_OK && cli->json) {
        rml_json_object(&cli->writer);
        rml_json_key(&cli->writer, "tables");
        rml_json_list(&cli->writer);
    }
    for (size_t i = 0; st == RML_OK && i < tables.count; i++) {
        rml_str name = cli->argument_count > 0 ? rml_str_of(cli->arguments[i])
                                               : RML_AT(&tables, rml_lake_table, i)->name;
        st = keep_up(cli, home->lake, name, what, err);
    }
    if (st == RML_OK && cli->json) {
        rml_json_list_end(&cli->writer);
        rml_json_object_end(&cli->writer);
    }
    rml_array_reset(&tables);
    return st;
}

static rml_status run_optimize(rml_cli *cli, rml_error *err)
{
    return for_each_table(cli, &(upkeep){0}, err);
}

static rml_status run_check(rml_cli *cli, rml_error *err)
{
    uint64_t wrong = 0;
    RML_TRY(for_each_table(cli, &(upkeep){.wrong = &wrong}, err));
    return wrong == 0
               ? RML_OK
               : rml_fail(err, RML_ERR_CONFLICT, (rml_place){0},
                          "bring the files back from a copy; roadmill recordings tells "
                          "which recording each owner is",
                          "expected every file as the log says, found %" PRIu64 " that are not",
                          wrong);
}

static rml_status run_vacuum(rml_cli *cli, rml_error *err)
{
    rml_lake_vacuum_options options = {.retain_hours = RML_LAKE_RETAIN_HOURS,
                                       .insist = rml_cli_flag(cli, "--insist"),
                                       .keep = rml_cli_flag(cli, "--dry-run")};
    RML_TRY(rml_cli_i64(cli, "--retain", 0, 1000000, &options.retain_hours, err));
    return for_each_table(cli, &(upkeep){.options = &options}, err);
}

static const rml_option vacuum_options[] = {
    {"--retain", "HOURS", "keep what was written or removed since (default and least: 168)"},
    {"--insist", NULL, "allow less than 168 hours: nobody writes, or reads older versions"},
    {"--dry-run", NULL, "name the files, remove none"},
};

static const rml_command commands[] = {
    {
        .name = "lake check",
        .arguments = "[TABLE…]",
        .summary = "read every file and compare it with the SHA-256 that the log holds",
        .example = "roadmill lake check",
        .arguments_max = -1,
        .run = run_check,
    },
    {
        .name = "lake optimize",
        .arguments = "[TABLE…]",
        .summary = "write checkpoints, so that tables with long logs open at once",
        .example = "roadmill lake optimize",
        .arguments_max = -1,
        .run = run_optimize,
    },
    {
        .name = "lake vacuum",
        .arguments = "[TABLE…]",
        .summary = "remove files that no version of the last days needs",
        .example = "roadmill lake vacuum --dry-run",
        .arguments_max = -1,
        .options = vacuum_options,
        .option_count = sizeof vacuum_options / sizeof *vacuum_options,
        .run = run_vacuum,
    },
};

const rml_command_group rml_lake_upkeep_commands = {commands, sizeof commands / sizeof *commands};
