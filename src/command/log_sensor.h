// Sensor times for the ledger of a recording that a command reads: the plans of its channels,
// compiled when their first message comes; and, where asked, whether the messages fit them.
#ifndef ROADMILL_COMMAND_LOG_SENSOR_H
#define ROADMILL_COMMAND_LOG_SENSOR_H

#include "log_plans.h"

// What does not fit its schema, of one channel.
typedef struct log_misfits {
    uint64_t count;
    rml_error first;
} log_misfits;

typedef struct log_sensor {
    log_plans plans;
    rml_str file;      // for errors
    bool decodes;      // every message is decoded
    rml_array misfits; // log_misfits, by channel
    uint64_t misfit_count;
} log_sensor;
#define LOG_SENSOR(name)                                                                           \
    {                                                                                              \
        .plans = LOG_PLANS, .misfits = RML_ARRAY(log_misfits), .file = (name)                      \
    }

// What rml_log_inspect takes.
rml_log_sensor rml_log_sensor_of(log_sensor *s);
void rml_log_sensor_reset(log_sensor *s);

#endif
