// What an MCAP file holds beside messages, and what its summary says of them without reading any.
#include "mcap_log.h"

// Pairs of a map, in the log's arena.
static rml_status copy_pairs(rml_log *log, rml_bytes map, rml_log_extra *out, rml_error *err)
{
    rml_bytes left = map;
    rml_str key, value;
    size_t count = 0;
    while (rml_mcap_pairs_text(&left, &key, &value)) {
        count++;
    }
    rml_log_pair *pairs = RML_NEW_ARRAY(&log->arena, rml_log_pair, count + 1);
    if (pairs == NULL) {
        return rml_fail_memory(err, count * sizeof *pairs);
    }
    for (left = map; rml_mcap_pairs_text(&left, &key, &value);) {
        pairs[out->pair_count++] = (rml_log_pair){key, value};
    }
    out->pairs = pairs;
    return RML_OK;
}

static rml_status add_extra(rml_log *log, const rml_mcap_record *record, rml_error *err)
{
    rml_log_extra extra = {0};
    if (record->opcode == RML_MCAP_ATTACHMENT) {
        const rml_mcap_attachment *a = &record->as.attachment;
        extra = (rml_log_extra){.kind = RML_LOG_ATTACHMENT,
                                .name = a->name,
                                .media_type = a->media_type,
                                .log_ns = (int64_t)a->log_ns,
                                .create_ns = (int64_t)a->create_ns,
                                .data = a->data};
    } else if (record->opcode == RML_MCAP_METADATA) {
        extra = (rml_log_extra){.kind = RML_LOG_METADATA, .name = record->as.metadata.name};
        RML_TRY(copy_pairs(log, record->as.metadata.pairs, &extra, err));
    } else {
        return RML_OK;
    }
    rml_log_extra *place = rml_array_push(&rml_mcap_of(log)->extras, err);
    if (place == NULL) {
        return RML_ERR_MEMORY;
    }
    *place = extra;
    return RML_OK;
}

// All of them, once; chunks are stepped over. Damage is told by those who read messages.
static rml_status find_extras(rml_log *log, rml_error *err)
{
    rml_mcap_reader *reader;
    rml_mcap_record record;
    const rml_mcap_reader_options options = {.whole_chunks = true, .skip_crc = true};
    RML_TRY(rml_mcap_reader_over(log->file, log->name, &options, &reader, err));
    rml_mcap_reader_release(reader, &log->object);
    rml_status st = RML_OK, read = RML_OK;
    for (size_t faults = 0; st == RML_OK && read != RML_END && faults < 1000;) {
        read = rml_mcap_reader_next(reader, &record, NULL);
        faults += read != RML_OK && read != RML_END;
        st = read == RML_OK ? add_extra(log, &record, err) : RML_OK;
    }
    rml_mcap_reader_close(reader);
    return st;
}

rml_status rml_mcap_extra(rml_log *log, size_t index, rml_log_extra *out, rml_error *err)
{
    rml_mcap_log *m = rml_mcap_of(log);
    if (!m->extras_found) {
        RML_TRY(find_extras(log, err));
        m->extras_found = true;
    }
    if (index >= m->extras.count) {
        return RML_END;
    }
    *out = *RML_AT(&m->extras, rml_log_extra, index);
    return RML_OK;
}

rml_status rml_mcap_summary(rml_log *log, rml_arena *arena, rml_log_ledger *out, rml_error *err)
{
    rml_mcap_log *m = rml_mcap_of(log);
    const rml_mcap_record *statistics = m->index.statistics;
    if (!m->index.whole || statistics == NULL || !m->channels_known) {
        return RML_END;
    }
    out->channel_count = log->channels.count;
    out->channels = RML_NEW_ARRAY(arena, rml_log_channel_ledger, out->channel_count + 1);
    if (out->channels == NULL) {
        return rml_fail_memory(err, out->channel_count * sizeof *out->channels);
    }
    rml_bytes left = statistics->as.statistics.channel_message_counts;
    uint16_t id;
    uint64_t count;
    while (rml_mcap_pairs_u16(&left, &id, &count)) {
        uint32_t channel = m->channel_of[id];
        if (channel == 0) {
            return RML_END;
        }
        out->channels[channel - 1].messages = count;
        out->messages += count;
    }
    if (out->messages != statistics->as.statistics.message_count) {
        return RML_END;
    }
    out->has_span = out->messages > 0;
    out->start_ns = (int64_t)statistics->as.statistics.start_ns;
    out->end_ns = (int64_t)statistics->as.statistics.end_ns;
    out->bytes = log->bytes;
    out->complete = true;
    out->has_index = m->index.chunks.count > 0;
    return RML_OK;
}
