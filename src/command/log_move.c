// Commands that write a recording from others: `log recover`, `log sort`, `log merge`, `log
// filter`, `log convert`. They differ in what they ask for; the account is the same.
#include "call.h"
#include "log_open.h"
#include "log_where.h"
#include "roadmill/convert.h"
#include "roadmill/store.h"

// The manifest: the account as JSON beside the output, or where --manifest says.
static rml_status write_manifest(rml_call *call, const rml_convert_account *a, rml_error *err)
{
    const char *path = rml_call_path(call, "manifest");
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

static rml_status move(rml_call *call, rml_convert_options *options, rml_error *err)
{
    rml_convert_account account;
    rml_str *files;
    size_t count;
    RML_TRY(rml_call_list(call, "FILE", &files, &count, err));
    options->read.threads = rml_pool_threads(call->pool);
    options->write.format = rml_call_path(call, "to");
    options->write.compression = rml_call_path(call, "compression");
    RML_TRY(rml_convert(files, count, rml_call_path(call, "out"), options, &call->progress,
                        &call->arena, &account, err));
    RML_TRY(write_manifest(call, &account, err));
    call->lossy = account.faults > 0 || account.bytes_lost > 0;
    rml_convert_json(&account, &call->writer);
    return RML_OK;
}

static rml_status run_convert(rml_call *call, rml_error *err)
{
    rml_convert_options options = {.messages = rml_call_path(call, "messages")};
    return move(call, &options, err);
}

static rml_status run_recover(rml_call *call, rml_error *err)
{
    rml_convert_options options = {0};
    return move(call, &options, err);
}

static rml_status run_sort(rml_call *call, rml_error *err)
{
    rml_convert_options options = {.read.order = RML_LOG_TIME_ORDER};
    return move(call, &options, err);
}

static rml_status run_filter(rml_call *call, rml_error *err)
{
    log_where where;
    rml_convert_options options = {.context = &where};
    RML_TRY(rml_log_filter_options(call, &options.read, err));
    RML_TRY(rml_log_where_open(&where, call, err));
    options.keep = where.condition != NULL ? rml_log_where_holds : NULL;
    rml_status st = move(call, &options, err);
    rml_log_where_close(&where);
    return st;
}

#define MOVE_OPTIONS                                                                               \
    {"out", .type = RML_OPTION_PATH, .value = "FILE", .required = true,                            \
     .help = "the recording to write; - is standard output (MCAP)"},                               \
        {"to",                                                                                     \
         .type = RML_OPTION_CHOICE,                                                                \
         .value = "CONTAINER",                                                                     \
         .choices = "mcap|bag|ros2",                                                               \
         .help = "of the output",                                                                  \
         .otherwise = "by its name"},                                                              \
        {"compression", .type = RML_OPTION_CHOICE, .value = "NAME",                                \
         .choices = "none|lz4|zstd|bz2", .help = "of its chunks; lz4, zstd: MCAP, bz2: bag"},      \
    {                                                                                              \
        "manifest", .type = RML_OPTION_PATH, .value = "FILE",                                      \
                    .help = "write the account there as JSON"                                      \
    }

static const rml_option move_options[] = {MOVE_OPTIONS, {0}};
static const rml_option convert_options[] = {
    MOVE_OPTIONS,
    {"messages", .type = RML_OPTION_CHOICE, .value = "ROS", .choices = "ros1|ros2",
     .help = "rewrite messages of the other ROS (a bag, a ROS 2 bag: always)"},
    {0},
};
static const rml_option filter_options[] = {
    LOG_FILTER_OPTIONS, LOG_WHERE_OPTION, MOVE_OPTIONS, {0}};
static const rml_option one_file[] = {
    {"FILE", .type = RML_OPTION_PATH, .help = "a recording of any format", .required = true},
    {0},
};
static const rml_option files[] = {LOG_FILES, {0}};

static const rml_view view[] = {
    {.when = "{$out=-!}"}, // the recording went to standard output
    {.line = "{$out}: {to}, {messages_kept} messages in {channels:count} channels[{verified?}, "
             "read back and "
             "equal]"},
    {.line = "messages: {messages_in} in = {messages_kept} kept + {messages_left_out} left out + "
             "{messages_failed} failed"},
    {.line = "bytes: {bytes_in} in = {bytes_kept} kept + {bytes_lost} lost"},
    {.line = "[attachments, metadata, events: {extras_kept?}{extras_kept} kept, {extras_dropped} "
             "dropped]"
             "[attachments, metadata, events: {extras_kept!}{extras_dropped?}0 kept, "
             "{extras_dropped} dropped]"},
    {.each = "losses",
     .line = "lost between [{before_ns:time}][{before_ns!}the beginning] and [{after_ns:time}]"
             "[{after_ns!}the end]: {what}"},
    {.each = "channels",
     .line = "[{^faults?}{expected-in?}{topic}: {expected-in} of {expected} messages lost]"},
    {.each = "notes", .line = "{fate}: {what} ({why})"},
    {0},
};

#define MOVE(title, takes, what, line, list, function)                                             \
    {                                                                                              \
        .name = (title), .arguments = (takes), .summary = (what), .example = (line),               \
        .options = (list), .view = view, .run = (function)                                         \
    }

const rml_command rml_log_move_commands[] = {
    MOVE("log recover", one_file,
         "save what can be read of a damaged recording, with an account of what was lost",
         "roadmill log recover torn.mcap --out saved.mcap", move_options, run_recover),
    MOVE("log sort", one_file, "write a recording in the order of log time",
         "roadmill log sort unsorted.bag --out sorted.bag", move_options, run_sort),
    MOVE("log merge", files, "write several recordings as one, in the order of log time",
         "roadmill log merge front.mcap rear.mcap --out drive.mcap", move_options, run_sort),
    MOVE("log filter", one_file,
         "write the messages of some topics, of a span of time, or that meet a condition",
         "roadmill log filter drive.mcap --topic /imu --out imu.mcap", filter_options, run_filter),
    MOVE("log convert", one_file,
         "write a recording in another container, with a manifest of what became of it",
         "roadmill log convert drive.bag --out drive.mcap --manifest drive.json", convert_options,
         run_convert),
    {0},
};
