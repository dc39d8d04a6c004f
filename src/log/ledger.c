// The ledger of a recording: what it holds and what it lacks, kept while its messages go by.
#include "format.h"
#include "ledger_channel.h"

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
                              const rml_log_message *message, const int64_t *sensor_ns,
                              rml_error *err)
{
    RML_TRY(grow(ledger, arena, (size_t)message->channel + 1, err));
    RML_TRY(rml_log_channel_ledger_add(&ledger->channels[message->channel], arena, message,
                                       sensor_ns, err));
    uint32_t sequence = message->sequence, previous = ledger->previous_sequence;
    if (ledger->messages > 0 && sequence > previous) {
        ledger->sequence_steps += sequence == previous + 1;
        ledger->sequence_drops += sequence - previous - 1;
    }
    ledger->previous_sequence = sequence;
    ledger->messages++;
    return RML_OK;
}

// One sequence for all channels: nearly every number follows that of the message before, whatever
// its channel, and the channels on their own seem to lack numbers.
static void find_shared_sequence(rml_log_ledger *ledger)
{
    uint64_t drops = 0;
    size_t channels = 0;
    for (size_t i = 0; i < ledger->channel_count; i++) {
        drops += ledger->channels[i].sequence_drops;
        channels += ledger->channels[i].messages > 0;
    }
    ledger->shared_sequence = channels > 1 && drops > ledger->sequence_drops &&
                              ledger->sequence_steps >= (ledger->messages - 1) / 20 * 19;
    if (!ledger->shared_sequence) {
        ledger->sequence_drops = drops;
        return;
    }
    for (size_t i = 0; i < ledger->channel_count; i++) {
        ledger->channels[i].sequence_drops = 0;
    }
}

rml_status rml_log_ledger_fault(rml_log_ledger *ledger, rml_arena *arena, const rml_error *fault,
                                rml_error *err)
{
    ledger->faults++;
    if (ledger->damage.len > 0) {
        return RML_OK;
    }
    // Without the name of the file, so that a ledger is that of its bytes.
    ledger->damage = fault->place_kind == RML_PLACE_BYTE
                         ? rml_arena_printf(arena, "byte %llu: %s",
                                            (unsigned long long)fault->offset, fault->what)
                         : rml_arena_printf(arena, "file: %s", fault->what);
    return ledger->damage.data == NULL ? rml_fail_memory(err, sizeof(fault->what)) : RML_OK;
}

rml_status rml_log_ledger_end(rml_log_ledger *ledger, rml_arena *arena, const rml_log *log,
                              rml_error *err)
{
    RML_TRY(grow(ledger, arena, log->channels.count, err));
    for (size_t i = 0; i < ledger->channel_count; i++) {
        rml_log_channel_ledger_end(&ledger->channels[i]);
    }
    find_shared_sequence(ledger);
    ledger->bytes = log->bytes;
    ledger->bytes_lost = rml_log_bytes_lost(log);
    ledger->unread = log->unread;
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

bool rml_log_ledger_span(const rml_log_ledger *ledger, int64_t *start_ns, int64_t *end_ns)
{
    if (ledger->has_span) {
        *start_ns = ledger->start_ns;
        *end_ns = ledger->end_ns;
        return true;
    }
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

rml_status rml_log_inspect(rml_log *log, rml_arena *arena, const rml_log_sensor *sensor,
                           rml_log_ledger *out, const rml_progress *progress, rml_error *err)
{
    rml_log_ledger ledger = {0};
    for (;;) {
        rml_log_message message;
        rml_error fault = {0};
        rml_status st = rml_log_next(log, &message, &fault);
        if (st == RML_END) {
            break;
        }
        if (rml_status_is_of_data(st)) {
            RML_TRY(rml_log_ledger_fault(&ledger, arena, &fault, err));
        } else if (st) {
            if (err != NULL) {
                *err = fault;
            }
            return st;
        } else {
            int64_t sensor_ns;
            bool says =
                sensor != NULL && sensor->sensor_ns(sensor->context, log, &message, &sensor_ns);
            RML_TRY(rml_log_ledger_add(&ledger, arena, &message, says ? &sensor_ns : NULL, err));
            if ((ledger.messages & 4095) == 0) {
                rml_progress_report(progress, "reading", (double)message.offset, (double)log->bytes,
                                    "B");
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
