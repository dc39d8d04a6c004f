// Options that the commands on recordings share: which messages, in which order.
#ifndef ROADMILL_COMMAND_LOG_OPEN_H
#define ROADMILL_COMMAND_LOG_OPEN_H

#include "call.h"
#include "roadmill/log.h"

#define LOG_FILES                                                                                  \
    {                                                                                              \
        "FILE", .type = RML_OPTION_PATH, .help = "a recording of any format", .required = true,    \
                .repeated = true                                                                   \
    }
#define LOG_FILTER_OPTIONS                                                                         \
    {"topic", .type = RML_OPTION_TEXT, .value = "TOPIC", .help = "only this one",                  \
     .repeated = true},                                                                            \
        {"start",      .type = RML_OPTION_INT, .value = "NS", .help = "from this log time on",     \
         .unit = "ns", .high = RML_OPTION_MOST},                                                   \
    {                                                                                              \
        "end", .type = RML_OPTION_INT, .value = "NS", .help = "to before this log time",           \
               .unit = "ns", .high = RML_OPTION_MOST                                               \
    }

// Fills options from --topic, --start, --end; text borrows from the call.
rml_status rml_log_filter_options(rml_call *call, rml_log_options *options, rml_error *err)
    RML_CHECKED;

#endif
