// Options that the commands on recordings share: which messages, in which order.
#ifndef ROADMILL_CLI_LOG_OPEN_H
#define ROADMILL_CLI_LOG_OPEN_H

#include "command.h"
#include "roadmill/log.h"

#define LOG_FILTER_OPTIONS                                                                         \
    {"--topic", "TOPIC", "only this one; may be repeated"},                                        \
        {"--start", "NS", "from this log time on, in nanoseconds"},                                \
    {                                                                                              \
        "--end", "NS", "to before this log time"                                                   \
    }

// Fills options from --topic, --start, --end; text borrows from the command line.
rml_status log_filter_options(rml_cli *cli, rml_log_options *options, rml_error *err) RML_CHECKED;
// The arguments of the command from `first` on as text, in the arena.
rml_status log_arguments(rml_cli *cli, size_t first, rml_str **out, rml_error *err) RML_CHECKED;

#endif
