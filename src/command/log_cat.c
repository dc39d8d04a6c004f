// `log cat`: every message of recordings as a line of JSON, or of CSV.
#include <string.h>

#include "call.h"
#include "can_signals.h"
#include "log_open.h"
#include "log_where.h"
#include "roadmill/codec.h"
#include "roadmill/message.h"

typedef struct cat {
    rml_call *call;
    rml_str file;
    rml_log *log;
    log_plans plans; // a channel without one is printed as bytes
    int64_t limit, given;
    bool raw;
    // CSV: the channel whose columns the head names; -1: none yet.
    bool csv;
    int64_t csv_channel;
    can_signals can;
    log_where where;
    rml_error first; // of the damage that was met
} cat;

// The message under way: its channel, its plan and what became of decoding it.
typedef struct cat_message {
    const rml_log_channel *channel;
    const rml_log_message *message;
    const log_plan *plan;
    rml_status decoded;
    rml_error fault;
} cat_message;

// ---- JSON --------------------------------------------------------------------------------------

// "sha256", "size": for comparing recordings without their content.
static rml_status write_digest(const rml_log_message *m, rml_json_writer *w, rml_error *err)
{
    rml_hash hash;
    char text[RML_HASH_TEXT];
    if (rml_sha256(m->data.data, m->data.len, &hash) != RML_OK) {
        return rml_fail_memory(err, m->data.len);
    }
    rml_hash_text(&hash, text);
    rml_json_kv_i64(w, "size", (int64_t)m->data.len);
    rml_json_kv_str(w, "sha256", rml_str_of(text));
    return RML_OK;
}

// "frame": the message's name; "signals": physical values, or the text of a value table; or
// "error".
static rml_status write_signals(cat *c, const rml_log_message *m, rml_json_writer *w,
                                rml_error *err)
{
    const rml_can_value *values;
    size_t count;
    rml_can_fate fate;
    RML_TRY(rml_can_signals_decode(&c->can, m, &values, &count, &fate, err));
    if (fate != RML_CAN_DECODED) {
        rml_json_kv_str(w, fate == RML_CAN_PART ? "note" : "error",
                        rml_str_of(rml_can_fate_reason(fate)));
        return RML_OK;
    }
    rml_json_kv_str(w, "frame", count > 0 ? values[0].message->name : (rml_str){0});
    rml_json_key(w, "signals");
    rml_json_object(w);
    for (size_t i = 0; i < count; i++) {
        rml_json_kv_f64(w, values[i].signal->name.data, values[i].value);
    }
    rml_json_object_end(w);
    return RML_OK;
}

static rml_status write_message(cat *c, const cat_message *m, rml_json_writer *w, rml_error *err)
{
    if (c->raw) {
        return write_digest(m->message, w, err);
    }
    if (c->can.count > 0 && rml_str_equal(m->channel->message_encoding, RML_STR("can"))) {
        RML_TRY(write_signals(c, m->message, w, err));
    }
    if (m->decoded == RML_OK) {
        rml_json_key(w, "message");
        rml_message_json(m->plan->batch.schema, m->plan->batch.columns, 0, w);
        return RML_OK;
    }
    rml_json_kv_str(w, "encoding", m->channel->message_encoding);
    if (m->fault.status) {
        rml_json_kv_str(w, "error", rml_str_of(m->fault.what));
    }
    rml_json_key(w, "data");
    rml_json_base64(w, m->message->data);
    return RML_OK;
}

static rml_status put_json(cat *c, const cat_message *of, rml_buffer *out, rml_error *err)
{
    const rml_log_message *m = of->message;
    rml_json_writer w;
    rml_json_writer_init(&w, out, err);
    rml_json_object(&w);
    rml_json_kv_str(&w, "topic", of->channel->topic);
    rml_json_kv_ns(&w, "log_ns", m->log_ns);
    rml_json_kv_ns(&w, "publish_ns", m->publish_ns);
    rml_json_kv_i64(&w, "sequence", m->sequence);
    rml_json_kv_str(&w, "type", of->channel->schema_name);
    RML_TRY(write_message(c, of, &w, err));
    rml_json_object_end(&w);
    return rml_json_finish(&w);
}

// ---- CSV (RFC 4180) ----------------------------------------------------------------------------

static rml_status put_quoted(rml_buffer *out, rml_str text, rml_error *err)
{
    bool plain = true;
    for (size_t i = 0; i < text.len; i++) {
        plain = plain && strchr(",\"\r\n", text.data[i]) == NULL;
    }
    if (plain) {
        return rml_buffer_str(out, text, err);
    }
    RML_TRY(rml_buffer_str(out, RML_STR("\""), err));
    for (size_t i = 0; i < text.len; i++) {
        RML_TRY(rml_buffer_append(out, &text.data[i], 1, err));
        RML_TRY(text.data[i] == '"' ? rml_buffer_str(out, RML_STR("\""), err) : RML_OK);
    }
    return rml_buffer_str(out, RML_STR("\""), err);
}

// ",a.b" for each leaf; structs are flattened, lists stay one column.
static rml_status put_names(rml_buffer *out, rml_schema schema, rml_str before, rml_arena *arena,
                            rml_error *err)
{
    for (size_t i = 0; i < schema.count; i++) {
        const rml_field *f = &schema.fields[i];
        rml_str name = before.len == 0 ? f->name
                                       : rml_arena_printf(arena, "%.*s.%.*s", RML_FMT(before),
                                                          RML_FMT(f->name));
        if (name.data == NULL) {
            return rml_fail_memory(err, before.len);
        }
        if (f->type == RML_TYPE_STRUCT) {
            RML_TRY(put_names(out, (rml_schema){f->children, f->child_count}, name, arena, err));
        } else {
            RML_TRY(rml_buffer_str(out, RML_STR(","), err));
            RML_TRY(put_quoted(out, name, err));
        }
    }
    return RML_OK;
}

// A leaf as JSON writes it, without the quotes of a text; null is nothing.
static rml_status put_leaf(rml_buffer *out, const rml_field *f, const rml_column *c, size_t row,
                           rml_error *err)
{
    if (rml_column_is_null(c, row)) {
        return RML_OK;
    }
    if (f->type == RML_TYPE_STRING) {
        return put_quoted(out, rml_column_get_str(c, row), err);
    }
    rml_buffer text = {0};
    rml_json_writer w;
    rml_json_writer_init(&w, &text, err);
    rml_message_json_value(f, c, row, &w);
    rml_status st = rml_json_finish(&w);
    if (st == RML_OK) {
        rml_str shown = rml_buffer_text(&text);
        bool is_text = shown.len >= 2 && shown.data[0] == '"';
        st = put_quoted(out, is_text ? (rml_str){shown.data + 1, shown.len - 2} : shown, err);
    }
    rml_buffer_reset(&text);
    return st;
}

static rml_status put_values(rml_buffer *out, rml_schema schema, const rml_column *columns,
                             size_t row, rml_error *err)
{
    for (size_t i = 0; i < schema.count; i++) {
        const rml_field *f = &schema.fields[i];
        if (f->type == RML_TYPE_STRUCT) {
            RML_TRY(put_values(out, (rml_schema){f->children, f->child_count}, columns[i].children,
                               row, err));
        } else {
            RML_TRY(rml_buffer_str(out, RML_STR(","), err));
            RML_TRY(put_leaf(out, f, &columns[i], row, err));
        }
    }
    return RML_OK;
}

static rml_status put_csv(cat *c, const cat_message *of, rml_buffer *out, rml_error *err)
{
    const rml_log_message *m = of->message;
    rml_schema schema = of->plan->batch.schema;
    if (c->csv_channel >= 0 && c->csv_channel != (int64_t)m->channel) {
        size_t count;
        const rml_log_channel *first = &rml_log_channels(c->log, &count)[c->csv_channel];
        return rml_fail(err, RML_ERR_ARGUMENT, rml_place_file(c->file),
                        "choose one with --topic, or print JSON",
                        "expected messages of one channel for CSV, found %.*s and %.*s",
                        RML_FMT(first->topic), RML_FMT(of->channel->topic));
    }
    if (of->decoded != RML_OK) {
        *err = of->fault;
        return of->decoded;
    }
    if (c->csv_channel < 0) {
        c->csv_channel = m->channel;
        RML_TRY(rml_buffer_str(out, RML_STR("topic,log_ns,publish_ns,sequence"), err));
        RML_TRY(put_names(out, schema, (rml_str){0}, &c->call->arena, err));
        RML_TRY(rml_buffer_str(out, RML_STR("\r\n"), err));
    }
    RML_TRY(put_quoted(out, of->channel->topic, err));
    RML_TRY(rml_buffer_printf(out, err, ",%lld,%lld,%u", (long long)m->log_ns,
                              (long long)m->publish_ns, m->sequence));
    RML_TRY(put_values(out, schema, of->plan->batch.columns, 0, err));
    return rml_buffer_str(out, RML_STR("\r\n"), err);
}

// ---- The command -------------------------------------------------------------------------------

// One message, unless --where leaves it out. It is decoded once, for both.
static rml_status put_message(cat *c, const rml_log_message *message, rml_buffer *out,
                              rml_error *err)
{
    size_t count;
    log_plan *plan = rml_log_plan_of(&c->plans, c->log, message->channel, c->file, err);
    if (plan == NULL) {
        return RML_ERR_MEMORY;
    }
    cat_message m = {.channel = &rml_log_channels(c->log, &count)[message->channel],
                     .message = message,
                     .plan = plan,
                     .decoded = RML_ERR_UNSUPPORTED};
    if (!c->raw || c->where.condition != NULL) {
        m.decoded = rml_log_plan_decode(plan, message, c->file, &m.fault);
    }
    if (!rml_log_where_row(&c->where, plan, m.decoded)) {
        return RML_OK;
    }
    c->given++;
    return c->csv ? put_csv(c, &m, out, err) : put_json(c, &m, out, err);
}

// Damage is told once, after everything that could be read.
static rml_status end_of(const cat *c, rml_error *err)
{
    *err = c->first.status ? c->first : *err;
    return c->first.status ? c->first.status : RML_END;
}

static rml_status next(void *context, rml_buffer *row, rml_error *err)
{
    cat *c = context;
    int64_t before = c->given;
    while (c->given == before) {
        rml_log_message message;
        rml_error fault = {0};
        rml_status st = c->given < c->limit ? rml_log_next(c->log, &message, &fault) : RML_END;
        if (st == RML_END) {
            return end_of(c, err);
        }
        if (rml_status_is_of_data(st)) {
            c->first = c->first.status ? c->first : fault;
            continue;
        }
        if (st) {
            *err = fault;
            return st;
        }
        RML_TRY(put_message(c, &message, row, err));
        RML_TRY(rml_progress_check(&c->call->progress, "reading messages", err));
    }
    return RML_OK;
}

static void close_cat(void *context)
{
    cat *c = context;
    rml_log_plans_reset(&c->plans);
    rml_log_where_close(&c->where);
    rml_can_signals_close(&c->can);
    rml_log_close(c->log);
}

static rml_status run_cat(rml_call *call, rml_error *err)
{
    rml_log_options options = {0};
    rml_str *files;
    size_t count;
    cat *c = RML_NEW(&call->arena, cat);
    if (c == NULL) {
        return rml_fail_memory(err, sizeof *c);
    }
    *c = (cat){.call = call,
               .plans = LOG_PLANS,
               .where = LOG_WHERE,
               .limit = rml_call_i64(call, "limit"),
               .csv_channel = -1,
               .csv = rml_call_choice(call, "format") == 1,
               .raw = rml_call_flag(call, "raw")};
    c->limit = rml_call_count(call, "limit") > 0 ? c->limit : INT64_MAX;
    call->stream = (rml_stream){.context = c,
                                .next = next,
                                .close = close_cat,
                                .media = c->csv ? "text/csv" : "application/json"};
    RML_TRY(rml_can_signals_open(&c->can, call, err));
    RML_TRY(rml_log_where_open(&c->where, call, err));
    RML_TRY(rml_log_filter_options(call, &options, err));
    options.order = rml_call_flag(call, "file-order") ? RML_LOG_FILE_ORDER : RML_LOG_TIME_ORDER;
    RML_TRY(rml_call_list(call, "FILE", &files, &count, err));
    c->file = files[0];
    return rml_log_open_many(files, count, &options, &c->log, err);
}

static const rml_option arguments[] = {LOG_FILES, {0}};
static const rml_option options[] = {
    LOG_FILTER_OPTIONS,
    LOG_WHERE_OPTION,
    {"limit", .type = RML_OPTION_INT, .value = "N", .help = "at most so many messages",
     .otherwise = "all", .high = RML_OPTION_MOST},
    {"file-order", .help = "in the order of the file instead of log time"},
    {"format", .type = RML_OPTION_CHOICE, .value = "FORMAT", .choices = "ndjson|csv",
     .fallback = "ndjson", .help = "of a line; csv: one channel, structs flattened"},
    {"dbc", .type = RML_OPTION_PATH, .value = "FILE", .help = "decode CAN frames by this DBC too",
     .repeated = true},
    {"raw", .help = "size and SHA-256 of the bytes of each message instead of its content"},
    {0},
};

const rml_command rml_log_cat_commands[] = {
    {
        .name = "log cat",
        .summary = "print each message of recordings as a line of JSON, in the order of log time",
        .example = "roadmill log cat --topic /imu --limit 3 recordings/drive_0000.mcap",
        .arguments = arguments,
        .options = options,
        .rows = "",
        .run = run_cat,
    },
    {0},
};
