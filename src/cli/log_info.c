// `log info`: what recordings hold and what they lack.
#include "command.h"
#include "log_sensor.h"
#include "roadmill/log.h"
#include "roadmill/message.h"

// ---- log info ----------------------------------------------------------------------------------

static void print_info(rml_cli *cli, rml_str file, const rml_log *log, const rml_log_ledger *l)
{
    int64_t start_ns = 0, end_ns = 0;
    size_t count;
    const rml_log_channel *channels = rml_log_channels(log, &count);
    rml_cli_print(cli, "%.*s: %s, %llu bytes, %llu messages", RML_FMT(file),
                  rml_log_format_name(log), (unsigned long long)l->bytes,
                  (unsigned long long)l->messages);
    if (rml_log_ledger_span(l, &start_ns, &end_ns)) {
        char from[40];
        rml_clock_text(start_ns, from);
        rml_cli_print(cli, ", %.3f s from %s", (double)(end_ns - start_ns) * 1e-9, from);
    }
    rml_cli_print(cli, ", %s%s\n", rml_log_completeness(l), l->has_index ? "" : ", no index");
    static const char *const heads[] = {"topic",     "type",  "encoding",     "count",     "Hz",
                                        "gap max s", "drops", "out of order", "duplicates"};
    rml_cli_table table;
    rml_cli_table_begin(&table, heads, sizeof heads / sizeof *heads);
    for (size_t i = 0; i < count; i++) {
        const rml_log_channel_ledger *c = &l->channels[i];
        double span_s = (double)(c->last_ns - c->first_ns) * 1e-9;
        rml_cli_table_cell(cli, &table, "%.*s", RML_FMT(channels[i].topic));
        rml_cli_table_cell(cli, &table, "%.*s", RML_FMT(channels[i].schema_name));
        rml_cli_table_cell(cli, &table, "%.*s", RML_FMT(channels[i].message_encoding));
        rml_cli_table_cell(cli, &table, "%llu", (unsigned long long)c->messages);
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

static rml_status info_file(rml_cli *cli, rml_str file, rml_error *err)
{
    rml_log *log = NULL;
    rml_log_ledger ledger;
    RML_TRY(rml_log_open(file, NULL, &log, err));
    log_sensor sensor = LOG_SENSOR(file);
    const rml_log_sensor says = log_sensor_of(&sensor);
    rml_status st = rml_log_inspect(log, &cli->arena, &says, &ledger, &cli->progress, err);
    log_sensor_reset(&sensor);
    if (st == RML_OK) {
        if (cli->json) {
            rml_json_object(&cli->writer);
            rml_json_kv_str(&cli->writer, "file", file);
            rml_json_key(&cli->writer, "ledger");
            rml_log_ledger_json(&ledger, log, NULL, &cli->writer);
            rml_json_object_end(&cli->writer);
        }
        print_info(cli, file, log, &ledger);
        st = cli->json ? RML_OK : rml_log_ledger_words(&ledger, log, &cli->output, err);
        cli->exit_code = ledger.faults > 0 ? 3 : cli->exit_code;
    }
    rml_log_close(log);
    return st;
}

static rml_status run_info(rml_cli *cli, rml_error *err)
{
    if (cli->json) {
        rml_json_object(&cli->writer);
        rml_json_key(&cli->writer, "recordings");
        rml_json_list(&cli->writer);
    }
    for (size_t i = 0; i < cli->argument_count; i++) {
        RML_TRY(info_file(cli, rml_str_of(cli->arguments[i]), err));
    }
    if (cli->json) {
        rml_json_list_end(&cli->writer);
        rml_json_object_end(&cli->writer);
    }
    return RML_OK;
}

static const rml_command commands[] = {
    {
        .name = "log info",
        .arguments = "FILE…",
        .summary = "read recordings whole and say what they hold and what they lack",
        .example = "roadmill log info recordings/drive_0000.mcap",
        .arguments_min = 1,
        .arguments_max = -1,
        .run = run_info,
    },
};

const rml_command_group rml_log_info_commands = {commands, sizeof commands / sizeof *commands};
