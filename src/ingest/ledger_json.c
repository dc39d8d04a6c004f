// The ledger as one JSON object: the recording, then each of its channels in order.
#include "ledger_json.h"

#include "roadmill/base/json.h"

static void write_channel(rml_json_writer *w, const rml_log_channel *channel,
                          const rml_log_channel_ledger *l, const rml_channel_count *count)
{
    double seconds = (double)(l->last_ns - l->first_ns) * 1e-9;
    rml_json_object(w);
    rml_json_kv_str(w, "topic", channel->topic);
    rml_json_kv_str(w, "type", channel->schema_name);
    rml_json_kv_str(w, "encoding", channel->message_encoding);
    rml_json_kv_i64(w, "messages", (int64_t)l->messages);
    rml_json_kv_i64(w, "bytes", (int64_t)l->bytes);
    rml_json_kv_i64(w, "rows", (int64_t)count->rows);
    rml_json_kv_i64(w, "blobs", (int64_t)count->blobs);
    rml_json_kv_i64(w, "rejects", (int64_t)count->rejects);
    if (l->messages > 0) {
        rml_json_kv_ns(w, "first_ns", l->first_ns);
        rml_json_kv_ns(w, "last_ns", l->last_ns);
        rml_json_kv_ns(w, "gap_ns_max", l->gap_ns_max);
    }
    if (seconds > 0 && l->messages > 1) {
        rml_json_kv_f64(w, "rate_hz", (double)(l->messages - 1) / seconds);
    }
    rml_json_kv_i64(w, "out_of_order", (int64_t)l->out_of_order);
    rml_json_kv_i64(w, "sequence_drops", (int64_t)l->sequence_drops);
    rml_json_kv_i64(w, "duplicates", (int64_t)l->duplicates);
    rml_json_object_end(w);
}

rml_status rml_ledger_json(const rml_log_ledger *ledger, const rml_log_channel *channels,
                           const rml_channel_count *counts, size_t count, rml_buffer *out,
                           rml_error *err)
{
    static const rml_log_channel_ledger nothing = {0};
    rml_json_writer w;
    rml_json_writer_init(&w, out, err);
    rml_json_object(&w);
    rml_json_kv_i64(&w, "bytes", (int64_t)ledger->bytes);
    rml_json_kv_i64(&w, "bytes_lost", (int64_t)ledger->bytes_lost);
    rml_json_kv_i64(&w, "messages", (int64_t)ledger->messages);
    rml_json_kv_bool(&w, "complete", ledger->complete);
    rml_json_kv_bool(&w, "has_index", ledger->has_index);
    rml_json_kv_i64(&w, "faults", (int64_t)ledger->faults);
    rml_json_kv_str(&w, "damage", ledger->damage);
    rml_json_key(&w, "channels");
    rml_json_list(&w);
    for (size_t i = 0; i < count; i++) {
        write_channel(&w, &channels[i], i < ledger->channel_count ? &ledger->channels[i] : &nothing,
                      &counts[i]);
    }
    rml_json_list_end(&w);
    rml_json_object_end(&w);
    return rml_json_finish(&w);
}
