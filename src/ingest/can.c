// Signals of CAN frames as rows. Every frame is a row of `signals_can_frames` whatever becomes of
// it here, so nothing is lost; what a DBC does not decode is told once for each id and reason.
#include "can.h"

#include "roadmill/lake/recordings.h"

#define MISSES_MAX 65536

typedef struct miss {
    uint32_t channel, id;
    rml_can_fate fate;
    uint64_t frames, offset; // of the first one
} miss;

typedef struct signal_row {
    rml_str recording_id, bus, frame, signal, unit, text;
    int64_t log_ns, raw;
    double value;
} signal_row;

static const rml_field fields[] = {
    RML_COLUMN(signal_row, recording_id, STR, RML_REQUIRED),
    RML_COLUMN(signal_row, bus, STR, RML_REQUIRED),
    RML_COLUMN(signal_row, frame, STR, RML_REQUIRED),
    RML_COLUMN(signal_row, signal, STR, RML_REQUIRED),
    RML_COLUMN(signal_row, log_ns, I64, RML_REQUIRED),
    RML_COLUMN(signal_row, value, F64, RML_REQUIRED),
    RML_COLUMN(signal_row, raw, I64, RML_REQUIRED),
    RML_COLUMN(signal_row, unit, STR, RML_NULLABLE),
    RML_COLUMN(signal_row, text, STR, RML_NULLABLE), // of the signal's value table
};

rml_status rml_ingest_can_init(rml_ingest_can *c, const rml_dbc *const *files, size_t count,
                               rml_error *err)
{
    *c = (rml_ingest_can){.files = files,
                          .count = count,
                          .decoders = RML_ARRAY(rml_can_decoder *),
                          .misses = RML_ARRAY(miss),
                          .ordered = RML_ARRAY(const rml_can_value *)};
    return rml_batch_init(&c->batch, (rml_schema)RML_TABLE(fields), err);
}

void rml_ingest_can_reset(rml_ingest_can *c)
{
    for (size_t i = 0; i < c->decoders.count; i++) {
        rml_can_decoder_free(*RML_AT(&c->decoders, rml_can_decoder *, i));
    }
    rml_array_reset(&c->decoders);
    rml_array_reset(&c->misses);
    rml_array_reset(&c->ordered);
    rml_batch_reset(&c->batch);
}

static rml_status decoder_of(rml_ingest_can *c, uint32_t channel, rml_can_decoder **out,
                             rml_error *err)
{
    while (c->decoders.count <= channel) {
        if (rml_array_push(&c->decoders, err) == NULL) {
            return RML_ERR_MEMORY;
        }
    }
    rml_can_decoder **place = RML_AT(&c->decoders, rml_can_decoder *, channel);
    if (*place == NULL) {
        RML_TRY(rml_can_decoder_make(c->files, c->count, place, err));
    }
    *out = *place;
    return RML_OK;
}

static rml_status count_miss(rml_ingest_can *c, const rml_log_message *m, uint32_t id,
                             rml_can_fate fate, rml_error *err)
{
    for (size_t i = c->misses.count; i > 0; i--) {
        miss *known = RML_AT(&c->misses, miss, i - 1);
        if (known->channel == m->channel && known->id == id && known->fate == fate) {
            known->frames++;
            return RML_OK;
        }
    }
    if (c->misses.count >= MISSES_MAX) {
        RML_AT(&c->misses, miss, MISSES_MAX - 1)->frames++;
        return RML_OK;
    }
    miss *fresh = rml_array_push(&c->misses, err);
    if (fresh == NULL) {
        return RML_ERR_MEMORY;
    }
    *fresh = (miss){m->channel, id, fate, 1, m->offset};
    return RML_OK;
}

static rml_status append(rml_ingest_can *c, const rml_log_channel *channel,
                         const rml_log_message *m, const rml_can_value *v, rml_str recording_id,
                         rml_error *err)
{
    const signal_row row = {.recording_id = recording_id,
                            .bus = channel->topic,
                            .frame = v->message->name,
                            .signal = v->signal->name,
                            .log_ns = m->log_ns,
                            .value = v->value,
                            .raw = v->raw,
                            .unit = v->signal->unit,
                            .text = v->text};
    return rml_row_append(&c->batch, &row, err);
}

// By the signals' names, which is the order of the table: a DBC has them as they came.
static rml_status order_values(rml_ingest_can *c, const rml_can_value *values, size_t count,
                               rml_error *err)
{
    rml_array_clear(&c->ordered);
    const rml_can_value **v = count > 0 ? rml_array_push_many(&c->ordered, count, err) : NULL;
    if (count > 0 && v == NULL) {
        return RML_ERR_MEMORY;
    }
    for (size_t i = 0; i < count; i++) {
        size_t at = i;
        for (; at > 0 && v[at - 1]->rank > values[i].rank; at--) {
            v[at] = v[at - 1];
        }
        v[at] = &values[i];
    }
    return RML_OK;
}

rml_status rml_ingest_can_add(rml_ingest_can *c, const rml_log_channel *channel,
                              const rml_log_message *message, rml_str recording_id, rml_error *err)
{
    rml_can_frame frame;
    rml_can_decoder *decoder;
    const rml_can_value *values;
    size_t count;
    rml_can_fate fate;
    if (!rml_can_frame_parse(message->data, &frame)) {
        return RML_OK; // a reject of its channel already
    }
    RML_TRY(decoder_of(c, message->channel, &decoder, err));
    RML_TRY(rml_can_decode(decoder, &frame, &values, &count, &fate, err));
    if (fate != RML_CAN_DECODED && fate != RML_CAN_PART) {
        return count_miss(c, message, frame.id, fate, err);
    }
    RML_TRY(order_values(c, values, count, err));
    for (size_t i = 0; i < count; i++) {
        const rml_can_value *v = *RML_AT(&c->ordered, const rml_can_value *, i);
        RML_TRY(append(c, channel, message, v, recording_id, err));
    }
    return RML_OK;
}

rml_status rml_ingest_can_rejects(const rml_ingest_can *c, const rml_log *log, rml_str recording_id,
                                  rml_batch *rejects, rml_arena *arena, rml_error *err)
{
    size_t count;
    const rml_log_channel *channels = rml_log_channels(log, &count);
    for (size_t i = 0; i < c->misses.count; i++) {
        const miss *m = RML_AT(&c->misses, miss, i);
        rml_str reason =
            rml_arena_printf(arena, "id 0x%x, %llu frames: %s", m->id,
                             (unsigned long long)m->frames, rml_can_fate_reason(m->fate));
        if (reason.data == NULL) {
            return rml_fail_memory(err, 128);
        }
        const rml_reject_row row = {
            recording_id, RML_STR("dbc"), channels[m->channel].topic, m->offset, 0, reason};
        RML_TRY(rml_row_append(rejects, &row, err));
    }
    return RML_OK;
}
