// --where of the commands on recordings: which messages meet a condition on their fields.
#ifndef ROADMILL_COMMAND_LOG_WHERE_H
#define ROADMILL_COMMAND_LOG_WHERE_H

#include "call.h"
#include "log_plans.h"
#include "roadmill/message/where.h"

#define LOG_WHERE_OPTION                                                                           \
    {                                                                                              \
        "where",                                                                                   \
            .type = RML_OPTION_TEXT, .value = "CONDITION",                                         \
            .help =                                                                                \
                "only messages for which it holds: \"pose.position.x > 5 and header.frame_id == "  \
                "'map'\""                                                                          \
    }

typedef struct log_where {
    rml_message_where *condition; // NULL: every message holds
    log_plans plans;              // of rml_log_where_holds
} log_where;
#define LOG_WHERE                                                                                  \
    {                                                                                              \
        .plans = LOG_PLANS                                                                         \
    }

rml_status rml_log_where_open(log_where *w, rml_call *call, rml_error *err) RML_CHECKED;
// Of a message that the caller has decoded, or could not.
bool rml_log_where_row(const log_where *w, const log_plan *plan, rml_status decoded);
// Decodes it; false also where that cannot be done. As rml_convert_options.keep.
bool rml_log_where_holds(void *where, const rml_log *log, const rml_log_message *message);
void rml_log_where_close(log_where *w);

#endif
