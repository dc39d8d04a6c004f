// Sensor times of the messages of a recording.
#include "log_sensor.h"

#include "roadmill/message.h"

// The channel's plan, NULL where its messages cannot be decoded or memory is gone: then no sensor
// time is told, which is what the ledger says of a channel without them.
static const rml_message_plan *plan_of(log_sensor *s, const rml_log *log, uint32_t channel)
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
        if (rml_message_compile(&kind, s->file, &p->plan, NULL) != RML_OK) {
            p->plan = NULL;
        }
    }
    return p->plan;
}

static bool sensor_ns(void *context, const rml_log *log, const rml_log_message *message,
                      int64_t *out)
{
    const rml_message_plan *plan = plan_of(context, log, message->channel);
    return plan != NULL && rml_message_sensor_ns(plan, message->data, out);
}

rml_log_sensor log_sensor_of(log_sensor *s)
{
    return (rml_log_sensor){sensor_ns, s};
}

void log_sensor_reset(log_sensor *s)
{
    for (size_t i = 0; i < s->plans.count; i++) {
        rml_message_plan_free(RML_AT(&s->plans, struct log_sensor_plan, i)->plan);
    }
    rml_array_reset(&s->plans);
}
