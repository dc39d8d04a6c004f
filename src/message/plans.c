// The plans of a recording's channels, each compiled once, when its first message comes.
#include "roadmill/message.h"

typedef struct channel_plan {
    rml_message_plan *plan;
    rml_status status; // of compiling it
    bool tried;
    rml_error why;
} channel_plan;

rml_status rml_message_plan_of(rml_message_plans *plans, uint32_t channel,
                               const rml_message_kind *kind, rml_str file,
                               const rml_message_plan **out, rml_error *err)
{
    plans->channels.item_size = sizeof(channel_plan);
    while (plans->channels.count <= channel) {
        if (rml_array_push(&plans->channels, err) == NULL) {
            return RML_ERR_MEMORY;
        }
    }
    channel_plan *c = RML_AT(&plans->channels, channel_plan, channel);
    if (!c->tried) {
        c->tried = true;
        c->status = rml_message_compile(kind, file, &c->plan, &c->why);
    }
    if (c->status != RML_OK && err != NULL) {
        *err = c->why;
    }
    *out = c->plan;
    return c->status;
}

void rml_message_plans_reset(rml_message_plans *plans)
{
    for (size_t i = 0; i < plans->channels.count; i++) {
        rml_message_plan_free(RML_AT(&plans->channels, channel_plan, i)->plan);
    }
    rml_array_reset(&plans->channels);
}
