// Commands that look into recordings: `log info`, `log cat`.
#include "roadmill/log.h"
#include "command.h"
#include "log_sensor.h"
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

// ---- log cat -----------------------------------------------------------------------------------

#define FLUSH_SIZE ((size_t)1 << 18)

// How one channel's messages become JSON: by plan, or as bytes where there is none.
typedef struct cat_channel {
    bool tried;
    rml_message_plan *plan; // NULL: bytes
    rml_batch batch;
} cat_channel;

typedef struct cat {
    rml_cli *cli;
    rml_str file;
    rml_log *log;
    rml_array channels; // cat_channel
    int64_t limit, given;
} cat;

static rml_status channel_of(cat *c, uint32_t index, cat_channel **out, rml_error *err)
{
    size_t count;
    const rml_log_channel *channels = rml_log_channels(c->log, &count);
    while (c->channels.count <= index) {
        if (rml_array_push(&c->channels, err) == NULL) {
            return RML_ERR_MEMORY;
        }
    }
    cat_channel *channel = *out = RML_AT(&c->channels, cat_channel, index);
    if (channel->tried) {
        return RML_OK;
    }
    channel->tried = true;
    const rml_log_channel *l = &channels[index];
    const rml_message_kind kind = {l->message_encoding, l->schema_encoding, l->schema_name,
                                   l->schema};
    if (rml_message_compile(&kind, c->file, &channel->plan, NULL) == RML_OK) {
        return rml_batch_init(&channel->batch, rml_message_schema(channel->plan), err);
    }
    return RML_OK;
}

// One object on one line, whether --json is given or not.
static rml_status print_message(cat *c, const rml_log_message *m, rml_error *err)
{
    size_t count;
    cat_channel *channel;
    rml_json_writer w;
    RML_TRY(channel_of(c, m->channel, &channel, err));
    const rml_log_channel *l = &rml_log_channels(c->log, &count)[m->channel];
    rml_json_writer_init(&w, &c->cli->output, err);
    rml_json_object(&w);
    rml_json_kv_str(&w, "topic", l->topic);
    rml_json_kv_ns(&w, "log_ns", m->log_ns);
    rml_json_kv_ns(&w, "publish_ns", m->publish_ns);
    rml_json_kv_i64(&w, "sequence", m->sequence);
    rml_json_kv_str(&w, "type", l->schema_name);
    rml_error fault = {0};
    rml_status st = RML_ERR_UNSUPPORTED;
    if (channel->plan != NULL) {
        rml_batch_clear(&channel->batch);
        st = rml_message_decode(channel->plan, m->data, rml_place_byte(c->file, m->offset),
                                channel->batch.columns, &fault);
    }
    if (st == RML_OK) {
        rml_json_key(&w, "message");
        rml_message_json(channel->batch.schema, channel->batch.columns, 0, &w);
    } else {
        rml_json_kv_str(&w, "encoding", l->message_encoding);
        if (fault.status) {
            rml_json_kv_str(&w, "error", rml_str_of(fault.what));
        }
        rml_json_key(&w, "data");
        rml_json_base64(&w, m->data);
    }
    rml_json_object_end(&w);
    RML_TRY(rml_json_finish(&w));
    RML_TRY(rml_buffer_str(&c->cli->output, RML_STR("\n"), err));
    return c->cli->output.len >= FLUSH_SIZE ? rml_cli_flush(c->cli, err) : RML_OK;
}

// Damage is told once, after everything that could be read: exit code 3.
static rml_status cat_messages(cat *c, rml_error *err)
{
    rml_error first = {0};
    while (c->given < c->limit) {
        rml_log_message message;
        rml_error fault = {0};
        rml_status st = rml_log_next(c->log, &message, &fault);
        if (st == RML_END) {
            break;
        }
        if (st == RML_ERR_DATA || st == RML_ERR_LIMIT || st == RML_ERR_UNSUPPORTED) {
            first = first.status ? first : fault;
            continue;
        }
        if (st) {
            *err = fault;
            return st;
        }
        RML_TRY(print_message(c, &message, err));
        c->given++;
        if (rml_progress_stop(&c->cli->progress)) {
            return rml_fail(err, RML_ERR_STOPPED, rml_place_file(c->file), NULL, "stopped");
        }
    }
    if (first.status) {
        RML_TRY(rml_cli_flush(c->cli, err));
        *err = first;
        c->cli->exit_code = 3;
        return first.status;
    }
    return RML_OK;
}

static rml_status cat_file(rml_cli *cli, rml_str file, const rml_log_options *options,
                           int64_t limit, rml_error *err)
{
    cat c = {.cli = cli, .file = file, .channels = RML_ARRAY(cat_channel), .limit = limit};
    rml_status st = rml_log_open(file, options, &c.log, err);
    if (st == RML_OK) {
        st = cat_messages(&c, err);
    }
    for (size_t i = 0; i < c.channels.count; i++) {
        cat_channel *channel = RML_AT(&c.channels, cat_channel, i);
        rml_batch_reset(&channel->batch);
        rml_message_plan_free(channel->plan);
    }
    rml_array_reset(&c.channels);
    rml_log_close(c.log);
    return st;
}

static rml_status run_cat(rml_cli *cli, rml_error *err)
{
    rml_log_options options = {0};
    int64_t limit = INT64_MAX;
    RML_TRY(rml_cli_i64(cli, "--start", 0, INT64_MAX, &options.start_ns, err));
    RML_TRY(rml_cli_i64(cli, "--end", 0, INT64_MAX, &options.end_ns, err));
    RML_TRY(rml_cli_i64(cli, "--limit", 0, INT64_MAX, &limit, err));
    options.order = rml_cli_flag(cli, "--file-order") ? RML_LOG_FILE_ORDER : RML_LOG_TIME_ORDER;
    size_t count = 0;
    while (rml_cli_value_at(cli, "--topic", count) != NULL) {
        count++;
    }
    rml_str *topics = RML_NEW_ARRAY(&cli->arena, rml_str, count + 1);
    if (topics == NULL) {
        return rml_fail_memory(err, count * sizeof *topics);
    }
    for (size_t i = 0; i < count; i++) {
        topics[i] = rml_str_of(rml_cli_value_at(cli, "--topic", i));
    }
    options.topics = count > 0 ? topics : NULL;
    options.topic_count = count;
    for (size_t i = 0; i < cli->argument_count; i++) {
        RML_TRY(cat_file(cli, rml_str_of(cli->arguments[i]), &options, limit, err));
    }
    return RML_OK;
}

// ---- The table ---------------------------------------------------------------------------------

static const rml_option cat_options[] = {
    {"--topic", "TOPIC", "only this one; may be repeated"},
    {"--start", "NS", "from this log time on, in nanoseconds"},
    {"--end", "NS", "to before this log time"},
    {"--limit", "N", "at most so many messages of each file"},
    {"--file-order", NULL, "in the order of the file instead of log time"},
};

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
    {
        .name = "log cat",
        .arguments = "FILE…",
        .summary = "print each message as one line of JSON, in the order of log time",
        .example = "roadmill log cat --topic /imu --limit 3 recordings/drive_0000.mcap",
        .arguments_min = 1,
        .arguments_max = -1,
        .options = cat_options,
        .option_count = sizeof cat_options / sizeof *cat_options,
        .run = run_cat,
    },
};

const rml_command_group rml_log_commands = {commands, sizeof commands / sizeof *commands};
