// `log info`: what recordings hold, by their index where it tells; what they lack with --full.
// `log doctor`: what is odd about them, down to messages that their schema does not fit.
#include "command.h"
#include "log_sensor.h"
#include "roadmill/log.h"
#include "roadmill/message/ros.h"

// ---- log info ----------------------------------------------------------------------------------

static void print_head(rml_cli *cli, rml_str file, const rml_log *log, const rml_log_ledger *l)
{
    int64_t start_ns = 0, end_ns = 0;
    rml_cli_print(cli, "%.*s: %s, %llu bytes, %llu messages", RML_FMT(file),
                  rml_log_format_name(log), (unsigned long long)l->bytes,
                  (unsigned long long)l->messages);
    if (rml_log_ledger_span(l, &start_ns, &end_ns)) {
        char from[40];
        rml_clock_text(start_ns, from);
        rml_cli_print(cli, ", %.3f s from %s", (double)(end_ns - start_ns) * 1e-9, from);
    }
    rml_cli_print(cli, ", %s%s\n", rml_log_completeness(l), l->has_index ? "" : ", no index");
}

static void print_kind(rml_cli *cli, rml_cli_table *table, const rml_log_channel *c,
                       uint64_t messages)
{
    rml_cli_table_cell(cli, table, "%.*s", RML_FMT(c->topic));
    rml_cli_table_cell(cli, table, "%.*s", RML_FMT(c->schema_name));
    rml_cli_table_cell(cli, table, "%.*s", RML_FMT(c->message_encoding));
    rml_cli_table_cell(cli, table, "%llu", (unsigned long long)messages);
}

static void print_by_index(rml_cli *cli, const rml_log *log, const rml_log_ledger *l)
{
    static const char *const heads[] = {"topic", "type", "encoding", "count"};
    size_t count;
    const rml_log_channel *channels = rml_log_channels(log, &count);
    rml_cli_table table;
    rml_cli_table_begin(&table, heads, sizeof heads / sizeof *heads);
    for (size_t i = 0; i < count; i++) {
        print_kind(cli, &table, &channels[i], l->channels[i].messages);
    }
    rml_cli_table_end(cli, &table);
    rml_cli_print(cli, "by its index; --full reads every message: rates, gaps, order, damage\n");
}

static void print_full(rml_cli *cli, const rml_log *log, const rml_log_ledger *l)
{
    static const char *const heads[] = {"topic",     "type",  "encoding",     "count",     "Hz",
                                        "gap max s", "drops", "out of order", "duplicates"};
    size_t count;
    const rml_log_channel *channels = rml_log_channels(log, &count);
    rml_cli_table table;
    rml_cli_table_begin(&table, heads, sizeof heads / sizeof *heads);
    for (size_t i = 0; i < count; i++) {
        const rml_log_channel_ledger *c = &l->channels[i];
        double span_s = (double)(c->last_ns - c->first_ns) * 1e-9;
        print_kind(cli, &table, &channels[i], c->messages);
        if (span_s > 0) {
            rml_cli_table_cell(cli, &table, "%.2f", (double)(c->messages - 1) / span_s);
        } else {
            rml_cli_table_cell(cli, &table, "%s", "");
        }
        rml_cli_table_cell(cli, &table, "%.3f", (double)c->gap_ns_max * 1e-9);
        rml_cli_table_cell(cli, &table, "%llu", (unsigned long long)c->sequence_drops);
        rml_cli_table_cell(cli, &table, "%llu", (unsigned long long)c->out_of_order);
        rml_cli_table_cell(cli, &table, "%llu", (unsigned long long)c->duplicates);
    }
    rml_cli_table_end(cli, &table);
}

// The ledger of a log: by its index where that tells enough and reading is not asked for.
static rml_status ledger_of(rml_cli *cli, rml_log *log, log_sensor *sensor, bool full,
                            rml_log_ledger *out, rml_error *err)
{
    const rml_log_sensor says = log_sensor_of(sensor);
    rml_status st = full ? RML_END : rml_log_summarise(log, &cli->arena, out, err);
    return st != RML_END ? st : rml_log_inspect(log, &cli->arena, &says, out, &cli->progress, err);
}

static void write_json(rml_cli *cli, rml_str file, const rml_log *log, const rml_log_ledger *ledger,
                       const log_sensor *sensor)
{
    rml_json_object(&cli->writer);
    rml_json_kv_str(&cli->writer, "file", file);
    if (sensor->decodes) {
        rml_json_kv_i64(&cli->writer, "misfits", (int64_t)sensor->misfit_count);
    }
    rml_json_key(&cli->writer, "ledger");
    rml_log_ledger_json(ledger, log, NULL, &cli->writer);
    rml_json_object_end(&cli->writer);
}

static rml_status info_file(rml_cli *cli, rml_str file, rml_error *err)
{
    rml_log *log = NULL;
    rml_log_ledger ledger;
    const rml_log_options options = {.threads = rml_pool_threads(cli->pool)};
    RML_TRY(rml_log_open(file, &options, &log, err));
    log_sensor sensor = LOG_SENSOR(file);
    rml_status st = ledger_of(cli, log, &sensor, rml_cli_flag(cli, "--full"), &ledger, err);
    if (st == RML_OK) {
        if (cli->json) {
            write_json(cli, file, log, &ledger, &sensor);
        }
        print_head(cli, file, log, &ledger);
        (ledger.by_index ? print_by_index : print_full)(cli, log, &ledger);
        st = cli->json ? RML_OK : rml_log_ledger_words(&ledger, log, &cli->output, err);
        cli->exit_code = ledger.faults > 0 ? 3 : cli->exit_code;
    }
    log_sensor_reset(&sensor);
    rml_log_close(log);
    return st;
}

// ---- log doctor --------------------------------------------------------------------------------

// The hash of a type that the recording states, and that of the definition that it carries; false
// where it lacks one of both.
static bool type_hashes(const rml_log_channel *c, rml_str file, rml_str *stated,
                        char own[RML_ROS2_HASH_TEXT])
{
    rml_str text = rml_str_of_bytes(c->schema);
    if (rml_str_equal(c->schema_encoding, RML_STR("ros1msg"))) {
        *stated = rml_log_pair_of(c, "md5sum");
        return stated->len == RML_MD5_TEXT - 1 && // "*" is any
               rml_ros1_md5(c->schema_name, text, file, own, NULL) == RML_OK;
    }
    *stated = rml_log_pair_of(c, "type_description_hash");
    *stated = stated->len > 0 ? *stated : rml_log_pair_of(c, "topic_type_hash");
    return rml_str_equal(c->schema_encoding, RML_STR("ros2msg")) &&
           rml_str_starts(*stated, RML_STR(RML_RIHS01)) &&
           rml_ros2_hash(c->schema_name, text, file, own, NULL) == RML_OK;
}

// Definitions that are not those of the types that messages were written as.
static size_t print_type_hashes(rml_cli *cli, rml_str file, const rml_log *log)
{
    size_t count, odd = 0;
    const rml_log_channel *channels = rml_log_channels(log, &count);
    for (size_t i = 0; i < count; i++) {
        rml_str stated;
        char own[RML_ROS2_HASH_TEXT];
        if (type_hashes(&channels[i], file, &stated, own) &&
            !rml_str_equal(stated, rml_str_of(own))) {
            odd++;
            rml_cli_print(cli,
                          "%.*s: the definition of %.*s is not that of its type: its hash is %s, "
                          "the recording states %.*s\n",
                          RML_FMT(channels[i].topic), RML_FMT(channels[i].schema_name), own,
                          RML_FMT(stated));
        }
    }
    return odd;
}

static void print_misfits(rml_cli *cli, const log_sensor *sensor, const rml_log *log)
{
    size_t count;
    const rml_log_channel *channels = rml_log_channels(log, &count);
    for (size_t i = 0; i < sensor->plans.plans.count && i < count; i++) {
        const log_plan *plan = RML_AT(&sensor->plans.plans, log_plan, i);
        const log_misfits *m =
            i < sensor->misfits.count ? RML_AT(&sensor->misfits, log_misfits, i) : NULL;
        char text[1200];
        if (m != NULL && m->count > 0) {
            rml_error_text(&m->first, text, sizeof text);
            rml_cli_print(cli, "%.*s: %llu messages do not fit %.*s, the first: %s\n",
                          RML_FMT(channels[i].topic), (unsigned long long)m->count,
                          RML_FMT(channels[i].schema_name), text);
        } else if (plan->tried && plan->plan == NULL) {
            rml_error_text(&plan->why, text, sizeof text);
            rml_cli_print(cli, "%.*s: cannot be decoded: %s\n", RML_FMT(channels[i].topic), text);
        }
    }
}

static rml_status doctor_file(rml_cli *cli, rml_str file, rml_error *err)
{
    rml_log *log = NULL;
    rml_log_ledger ledger;
    const rml_log_options options = {.threads = rml_pool_threads(cli->pool)};
    RML_TRY(rml_log_open(file, &options, &log, err));
    log_sensor sensor = LOG_SENSOR(file);
    sensor.decodes = true;
    rml_status st = ledger_of(cli, log, &sensor, true, &ledger, err);
    if (st == RML_OK) {
        if (cli->json) {
            write_json(cli, file, log, &ledger, &sensor);
        }
        print_head(cli, file, log, &ledger);
        size_t before = cli->output.len;
        st = cli->json ? RML_OK : rml_log_ledger_words(&ledger, log, &cli->output, err);
        print_misfits(cli, &sensor, log);
        size_t wrong_types = print_type_hashes(cli, file, log);
        bool odd = ledger.faults > 0 || sensor.misfit_count > 0 || cli->output.len > before;
        rml_cli_print(cli, odd ? "" : "nothing odd\n");
        cli->exit_code =
            ledger.faults > 0 || sensor.misfit_count > 0 || wrong_types > 0 ? 3 : cli->exit_code;
    }
    log_sensor_reset(&sensor);
    rml_log_close(log);
    return st;
}

// ---- The commands ------------------------------------------------------------------------------

static rml_status for_each_file(rml_cli *cli, rml_status (*tell)(rml_cli *, rml_str, rml_error *),
                                rml_error *err)
{
    if (cli->json) {
        rml_json_object(&cli->writer);
        rml_json_key(&cli->writer, "recordings");
        rml_json_list(&cli->writer);
    }
    for (size_t i = 0; i < cli->argument_count; i++) {
        RML_TRY(tell(cli, rml_str_of(cli->arguments[i]), err));
    }
    if (cli->json) {
        rml_json_list_end(&cli->writer);
        rml_json_object_end(&cli->writer);
    }
    return RML_OK;
}

static rml_status run_info(rml_cli *cli, rml_error *err)
{
    return for_each_file(cli, info_file, err);
}

static rml_status run_doctor(rml_cli *cli, rml_error *err)
{
    return for_each_file(cli, doctor_file, err);
}

static const rml_option info_options[] = {
    {"--full", NULL, "read every message: rates, gaps, drops, order, clocks, damage"},
};

static const rml_command commands[] = {
    {
        .name = "log info",
        .arguments = "FILE…",
        .summary = "say what recordings hold; with --full also what they lack",
        .example = "roadmill log info recordings/drive_0000.mcap",
        .arguments_min = 1,
        .arguments_max = -1,
        .options = info_options,
        .option_count = sizeof info_options / sizeof *info_options,
        .run = run_info,
    },
    {
        .name = "log doctor",
        .arguments = "FILE…",
        .summary = "read and decode every message and say what is odd; exit code 3 for damage",
        .example = "roadmill log doctor recordings/drive_0000.mcap",
        .arguments_min = 1,
        .arguments_max = -1,
        .run = run_doctor,
    },
};

const rml_command_group rml_log_info_commands = {commands, sizeof commands / sizeof *commands};
