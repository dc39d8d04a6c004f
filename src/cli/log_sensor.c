// Sensor times of the messages of a recording.
#include "log_sensor.h"

#include "roadmill/message.h"

// The channel's plan, NULL where its messages cannot be decoded or memory is gone: then no sensor
// time is told, which is what the ledger says of a channel without them.
static struct log_sensor_plan *plan_of(log_sensor *s, const rml_log *log, uint32_t channel)
{
    size_t count;
    const rml_log_channel *channels = rml_log_channels(log, &count);
    while (s->plans.count <= channel) {
        if (rml_array_push(&s->plans, NULL) == NULL) {
            return NULL;
        }
    }
    struct log_sensor_plan *p = RML_AT(&s->plans, struct log_sensor_plan, channel);
    if (!p->tried) {
        const rml_log_channel *c = &channels[channel];
        const rml_message_kind kind = {c->message_encoding, c->schema_encoding, c->schema_name,
                                       c->schema};
        p->tried = true;
        if (rml_message_compile(&kind, s->file, &p->plan, &p->first) != RML_OK) {
            p->plan = NULL;
        } else if (s->decodes &&
                   rml_batch_init(&p->batch, rml_message_schema(p->plan), &p->first) != RML_OK) {
            rml_message_plan_free(p->plan);
            p->plan = NULL;
        }
    }
    return p;
}

static void decode(log_sensor *s, struct log_sensor_plan *p, const rml_log *log,
                   const rml_log_message *message)
{
    rml_error fault = {0};
    size_t count;
    const rml_str *files = rml_log_files(log, &count);
    rml_place place =
        rml_place_byte(message->file < count ? files[message->file] : s->file, message->offset);
    rml_batch_clear(&p->batch);
    if (rml_message_decode(p->plan, message->data, place, p->batch.columns, &fault) != RML_OK) {
        s->misfits++;
        if (p->misfits++ == 0) {
            p->first = fault;
        }
    }
}

static bool sensor_ns(void *context, const rml_log *log, const rml_log_message *message,
                      int64_t *out)
{
    log_sensor *s = context;
    struct log_sensor_plan *p = plan_of(s, log, message->channel);
    if (p == NULL || p->plan == NULL) {
        return false;
    }
    if (s->decodes) {
        decode(s, p, log, message);
    }
    return rml_message_sensor_ns(p->plan, message->data, out);
}

rml_log_sensor log_sensor_of(log_sensor *s)
{
    return (rml_log_sensor){sensor_ns, s};
}

void log_sensor_reset(log_sensor *s)
{
    for (size_t i = 0; i < s->plans.count; i++) {
        struct log_sensor_plan *p = RML_AT(&s->plans, struct log_sensor_plan, i);
        rml_batch_reset(&p->batch);
        rml_message_plan_free(p->plan);
    }
    rml_array_reset(&s->plans);
}
