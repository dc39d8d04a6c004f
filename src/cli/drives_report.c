// `drives report`: what a drive's recordings hold and lack, in words, as a table and as a picture.
#include <math.h>

#include "command.h"
#include "roadmill/report.h"

static void print_recordings(rml_cli *cli, const rml_drive_report *r)
{
    rml_cli_print(cli, "drive %.*s%s%.*s: %zu recording%s", RML_FMT(r->drive_id),
                  r->vehicle.len > 0 ? ", " : "", RML_FMT(r->vehicle), r->recording_count,
                  r->recording_count == 1 ? "" : "s");
    if (r->has_span) {
        char from[40];
        rml_clock_text(r->start_ns, from);
        rml_cli_print(cli, ", %.3f s from %s", (double)(r->end_ns - r->start_ns) * 1e-9, from);
    }
    rml_cli_print(cli, "\n");
    for (size_t i = 0; i < r->recording_count; i++) {
        const rml_drive_recording *k = &r->recordings[i];
        rml_cli_print(cli, "%.12s %.*s, %llu messages, %.*s: %.*s\n", k->recording_id.data,
                      RML_FMT(k->format), (unsigned long long)k->messages, RML_FMT(k->completeness),
                      RML_FMT(k->uri));
    }
}

// A number where there is one; an empty cell where nothing was measured.
static void measured_cell(rml_cli *cli, rml_cli_table *t, double value, int decimals)
{
    if (isnan(value)) {
        rml_cli_table_cell(cli, t, "%s", "");
    } else {
        rml_cli_table_cell(cli, t, "%.*f", decimals, value);
    }
}

static void print_channels(rml_cli *cli, const rml_drive_report *r)
{
    static const char *const heads[] = {"topic", "type",           "messages", "Hz",
                                        "gaps",  "gap max s",      "drops",    "duplicates",
                                        "clock", "latency mean s", "drift ppm"};
    rml_cli_table t;
    rml_cli_table_begin(&t, heads, sizeof heads / sizeof *heads);
    for (size_t i = 0; i < r->channel_count; i++) {
        const rml_drive_channel *c = &r->channels[i];
        double span_s = (double)(c->last_ns - c->first_ns) * 1e-9;
        rml_cli_table_cell(cli, &t, "%.*s", RML_FMT(c->topic));
        rml_cli_table_cell(cli, &t, "%.*s", RML_FMT(c->type));
        rml_cli_table_cell(cli, &t, "%llu", (unsigned long long)c->messages);
        measured_cell(cli, &t, span_s > 0 ? (double)(c->messages - 1) / span_s : NAN, 2);
        rml_cli_table_cell(cli, &t, "%llu", (unsigned long long)c->gap_count);
        rml_cli_table_cell(cli, &t, "%.3f", (double)c->gap_ns_max * 1e-9);
        rml_cli_table_cell(cli, &t, "%llu", (unsigned long long)c->sequence_drops);
        rml_cli_table_cell(cli, &t, "%llu", (unsigned long long)c->duplicates);
        rml_cli_table_cell(cli, &t, "%.*s", RML_FMT(c->sensor_clock));
        measured_cell(cli, &t, c->latency_s_mean, 3);
        measured_cell(cli, &t, c->drift_ppm, 1);
    }
    rml_cli_table_end(cli, &t);
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
        rml_json_object_end(w);
    }
    rml_json_list_end(w);
    rml_json_key(w, "channels");
    rml_json_list(w);
    for (size_t i = 0; i < r->channel_count; i++) {
        const rml_drive_channel *c = &r->channels[i];
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
        rml_json_object_end(w);
    }
    rml_json_list_end(w);
    rml_json_object_end(w);
}

static rml_status write_plots(rml_cli *cli, rml_lake *lake, const rml_drive_report *r,
                              rml_error *err)
{
    const char *channels = rml_cli_value(cli, "--plot"), *ego = rml_cli_value(cli, "--ego");
    rml_buffer svg = {0};
    rml_status st = channels == NULL ? RML_OK : rml_drive_report_plot(r, &svg, err);
    if (st == RML_OK && channels != NULL) {
        st = rml_store_put(rml_str_of(channels), rml_buffer_bytes(&svg), err);
    }
    svg.len = 0;
    if (st == RML_OK && ego != NULL) {
        st = rml_drive_ego_plot(lake, r, &cli->arena, &svg, err);
        st = st ? st : rml_store_put(rml_str_of(ego), rml_buffer_bytes(&svg), err);
    }
    rml_buffer_reset(&svg);
    return st;
}

static rml_status run_report(rml_cli *cli, rml_error *err)
{
    rml_home *home;
    rml_drive_report r;
    RML_TRY(rml_cli_home(cli, false, &home, err));
    RML_TRY(rml_drive_report_load(home->lake, rml_str_of(cli->arguments[0]), &cli->arena, &r, err));
    RML_TRY(write_plots(cli, home->lake, &r, err));
    if (cli->json) {
        write_json(&r, &cli->writer);
    }
    print_recordings(cli, &r);
    for (size_t i = 0; i < r.recording_count; i++) {
        if (r.recordings[i].findings.len > 0) {
            rml_cli_print(cli, "\nodd in %.12s:\n%.*s\n", r.recordings[i].recording_id.data,
                          RML_FMT(r.recordings[i].findings));
        }
    }
    rml_cli_print(cli, "\n");
    print_channels(cli, &r);
    return RML_OK;
}

static const rml_option options[] = {
    {"--plot", "FILE", "draw its channels over time as SVG: holes are red"},
    {"--ego", "FILE", "draw its path and its speed over time as SVG"},
};

static const rml_command commands[] = {
    {
        .name = "drives report",
        .arguments = "ID",
        .summary = "tell what a drive holds and lacks: gaps, drops, clocks, damage; draw it",
        .example = "roadmill drives report 1d4f --plot drive.svg",
        .arguments_min = 1,
        .arguments_max = 1,
        .options = options,
        .option_count = sizeof options / sizeof *options,
        .run = run_report,
    },
};

const rml_command_group rml_drives_report_commands = {commands, sizeof commands / sizeof *commands};
