// Commands that write a recording from others: `log recover`, `log sort`, `log merge`, `log
// filter`, `log convert`. They differ in what they ask for; the account is the same.
#include <string.h>

#include "command.h"
#include "log_open.h"
#include "log_where.h"
#include "roadmill/convert.h"

#define LOSSES_SHOWN 10

static void print_losses(rml_cli *cli, const rml_convert_account *a)
{
    for (size_t i = 0; i < a->loss_count && i < LOSSES_SHOWN; i++) {
        const rml_convert_loss *l = &a->losses[i];
        char before[40] = "the beginning", after[40] = "the end";
        if (l->has_before) {
            rml_clock_text(l->before_ns, before);
        }
        if (l->has_after) {
            rml_clock_text(l->after_ns, after);
        }
        rml_cli_print(cli, "lost between %s and %s: %.*s\n", before, after, RML_FMT(l->what));
    }
    if (a->loss_count > LOSSES_SHOWN) {
        rml_cli_print(cli, "and %llu places more\n",
                      (unsigned long long)(a->faults - LOSSES_SHOWN));
    }
    for (size_t i = 0; i < a->channel_count; i++) {
        const rml_convert_channel *c = &a->channels[i];
        if (c->expected_known && c->expected > c->in && a->faults > 0) {
            rml_cli_print(cli, "%.*s: %llu of %llu messages lost\n", RML_FMT(c->topic),
                          (unsigned long long)(c->expected - c->in),
                          (unsigned long long)c->expected);
        }
    }
}

static void print_account(rml_cli *cli, const char *path, const rml_convert_account *a)
{
    rml_cli_print(cli, "%s: %.*s, %llu messages in %zu channels%s\n", path, RML_FMT(a->to),
                  (unsigned long long)a->messages_kept, a->channel_count,
                  a->verified ? ", read back and equal" : "");
    rml_cli_print(cli, "messages: %llu in = %llu kept + %llu left out + %llu failed\n",
                  (unsigned long long)a->messages_in, (unsigned long long)a->messages_kept,
                  (unsigned long long)a->messages_left_out, (unsigned long long)a->messages_failed);
    rml_cli_print(cli, "bytes: %llu in = %llu kept + %llu lost\n", (unsigned long long)a->bytes_in,
                  (unsigned long long)a->bytes_kept, (unsigned long long)a->bytes_lost);
    if (a->extras_kept + a->extras_dropped > 0) {
        rml_cli_print(cli, "attachments, metadata, events: %llu kept, %llu dropped\n",
                      (unsigned long long)a->extras_kept, (unsigned long long)a->extras_dropped);
    }
    print_losses(cli, a);
    for (size_t i = 0; i < a->note_count; i++) {
        rml_cli_print(cli, "%s: %.*s (%.*s)\n", a->notes[i].fate, RML_FMT(a->notes[i].what),
                      RML_FMT(a->notes[i].why));
    }
}

// The manifest: the account as JSON beside the output, or where --manifest says.
static rml_status write_manifest(rml_cli *cli, const rml_convert_account *a, rml_error *err)
{
    const char *path = rml_cli_value(cli, "--manifest");
    rml_buffer text = {0};
    rml_json_writer w;
    if (path == NULL) {
        return RML_OK;
    }
    rml_json_writer_init(&w, &text, err);
    w.pretty = true;
    rml_convert_json(a, &w);
    rml_status st = rml_json_finish(&w);
    st = st ? st : rml_buffer_str(&text, RML_STR("\n"), err);
    st = st ? st : rml_store_put(rml_str_of(path), rml_buffer_bytes(&text), err);
    rml_buffer_reset(&text);
    return st;
}

static rml_status move(rml_cli *cli, rml_convert_options *options, rml_error *err)
{
    const char *path = rml_cli_value(cli, "--out");
    rml_convert_account account;
    rml_str *files;
    if (path == NULL) {
        return rml_fail(err, RML_ERR_ARGUMENT, (rml_place){0}, NULL,
                        "expected --out FILE (or --out - for standard output), found none");
    }
    RML_TRY(log_arguments(cli, 0, &files, err));
    options->read.threads = rml_pool_threads(cli->pool);
    options->write.format = rml_cli_value(cli, "--to");
    options->write.compression = rml_cli_value(cli, "--compression");
    RML_TRY(rml_convert(files, cli->argument_count, path, options, &cli->progress, &cli->arena,
                        &account, err));
    RML_TRY(write_manifest(cli, &account, err));
    cli->exit_code = account.faults > 0 || account.bytes_lost > 0 ? 3 : 0;
    if (cli->json) {
        rml_convert_json(&account, &cli->writer);
    } else if (strcmp(path, "-") != 0) {
        print_account(cli, path, &account);
    }
    return RML_OK;
}

static rml_status run_convert(rml_cli *cli, rml_error *err)
{
    rml_convert_options options = {.messages = rml_cli_value(cli, "--messages")};
    bool known = options.messages == NULL || strcmp(options.messages, "ros1") == 0 ||
                 strcmp(options.messages, "ros2") == 0;
    return known ? move(cli, &options, err)
                 : rml_fail(err, RML_ERR_ARGUMENT, (rml_place){0}, NULL,
                            "expected --messages ros1 or ros2, found \"%s\"", options.messages);
}

static rml_status run_recover(rml_cli *cli, rml_error *err)
{
    rml_convert_options options = {0};
    return move(cli, &options, err);
}

static rml_status run_sort(rml_cli *cli, rml_error *err)
{
    rml_convert_options options = {.read.order = RML_LOG_TIME_ORDER};
    return move(cli, &options, err);
}

static rml_status run_filter(rml_cli *cli, rml_error *err)
{
    log_where where;
    rml_convert_options options = {.context = &where};
    RML_TRY(log_filter_options(cli, &options.read, err));
    RML_TRY(log_where_open(&where, cli, err));
    options.keep = where.condition != NULL ? log_where_holds : NULL;
    rml_status st = move(cli, &options, err);
    log_where_close(&where);
    return st;
}

#define MOVE_OPTIONS                                                                               \
    {"--out", "FILE", "the recording to write; - is standard output (MCAP)"},                      \
        {"--to", "CONTAINER", "mcap, bag or ros2 (default: by the name of the output)"},           \
        {"--compression", "NAME", "of its chunks: none, lz4, zstd (MCAP), bz2 (bag)"},             \
    {                                                                                              \
        "--manifest", "FILE", "write the account there as JSON"                                    \
    }

static const rml_option move_options[] = {MOVE_OPTIONS};
static const rml_option convert_options[] = {
    MOVE_OPTIONS,
    {"--messages", "ROS",
     "ros1 or ros2: rewrite messages of the other ROS (a bag, a ROS 2 bag: always)"},
};
static const rml_option filter_options[] = {LOG_FILTER_OPTIONS, LOG_WHERE_OPTION, MOVE_OPTIONS};

#define ONE_FILE .arguments = "FILE", .arguments_min = 1, .arguments_max = 1
#define OPTIONS(list) .options = list, .option_count = sizeof list / sizeof *list

static const rml_command commands[] = {
    {
        .name = "log recover",
        ONE_FILE,
        .summary = "save what can be read of a damaged recording, with an account of what was lost",
        .example = "roadmill log recover torn.mcap --out saved.mcap",
        OPTIONS(move_options),
        .run = run_recover,
    },
    {
        .name = "log sort",
        ONE_FILE,
        .summary = "write a recording in the order of log time",
        .example = "roadmill log sort unsorted.bag --out sorted.bag",
        OPTIONS(move_options),
        .run = run_sort,
    },
    {
        .name = "log merge",
        .arguments = "FILE…",
        .arguments_min = 1,
        .arguments_max = -1,
        .summary = "write several recordings as one, in the order of log time",
        .example = "roadmill log merge front.mcap rear.mcap --out drive.mcap",
        OPTIONS(move_options),
        .run = run_sort,
    },
    {
        .name = "log filter",
        ONE_FILE,
        .summary = "write the messages of some topics, of a span of time, or that meet a condition",
        .example = "roadmill log filter drive.mcap --topic /imu --out imu.mcap",
        OPTIONS(filter_options),
        .run = run_filter,
    },
    {
        .name = "log convert",
        ONE_FILE,
        .summary = "write a recording in another container, with a manifest of what became of it",
        .example = "roadmill log convert drive.bag --out drive.mcap --manifest drive.json",
        OPTIONS(convert_options),
        .run = run_convert,
    },
};

const rml_command_group rml_log_move_commands = {commands, sizeof commands / sizeof *commands};
