// Sensor times of the messages of a recording, and which of them their schema does not fit.
#include "log_sensor.h"

static void count_misfit(log_sensor *s, uint32_t channel, const rml_error *fault)
{
    while (s->misfits.count <= channel) {
        if (rml_array_push(&s->misfits, NULL) == NULL) {
            return;
        }
    }
    log_misfits *m = RML_AT(&s->misfits, log_misfits, channel);
    s->misfit_count++;
    if (m->count++ == 0) {
        m->first = *fault;
    }
}

static void decode(log_sensor *s, log_plan *plan, const rml_log *log,
                   const rml_log_message *message)
{
    rml_error fault = {0};
    size_t count;
    const rml_str *files = rml_log_files(log, &count);
    rml_str file = message->file < count ? files[message->file] : s->file;
    if (rml_log_plan_decode(plan, message, file, &fault) != RML_OK) {
        count_misfit(s, message->channel, &fault);
    }
}

// No sensor time is told where there is no plan, or memory for one: that is what the ledger says of
// a channel without them.
static bool sensor_ns(void *context, const rml_log *log, const rml_log_message *message,
                      int64_t *out)
{
    log_sensor *s = context;
    log_plan *plan = rml_log_plan_of(&s->plans, log, message->channel, s->file, NULL);
    if (plan == NULL || plan->plan == NULL) {
        return false;
    }
    if (s->decodes) {
        decode(s, plan, log, message);
    }
    return rml_message_sensor_ns(plan->plan, message->data, out);
}

rml_log_sensor rml_log_sensor_of(log_sensor *s)
{
    return (rml_log_sensor){sensor_ns, s};
}

void rml_log_sensor_reset(log_sensor *s)
{
    rml_log_plans_reset(&s->plans);
    rml_array_reset(&s->misfits);
}
