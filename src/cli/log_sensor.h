// Sensor times for the ledger of a recording that a command reads: the plans of its channels,
// compiled when their first message comes; and, where asked, whether the messages fit them.
#ifndef ROADMILL_CLI_LOG_SENSOR_H
#define ROADMILL_CLI_LOG_SENSOR_H

#include "roadmill/base/column.h"
#include "roadmill/log.h"

typedef struct log_sensor {
    rml_array plans; // one per channel: log_sensor_plan
    rml_str file;    // for errors
    bool decodes;    // every message is decoded
    uint64_t misfits;
} log_sensor;
#define LOG_SENSOR(name)                                                                           \
    {                                                                                              \
        .plans = RML_ARRAY(struct log_sensor_plan), .file = (name)                                 \
    }

struct log_sensor_plan {
    bool tried;
    struct rml_plan_message *plan; // NULL: its messages cannot be decoded
    rml_batch batch;
    uint64_t misfits;
    rml_error first; // misfit, or why there is no plan
};

// What rml_log_inspect takes.
rml_log_sensor log_sensor_of(log_sensor *s);
void log_sensor_reset(log_sensor *s);

#endif
