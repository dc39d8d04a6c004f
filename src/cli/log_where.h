// --where of the commands on recordings: the plans of their channels, and whether a message holds.
#ifndef ROADMILL_CLI_LOG_WHERE_H
#define ROADMILL_CLI_LOG_WHERE_H

#include "command.h"
#include "roadmill/log.h"
#include "roadmill/message/where.h"

#define LOG_WHERE_OPTION                                                                           \
    {                                                                                              \
        "--where", "CONDITION",                                                                    \
            "only messages for which it holds: \"pose.position.x > 5 and header.frame_id == "      \
            "'map'\""                                                                              \
    }

typedef struct log_where {
    rml_message_where *condition; // NULL: every message holds
    rml_array channels;           // of the log
} log_where;

rml_status log_where_open(log_where *w, rml_cli *cli, rml_error *err) RML_CHECKED;
// False also for a message that cannot be decoded.
bool log_where_holds(void *where, const rml_log *log, const rml_log_message *message);
void log_where_close(log_where *w);

#endif
