// The decode plans of a log's channels, each compiled when its first message comes: what printing,
// --where and the ledger of a command share.
#ifndef ROADMILL_COMMAND_LOG_PLANS_H
#define ROADMILL_COMMAND_LOG_PLANS_H

#include "roadmill/base/column.h"
#include "roadmill/log.h"
#include "roadmill/message.h"

typedef struct log_plan {
    bool tried;
    rml_message_plan *plan; // NULL: its messages cannot be decoded
    rml_batch batch;        // of the message decoded last
    rml_error why;          // there is no plan
} log_plan;

typedef struct log_plans {
    rml_array plans; // log_plan, by channel
} log_plans;
#define LOG_PLANS                                                                                  \
    {                                                                                              \
        .plans = RML_ARRAY(log_plan)                                                               \
    }

// The plan of a channel; NULL for want of memory. file is for errors. Good until the next call.
log_plan *rml_log_plan_of(log_plans *p, const rml_log *log, uint32_t channel, rml_str file,
                          rml_error *err);
// The message as the one row of plan->batch; RML_ERR_UNSUPPORTED without a plan.
rml_status rml_log_plan_decode(log_plan *plan, const rml_log_message *message, rml_str file,
                               rml_error *err) RML_CHECKED;
void rml_log_plans_reset(log_plans *p);

#endif
