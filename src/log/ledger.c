// The ledger of a recording: what it holds and what it lacks, kept while its messages go by.
#include "format.h"
#include "roadmill/base/json.h"
#include "roadmill/codec.h"

static rml_status grow(rml_log_ledger *ledger, rml_arena *arena, size_t count, rml_error *err)
{
    if (count > ledger->channel_capacity) {
        size_t capacity = count < 16 ? 16 : 2 * count;
        rml_log_channel_ledger *channels = RML_NEW_ARRAY(arena, rml_log_channel_ledger, capacity);
        if (channels == NULL) {
            return rml_fail_memory(err, capacity * sizeof(*channels));
        }
        for (size_t i = 0; i < ledger->channel_count; i++) {
            channels[i] = ledger->channels[i];
        }
        ledger->channels = channels;
        ledger->channel_capacity = capacity;
    }
    if (count > ledger->channel_count) {
        ledger->channel_count = count;
    }
    return RML_OK;
}

rml_status rml_log_ledger_add(rml_log_ledger *ledger, rml_arena *arena,
                              const rml_log_message *message, rml_error *err)
{
    RML_TRY(grow(ledger, arena, (size_t)message->channel + 1, err));
    rml_log_channel_ledger *c = &ledger->channels[message->channel];
    int64_t log_ns = message->log_ns;
    uint32_t crc = message->sequence == 0 ? 0 : rml_crc32(0, message->data.data, message->data.len);
    if (c->messages == 0) {
        c->first_ns = c->last_ns = log_ns;
    } else {
        bool same_number = message->sequence == c->previous_sequence;
        if (log_ns < c->previous_ns) {
            c->out_of_order++;
        } else if (log_ns - c->previous_ns > c->gap_ns_max) {
            c->gap_ns_max = log_ns - c->previous_ns;
        }
        if (message->sequence != 0 && same_number && log_ns == c->previous_ns &&
            crc == c->previous_crc) {
            c->duplicates++;
        }
        // A sequence that starts again, or is not kept (always 0), says nothing about drops.
        if (message->sequence > c->previous_sequence && c->previous_sequence != 0) {
            c->sequence_drops += message->sequence - c->previous_sequence - 1;
        }
        c->first_ns = log_ns < c->first_ns ? log_ns : c->first_ns;
        c->last_ns = log_ns > c->last_ns ? log_ns : c->last_ns;
    }
    c->messages++;
    c->bytes += message->data.len;
    c->previous_ns = log_ns;
    c->previous_sequence = message->sequence;
    c->previous_crc = crc;
    ledger->messages++;
    return RML_OK;
}

rml_status rml_log_ledger_fault(rml_log_ledger *ledger, rml_arena *arena, const rml_error *fault,
                                rml_error *err)
{
    ledger->faults++;
    if (ledger->damage.len > 0) {
        return RML_OK;
    }
    // Without the name of the file, so that a ledger is that of its bytes.
    rml_str place = rml_str_of(fault->place);
    size_t at = rml_str_find(place, RML_STR(": byte "));
    place = at < place.len ? (rml_str){place.data + at + 2, place.len - at - 2} : RML_STR("file");
    ledger->damage = rml_arena_printf(arena, "%.*s: %s", RML_FMT(place), fault->what);
    return ledger->damage.data == NULL ? rml_fail_memory(err, sizeof(fault->what)) : RML_OK;
}

rml_status rml_log_ledger_end(rml_log_ledger *ledger, rml_arena *arena, const rml_log *log,
                              rml_error *err)
{
    RML_TRY(grow(ledger, arena, log->channels.count, err));
    ledger->bytes = log->file.len;
    ledger->bytes_lost = rml_log_bytes_lost(log);
    ledger->complete = log->format->complete(log, &ledger->has_index);
    return RML_OK;
}

const char *rml_log_completeness(const rml_log_ledger *ledger)
{
    if (!ledger->complete) {
        return "cut";
    }
    return ledger->faults > 0 ? "damaged" : "whole";
}

static void channel_json(const rml_log_channel *channel, const rml_log_channel_ledger *c,
                         const rml_log_kept *kept, rml_json_writer *w)
{
    rml_json_object(w);
    rml_json_kv_str(w, "topic", channel->topic);
    rml_json_kv_str(w, "type", channel->schema_name);
    rml_json_kv_str(w, "encoding", channel->message_encoding);
    rml_json_kv_str(w, "schema_encoding", channel->schema_encoding);
    rml_json_kv_i64(w, "messages", (int64_t)c->messages);
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
    rml_json_object_end(w);
}

bool rml_log_ledger_span(const rml_log_ledger *ledger, int64_t *start_ns, int64_t *end_ns)
{
    bool any = false;
    for (size_t i = 0; i < ledger->channel_count; i++) {
        const rml_log_channel_ledger *c = &ledger->channels[i];
        if (c->messages > 0) {
            *start_ns = !any || c->first_ns < *start_ns ? c->first_ns : *start_ns;
            *end_ns = !any || c->last_ns > *end_ns ? c->last_ns : *end_ns;
            any = true;
        }
    }
    return any;
}

void rml_log_ledger_json(const rml_log_ledger *ledger, const rml_log *log, const rml_log_kept *kept,
                         rml_json_writer *w)
{
    int64_t start_ns, end_ns;
    rml_json_object(w);
    rml_json_kv_str(w, "format", rml_str_of(log->format->name));
    rml_json_kv_str(w, "profile", log->profile);
    rml_json_kv_str(w, "logger", log->library);
    rml_json_kv_i64(w, "messages", (int64_t)ledger->messages);
    if (rml_log_ledger_span(ledger, &start_ns, &end_ns)) {
        rml_json_kv_ns(w, "start_ns", start_ns);
        rml_json_kv_ns(w, "end_ns", end_ns);
    }
    rml_json_kv_i64(w, "bytes", (int64_t)ledger->bytes);
    rml_json_kv_i64(w, "bytes_lost", (int64_t)ledger->bytes_lost);
    rml_json_kv_str(w, "completeness", rml_str_of(rml_log_completeness(ledger)));
    rml_json_kv_bool(w, "has_index", ledger->has_index);
    rml_json_kv_i64(w, "faults", (int64_t)ledger->faults);
    rml_json_kv_str(w, "damage", ledger->damage);
    rml_json_key(w, "channels");
    rml_json_list(w);
    for (size_t i = 0; i < log->channels.count && i < ledger->channel_count; i++) {
        channel_json(RML_AT(&log->channels, rml_log_channel, i), &ledger->channels[i],
                     kept == NULL ? NULL : &kept[i], w);
    }
    rml_json_list_end(w);
    rml_json_object_end(w);
}

rml_status rml_log_inspect(rml_log *log, rml_arena *arena, rml_log_ledger *out,
                           const rml_progress *progress, rml_error *err)
{
    rml_log_ledger ledger = {0};
    for (;;) {
        rml_log_message message;
        rml_error fault = {0};
        rml_status st = rml_log_next(log, &message, &fault);
        if (st == RML_END) {
            break;
        }
        if (st == RML_ERR_DATA || st == RML_ERR_LIMIT || st == RML_ERR_UNSUPPORTED) {
            RML_TRY(rml_log_ledger_fault(&ledger, arena, &fault, err));
        } else if (st) {
            if (err != NULL) {
                *err = fault;
            }
            return st;
        } else {
            RML_TRY(rml_log_ledger_add(&ledger, arena, &message, err));
            if ((ledger.messages & 4095) == 0) {
                rml_progress_report(progress, "reading", (double)message.offset,
                                    (double)log->file.len, "B");
                if (rml_progress_stop(progress)) {
                    return rml_fail(err, RML_ERR_STOPPED, rml_place_file(log->name), NULL,
                                    "stopped while reading");
                }
            }
        }
    }
    RML_TRY(rml_log_ledger_end(&ledger, arena, log, err));
    *out = ledger;
    return RML_OK;
}
