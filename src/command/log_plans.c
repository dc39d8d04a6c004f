// Plans of the channels of a log, as they are needed.
#include "log_plans.h"

log_plan *rml_log_plan_of(log_plans *p, const rml_log *log, uint32_t channel, rml_str file,
                          rml_error *err)
{
    while (p->plans.count <= channel) {
        if (rml_array_push(&p->plans, err) == NULL) {
            return NULL;
        }
    }
    log_plan *plan = RML_AT(&p->plans, log_plan, channel);
    if (plan->tried) {
        return plan;
    }
    size_t count;
    const rml_log_channel *c = &rml_log_channels(log, &count)[channel];
    const rml_message_kind kind = rml_log_channel_kind(c);
    plan->tried = true;
    if (rml_message_compile(&kind, file, &plan->plan, &plan->why) != RML_OK) {
        plan->plan = NULL;
    } else if (rml_batch_init(&plan->batch, rml_message_schema(plan->plan), err) != RML_OK) {
        return NULL;
    }
    return plan;
}

rml_status rml_log_plan_decode(log_plan *plan, const rml_log_message *message, rml_str file,
                               rml_error *err)
{
    if (plan->plan == NULL) {
        return RML_ERR_UNSUPPORTED;
    }
    rml_batch_clear(&plan->batch);
    return rml_message_decode(plan->plan, message->data, rml_place_byte(file, message->offset),
                              plan->batch.columns, err);
}

void rml_log_plans_reset(log_plans *p)
{
    for (size_t i = 0; i < p->plans.count; i++) {
        log_plan *plan = RML_AT(&p->plans, log_plan, i);
        rml_batch_reset(&plan->batch);
        rml_message_plan_free(plan->plan);
    }
    rml_array_reset(&p->plans);
}
