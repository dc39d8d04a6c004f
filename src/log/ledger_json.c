// The ledger as JSON (docs/recordings.md).
#include "format.h"
#include "roadmill/base/json.h"

static void gaps_json(const rml_log_channel_ledger *c, rml_json_writer *w)
{
    if (c->messages > 1) {
        rml_json_kv_ns(w, "period_ns", c->period_ns);
    }
    rml_json_kv_i64(w, "gap_count", (int64_t)c->gap_count);
    rml_json_key(w, "gaps");
    rml_json_list(w);
    for (size_t i = 0; i < c->gaps_kept; i++) {
        rml_json_object(w);
        rml_json_kv_ns(w, "from_ns", c->gaps[i].from_ns);
        rml_json_kv_ns(w, "length_ns", c->gaps[i].length_ns);
        rml_json_object_end(w);
    }
    rml_json_list_end(w);
}

static void sensor_json(const rml_log_channel_ledger *c, rml_json_writer *w)
{
    if (c->sensor_clock == RML_LOG_CLOCK_NONE) {
        return;
    }
    rml_json_kv_str(w, "sensor_clock", rml_str_of(rml_log_sensor_clock_name(c->sensor_clock)));
    rml_json_kv_i64(w, "sensor_messages", (int64_t)c->sensor_messages);
    rml_json_kv_i64(w, "sensor_zeros", (int64_t)c->sensor_zeros);
    rml_json_kv_i64(w, "clock_jumps", (int64_t)c->clock_jumps);
    if (c->sensor_messages > 0) {
        rml_json_kv_ns(w, "latency_ns_min", c->latency_ns_min);
        rml_json_kv_ns(w, "latency_ns_max", c->latency_ns_max);
        rml_json_kv_f64(w, "latency_ns_mean", c->latency_ns_mean);
        rml_json_kv_f64(w, "drift_ppm", c->drift_ppm);
    }
}

static void bins_json(const rml_log_bins *b, rml_json_writer *w)
{
    if (b == NULL || b->count == 0) {
        return;
    }
    rml_json_key(w, "over_time");
    rml_json_object(w);
    rml_json_kv_ns(w, "width_ns", b->width_ns);
    rml_json_kv_ns(w, "from_ns", b->first * b->width_ns);
    rml_json_key(w, "messages");
    rml_json_list(w);
    for (size_t i = 0; i < b->count; i++) {
        rml_json_i64(w, b->bins[i]);
    }
    rml_json_list_end(w);
    rml_json_object_end(w);
}

static void kind_json(const rml_log_channel *channel, const rml_log_channel_ledger *c,
                      rml_json_writer *w)
{
    rml_json_kv_str(w, "topic", channel->topic);
    rml_json_kv_str(w, "type", channel->schema_name);
    rml_json_kv_str(w, "encoding", channel->message_encoding);
    rml_json_kv_str(w, "schema_encoding", channel->schema_encoding);
    rml_json_kv_i64(w, "messages", (int64_t)c->messages);
}

// What reading tells of a channel.
static void channel_json(const rml_log_channel_ledger *c, const rml_log_kept *kept,
                         rml_json_writer *w)
{
    rml_json_kv_i64(w, "bytes", (int64_t)c->bytes);
    if (kept != NULL) {
        rml_json_kv_i64(w, "rows", (int64_t)kept->rows);
        rml_json_kv_i64(w, "blobs", (int64_t)kept->blobs);
        rml_json_kv_i64(w, "rejects", (int64_t)kept->rejects);
    }
    if (c->messages > 0) {
        rml_json_kv_ns(w, "first_ns", c->first_ns);
        rml_json_kv_ns(w, "last_ns", c->last_ns);
        rml_json_kv_ns(w, "gap_ns_max", c->gap_ns_max);
    }
    if (c->last_ns > c->first_ns) {
        double span_s = (double)(c->last_ns - c->first_ns) * 1e-9;
        rml_json_kv_f64(w, "rate_hz", (double)(c->messages - 1) / span_s);
    }
    rml_json_kv_i64(w, "out_of_order", (int64_t)c->out_of_order);
    rml_json_kv_i64(w, "sequence_drops", (int64_t)c->sequence_drops);
    rml_json_kv_i64(w, "duplicates", (int64_t)c->duplicates);
    rml_json_kv_i64(w, "zero_times", (int64_t)c->zero_times);
    rml_json_kv_ns(w, "jump_back_ns_max", c->jump_back_ns_max);
    gaps_json(c, w);
    sensor_json(c, w);
    bins_json(c->bins, w);
}

// What reading tells of the whole recording.
static void damage_json(const rml_log_ledger *ledger, rml_json_writer *w)
{
    rml_json_kv_bool(w, "shared_sequence", ledger->shared_sequence);
    rml_json_kv_i64(w, "sequence_drops", (int64_t)ledger->sequence_drops);
    rml_json_kv_i64(w, "bytes_lost", (int64_t)ledger->bytes_lost);
    rml_json_kv_i64(w, "unread", (int64_t)ledger->unread);
    rml_json_kv_i64(w, "faults", (int64_t)ledger->faults);
    rml_json_kv_str(w, "damage", ledger->damage);
}

void rml_log_ledger_json(const rml_log_ledger *ledger, const rml_log *log, const rml_log_kept *kept,
                         rml_json_writer *w)
{
    int64_t start_ns, end_ns;
    rml_json_object(w);
    rml_json_kv_str(w, "format", rml_str_of(rml_log_format_name(log)));
    rml_json_kv_str(w, "profile", log->profile);
    rml_json_kv_str(w, "logger", log->library);
    rml_json_kv_i64(w, "messages", (int64_t)ledger->messages);
    rml_json_kv_bool(w, "by_index", ledger->by_index);
    if (rml_log_ledger_span(ledger, &start_ns, &end_ns)) {
        rml_json_kv_ns(w, "start_ns", start_ns);
        rml_json_kv_ns(w, "end_ns", end_ns);
    }
    rml_json_kv_i64(w, "bytes", (int64_t)ledger->bytes);
    rml_json_kv_str(w, "completeness", rml_str_of(rml_log_completeness(ledger)));
    rml_json_kv_bool(w, "has_index", ledger->has_index);
    if (!ledger->by_index) {
        damage_json(ledger, w);
    }
    rml_json_key(w, "channels");
    rml_json_list(w);
    for (size_t i = 0; i < log->channels.count && i < ledger->channel_count; i++) {
        rml_json_object(w);
        kind_json(RML_AT(&log->channels, rml_log_channel, i), &ledger->channels[i], w);
        if (!ledger->by_index) {
            channel_json(&ledger->channels[i], kept == NULL ? NULL : &kept[i], w);
        }
        rml_json_object_end(w);
    }
    rml_json_list_end(w);
    rml_json_object_end(w);
}
