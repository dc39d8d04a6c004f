// `drives report`: what a drive's recordings hold and lack, in words, as a table and as a picture.
#include <math.h>

#include "call.h"
#include "roadmill/report.h"
#include "roadmill/store.h"

// Times where there is one; nothing was measured: null.
static void write_span(const rml_drive_report *r, rml_json_writer *w)
{
    static const char *const keys[] = {"start_ns", "end_ns"};
    const int64_t times[] = {r->start_ns, r->end_ns};
    for (size_t i = 0; i < 2; i++) {
        rml_json_key(w, keys[i]);
        r->has_span ? rml_json_ns(w, times[i]) : rml_json_null(w);
    }
}

static void write_channel(const rml_drive_channel *c, rml_json_writer *w)
{
    double span_s = (double)(c->last_ns - c->first_ns) * 1e-9;
    rml_json_object(w);
    rml_json_kv_str(w, "topic", c->topic);
    rml_json_kv_str(w, "type", c->type);
    rml_json_kv_i64(w, "messages", (int64_t)c->messages);
    rml_json_kv_ns(w, "first_ns", c->first_ns);
    rml_json_kv_ns(w, "last_ns", c->last_ns);
    rml_json_kv_ns(w, "period_ns", c->period_ns);
    rml_json_kv_ns(w, "gap_ns_max", c->gap_ns_max);
    rml_json_kv_i64(w, "gap_count", (int64_t)c->gap_count);
    rml_json_kv_str(w, "sensor_clock", c->sensor_clock);
    rml_json_kv_f64(w, "rate_hz", span_s > 0 ? (double)(c->messages - 1) / span_s : NAN);
    rml_json_kv_i64(w, "sequence_drops", (int64_t)c->sequence_drops);
    rml_json_kv_i64(w, "duplicates", (int64_t)c->duplicates);
    rml_json_kv_f64(w, "latency_s_mean", c->latency_s_mean);
    rml_json_kv_f64(w, "drift_ppm", c->drift_ppm);
    rml_json_object_end(w);
}

static void write_json(const rml_drive_report *r, rml_json_writer *w)
{
    rml_json_object(w);
    rml_json_kv_str(w, "drive_id", r->drive_id);
    rml_json_kv_str(w, "vehicle", r->vehicle);
    rml_json_key(w, "recordings");
    rml_json_list(w);
    for (size_t i = 0; i < r->recording_count; i++) {
        const rml_drive_recording *k = &r->recordings[i];
        rml_json_object(w);
        rml_json_kv_str(w, "recording_id", k->recording_id);
        rml_json_kv_str(w, "uri", k->uri);
        rml_json_kv_str(w, "format", k->format);
        rml_json_kv_str(w, "completeness", k->completeness);
        rml_json_kv_str(w, "findings", k->findings);
        rml_json_kv_i64(w, "messages", (int64_t)k->messages);
        rml_json_object_end(w);
    }
    rml_json_list_end(w);
    rml_json_key(w, "channels");
    rml_json_list(w);
    for (size_t i = 0; i < r->channel_count; i++) {
        write_channel(&r->channels[i], w);
    }
    rml_json_list_end(w);
    write_span(r, w);
    rml_json_object_end(w);
}

static rml_status write_plots(rml_call *call, rml_lake *lake, const rml_drive_report *r,
                              rml_error *err)
{
    const char *channels = rml_call_path(call, "plot"), *ego = rml_call_path(call, "ego");
    rml_buffer svg = {0};
    rml_status st = channels == NULL ? RML_OK : rml_drive_report_plot(r, &svg, err);
    if (st == RML_OK && channels != NULL) {
        st = rml_store_put(rml_str_of(channels), rml_buffer_bytes(&svg), err);
    }
    svg.len = 0;
    if (st == RML_OK && ego != NULL) {
        st = rml_drive_ego_plot(lake, r, &call->arena, &svg, err);
        st = st ? st : rml_store_put(rml_str_of(ego), rml_buffer_bytes(&svg), err);
    }
    rml_buffer_reset(&svg);
    return st;
}

static rml_status run_report(rml_call *call, rml_error *err)
{
    rml_home *home;
    rml_drive_report r;
    RML_TRY(rml_call_home(call, false, &home, err));
    RML_TRY(rml_drive_report_load(home->lake, rml_call_text(call, "ID"), &call->arena, &r, err));
    RML_TRY(write_plots(call, home->lake, &r, err));
    write_json(&r, &call->writer);
    return RML_OK;
}

static const rml_option arguments[] = {
    {"ID", .type = RML_OPTION_NAME, .kind = "drive", .required = true},
    {0},
};
static const rml_option options[] = {
    {"plot", .type = RML_OPTION_PATH, .value = "FILE",
     .help = "draw its channels over time as SVG: holes are red"},
    {"ego", .type = RML_OPTION_PATH, .value = "FILE",
     .help = "draw its path and its speed over time as SVG"},
    {0},
};
static const rml_view view[] = {
    {.line = "drive {drive_id}[, {vehicle}]: {recordings:count} recordings[, "
             "{end_ns-start_ns:.3f*1e-9} s from "
             "{start_ns:time}]"},
    {.each = "recordings",
     .line = "{recording_id:id} {format}, {messages} messages, {completeness}: {uri}"},
    {.each = "recordings",
     .when = "{findings?}",
     .line = "\nodd in {recording_id:id}:",
     .text = "findings"},
    {.line = ""},
    {.each = "channels",
     .table = "topic | type | messages | Hz=[{rate_hz:.2f}] | gaps=gap_count | gap max "
              "s=gap_ns_max:.3f*1e-9 | "
              "drops=sequence_drops | duplicates | clock=sensor_clock | latency mean "
              "s=[{latency_s_mean:.3f}] | "
              "drift ppm=[{drift_ppm:.1f}]"},
    {0},
};

const rml_command rml_drives_report_commands[] = {
    {
        .name = "drives report",
        .summary = "tell what a drive holds and lacks: gaps, drops, clocks, damage; draw it",
        .example = "roadmill drives report 1d4f --plot drive.svg",
        .arguments = arguments,
        .options = options,
        .view = view,
        .run = run_report,
    },
    {0},
};
