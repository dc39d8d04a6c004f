// --where of `log cat` and `log filter`.
#include "log_where.h"

rml_status rml_log_where_open(log_where *w, rml_call *call, rml_error *err)
{
    rml_str text = rml_call_text(call, "where");
    *w = (log_where)LOG_WHERE;
    return text.len == 0 ? RML_OK : rml_message_where_parse(text, &w->condition, err);
}

bool rml_log_where_row(const log_where *w, const log_plan *plan, rml_status decoded)
{
    return w->condition == NULL ||
           (decoded == RML_OK &&
            rml_message_where_holds(w->condition, plan->batch.schema, plan->batch.columns, 0));
}

bool rml_log_where_holds(void *where, const rml_log *log, const rml_log_message *message)
{
    log_where *w = where;
    log_plan *plan = rml_log_plan_of(&w->plans, log, message->channel, (rml_str){0}, NULL);
    return plan != NULL &&
           rml_log_where_row(w, plan, rml_log_plan_decode(plan, message, (rml_str){0}, NULL));
}

void rml_log_where_close(log_where *w)
{
    rml_log_plans_reset(&w->plans);
    rml_message_where_free(w->condition);
}
