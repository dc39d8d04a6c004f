// `log info`: what recordings hold, by their index where it tells; what they lack with --full.
// `log doctor`: what is odd about them, down to messages that their schema does not fit.
#include "log_sensor.h"
#include <stdarg.h>
#include <stdio.h>

#include "call.h"
#include "log_open.h"
#include "roadmill/log.h"
#include "roadmill/message/ros.h"

// ---- log info ----------------------------------------------------------------------------------

// The ledger of a log: by its index where that tells enough and reading is not asked for.
static rml_status ledger_of(rml_call *call, rml_log *log, log_sensor *sensor, bool full,
                            rml_log_ledger *out, rml_error *err)
{
    const rml_log_sensor says = rml_log_sensor_of(sensor);
    rml_status st = full ? RML_END : rml_log_summarise(log, &call->arena, out, err);
    return st != RML_END ? st
                         : rml_log_inspect(log, &call->arena, &says, out, &call->progress, err);
}

// What the ledger finds odd, in words: a line each.
static rml_status write_words(rml_call *call, const rml_log_ledger *ledger, const rml_log *log,
                              bool *odd, rml_error *err)
{
    rml_buffer words = {0};
    rml_status st = rml_log_ledger_words(ledger, log, &words, err);
    *odd = words.len > 0;
    rml_json_kv_str(&call->writer, "words", rml_buffer_text(&words));
    rml_buffer_reset(&words);
    return st;
}

static void write_ledger(rml_call *call, rml_str file, const rml_log *log,
                         const rml_log_ledger *ledger, const log_sensor *sensor)
{
    rml_json_object(&call->writer);
    rml_json_kv_str(&call->writer, "file", file);
    if (sensor->decodes) {
        rml_json_kv_i64(&call->writer, "misfits", (int64_t)sensor->misfit_count);
    }
    rml_json_key(&call->writer, "ledger");
    rml_log_ledger_json(ledger, log, NULL, &call->writer);
}

static rml_status info_file(rml_call *call, rml_str file, rml_error *err)
{
    rml_log *log = NULL;
    rml_log_ledger ledger;
    bool odd;
    const rml_log_options options = {.threads = rml_pool_threads(call->pool)};
    RML_TRY(rml_log_open(file, &options, &log, err));
    log_sensor sensor = LOG_SENSOR(file);
    rml_status st = ledger_of(call, log, &sensor, rml_call_flag(call, "full"), &ledger, err);
    if (st == RML_OK) {
        write_ledger(call, file, log, &ledger, &sensor);
        st = write_words(call, &ledger, log, &odd, err);
        rml_json_object_end(&call->writer);
        call->lossy = call->lossy || ledger.faults > 0;
    }
    rml_log_sensor_reset(&sensor);
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

// A line of "odd".
static void tell(rml_call *call, const char *format, ...) RML_PRINTF(2, 3);

static void tell(rml_call *call, const char *format, ...)
{
    char text[2400];
    va_list list;
    va_start(list, format);
    vsnprintf(text, sizeof text, format, list);
    va_end(list);
    rml_json_str(&call->writer, rml_str_of(text));
}

// Definitions that are not those of the types that messages were written as.
static size_t tell_type_hashes(rml_call *call, rml_str file, const rml_log *log)
{
    size_t count, odd = 0;
    const rml_log_channel *channels = rml_log_channels(log, &count);
    for (size_t i = 0; i < count; i++) {
        rml_str stated;
        char own[RML_ROS2_HASH_TEXT];
        if (type_hashes(&channels[i], file, &stated, own) &&
            !rml_str_equal(stated, rml_str_of(own))) {
            odd++;
            tell(call,
                 "%.*s: the definition of %.*s is not that of its type: its hash is %s, "
                 "the recording states %.*s",
                 RML_FMT(channels[i].topic), RML_FMT(channels[i].schema_name), own,
                 RML_FMT(stated));
        }
    }
    return odd;
}

static void tell_misfits(rml_call *call, const log_sensor *sensor, const rml_log *log)
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
            tell(call, "%.*s: %llu messages do not fit %.*s, the first: %s",
                 RML_FMT(channels[i].topic), (unsigned long long)m->count,
                 RML_FMT(channels[i].schema_name), text);
        } else if (plan->tried && plan->plan == NULL) {
            rml_error_text(&plan->why, text, sizeof text);
            tell(call, "%.*s: cannot be decoded: %s", RML_FMT(channels[i].topic), text);
        }
    }
}

static rml_status doctor_file(rml_call *call, rml_str file, rml_error *err)
{
    rml_log *log = NULL;
    rml_log_ledger ledger;
    const rml_log_options options = {.threads = rml_pool_threads(call->pool)};
    RML_TRY(rml_log_open(file, &options, &log, err));
    log_sensor sensor = LOG_SENSOR(file);
    sensor.decodes = true;
    rml_status st = ledger_of(call, log, &sensor, true, &ledger, err);
    if (st == RML_OK) {
        bool words;
        write_ledger(call, file, log, &ledger, &sensor);
        st = write_words(call, &ledger, log, &words, err);
        rml_json_key(&call->writer, "odd");
        rml_json_list(&call->writer);
        tell_misfits(call, &sensor, log);
        bool wrong_types = tell_type_hashes(call, file, log) > 0;
        rml_json_list_end(&call->writer);
        rml_json_object_end(&call->writer);
        call->lossy = call->lossy || ledger.faults > 0 || sensor.misfit_count > 0 || wrong_types;
    }
    rml_log_sensor_reset(&sensor);
    rml_log_close(log);
    return st;
}

// ---- The commands ------------------------------------------------------------------------------

static rml_status for_each_file(rml_call *call,
                                rml_status (*look)(rml_call *, rml_str, rml_error *),
                                rml_error *err)
{
    rml_json_object(&call->writer);
    rml_json_key(&call->writer, "recordings");
    rml_json_list(&call->writer);
    for (size_t i = 0; i < rml_call_count(call, "FILE"); i++) {
        RML_TRY(look(call, rml_call_at(call, "FILE", i), err));
    }
    rml_json_list_end(&call->writer);
    rml_json_object_end(&call->writer);
    return RML_OK;
}

static rml_status run_info(rml_call *call, rml_error *err)
{
    return for_each_file(call, info_file, err);
}

static rml_status run_doctor(rml_call *call, rml_error *err)
{
    return for_each_file(call, doctor_file, err);
}

static const rml_option arguments[] = {LOG_FILES, {0}};
static const rml_option info_options[] = {
    {"full", .help = "read every message: rates, gaps, drops, order, clocks, damage"},
    {0},
};

#define HEAD                                                                                       \
    {                                                                                              \
        .line = "{file}: {ledger.format}, {ledger.bytes} bytes, {ledger.messages} messages"        \
                "[, {ledger.end_ns-ledger.start_ns:.3f*1e-9} s from {ledger.start_ns:time}], "     \
                "{ledger.completeness}[{ledger.has_index!}, no index]"                             \
    }

static const rml_view info_blocks[] = {
    HEAD,
    {.when = "{ledger.by_index?}",
     .each = "ledger.channels",
     .table = "topic | type | encoding | count=messages"},
    {.when = "{ledger.by_index?}",
     .line = "by its index; --full reads every message: rates, gaps, order, damage"},
    {.when = "{ledger.by_index!}",
     .each = "ledger.channels",
     .table = "topic | type | encoding | count=messages | Hz=[{rate_hz:.2f}] | "
              "gap max s=gap_ns_max:.3f*1e-9 | drops=sequence_drops | out of order=out_of_order | "
              "duplicates"},
    {.text = "words"},
    {0},
};
static const rml_view doctor_blocks[] = {
    HEAD,
    {.text = "words"},
    {.each = "odd", .line = "{.}"},
    {.line = "[{words!}{odd!}nothing odd]"},
    {0},
};
static const rml_view info_view[] = {{.each = "recordings", .blocks = info_blocks}, {0}};
static const rml_view doctor_view[] = {{.each = "recordings", .blocks = doctor_blocks}, {0}};

const rml_command rml_log_info_commands[] = {
    {
        .name = "log info",
        .summary = "say what recordings hold; with --full also what they lack",
        .example = "roadmill log info recordings/drive_0000.mcap",
        .arguments = arguments,
        .options = info_options,
        .view = info_view,
        .run = run_info,
    },
    {
        .name = "log doctor",
        .summary = "read and decode every message and say what is odd; exit code 3 for damage",
        .example = "roadmill log doctor recordings/drive_0000.mcap",
        .arguments = arguments,
        .view = doctor_view,
        .run = run_doctor,
    },
    {0},
};
