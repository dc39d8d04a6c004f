// Decoding of CAN frames by the DBC files of a command line.
#include "can_signals.h"

#include "roadmill/store.h"

#define DBC_SIZE_MAX ((size_t)64 << 20)

static rml_status read_dbc(rml_str path, rml_dbc **out, rml_error *err)
{
    rml_buffer text = {0};
    rml_status st = rml_store_get(path, DBC_SIZE_MAX, &text, err);
    if (st == RML_OK) {
        st = rml_dbc_parse(rml_buffer_text(&text), path, out, err);
    }
    rml_buffer_reset(&text);
    return st;
}

rml_status rml_can_signals_open(can_signals *s, rml_call *call, rml_error *err)
{
    size_t count = rml_call_count(call, "dbc");
    *s = (can_signals){.decoders = RML_ARRAY(rml_can_decoder *)};
    s->files = RML_NEW_ARRAY(&call->arena, rml_dbc *, count + 1);
    if (s->files == NULL) {
        return rml_fail_memory(err, count * sizeof *s->files);
    }
    for (; s->count < count; s->count++) {
        rml_dbc *file = NULL;
        RML_TRY(read_dbc(rml_call_at(call, "dbc", s->count), &file, err));
        s->files[s->count] = file;
    }
    return RML_OK;
}

rml_status rml_can_signals_decode(can_signals *s, const rml_log_message *message,
                                  const rml_can_value **values, size_t *count, rml_can_fate *fate,
                                  rml_error *err)
{
    rml_can_frame frame;
    *count = 0;
    *fate = RML_CAN_NOT_DATA;
    if (!rml_can_frame_parse(message->data, &frame)) {
        return RML_OK;
    }
    while (s->decoders.count <= message->channel) {
        if (rml_array_push(&s->decoders, err) == NULL) {
            return RML_ERR_MEMORY;
        }
    }
    rml_can_decoder **decoder = RML_AT(&s->decoders, rml_can_decoder *, message->channel);
    if (*decoder == NULL) {
        RML_TRY(rml_can_decoder_make((const rml_dbc *const *)s->files, s->count, decoder, err));
    }
    return rml_can_decode(*decoder, &frame, values, count, fate, err);
}

void rml_can_signals_close(can_signals *s)
{
    for (size_t i = 0; i < s->decoders.count; i++) {
        rml_can_decoder_free(*RML_AT(&s->decoders, rml_can_decoder *, i));
    }
    rml_array_reset(&s->decoders);
    for (size_t i = 0; i < s->count; i++) {
        rml_dbc_free(s->files[i]);
    }
}
