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

static const rml_field fields[] = {
    {{"recording_id", 12}, RML_TYPE_STRING, false, NULL, 0},
    {{"bus", 3}, RML_TYPE_STRING, false, NULL, 0},
    {{"frame", 5}, RML_TYPE_STRING, false, NULL, 0},
    {{"signal", 6}, RML_TYPE_STRING, false, NULL, 0},
    {{"log_ns", 6}, RML_TYPE_I64, false, NULL, 0},
    {{"value", 5}, RML_TYPE_F64, false, NULL, 0},
    {{"raw", 3}, RML_TYPE_I64, false, NULL, 0},
    {{"unit", 4}, RML_TYPE_STRING, true, NULL, 0},
    {{"text", 4}, RML_TYPE_STRING, true, NULL, 0}, // of the signal's value table
};

rml_status rml_ingest_can_init(rml_ingest_can *c, const rml_dbc *const *files, size_t count,
                               rml_error *err)
{
    *c = (rml_ingest_can){.files = files,
                          .count = count,
                          .decoders = RML_ARRAY(rml_can_decoder *),
                          .misses = RML_ARRAY(miss)};
    const rml_schema schema = {fields, sizeof fields / sizeof *fields};
    return rml_batch_init(&c->batch, schema, err);
}

void rml_ingest_can_reset(rml_ingest_can *c)
{
    for (size_t i = 0; i < c->decoders.count; i++) {
        rml_can_decoder_free(*RML_AT(&c->decoders, rml_can_decoder *, i));
    }
    rml_array_reset(&c->decoders);
    rml_array_reset(&c->misses);
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
    rml_column *columns = c->batch.columns;
    RML_TRY(rml_column_str(&columns[0], recording_id, err));
    RML_TRY(rml_column_str(&columns[1], channel->topic, err));
    RML_TRY(rml_column_str(&columns[2], v->message->name, err));
    RML_TRY(rml_column_str(&columns[3], v->signal->name, err));
    RML_TRY(rml_column_i64(&columns[4], m->log_ns, err));
    RML_TRY(rml_column_f64(&columns[5], v->value, err));
    RML_TRY(rml_column_i64(&columns[6], v->raw, err));
    RML_TRY(v->signal->unit.len > 0 ? rml_column_str(&columns[7], v->signal->unit, err)
                                    : rml_column_null(&columns[7], err));
    RML_TRY(v->text.len > 0 ? rml_column_str(&columns[8], v->text, err)
                            : rml_column_null(&columns[8], err));
    return rml_batch_row_end(&c->batch, err);
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
    for (size_t i = 0; i < count; i++) {
        RML_TRY(append(c, channel, message, &values[i], recording_id, err));
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
        RML_TRY(rml_rejects_append(rejects, &row, err));
    }
    return RML_OK;
}
