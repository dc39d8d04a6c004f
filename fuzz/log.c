// Recordings of any container (MCAP, ROS bag, MDF4, SQLite of ROS 2): what they hold beside
// messages, what their index says, their messages in the order of the file and of log time, each
// decoded by its schema. Then all of it again with an allocation that fails.
#include <stdlib.h>

#include "allocations.h"
#include "roadmill/base/column.h"
#include "roadmill/log.h"
#include "roadmill/message.h"

#define MEMORY_MAX ((size_t)1 << 20)
#define MESSAGES_MAX 20000
#define PLANS_MAX 64
#define ALLOCATIONS 2048

static bool goes_on(rml_status st)
{
    return st == RML_OK || st == RML_ERR_DATA || st == RML_ERR_LIMIT || st == RML_ERR_UNSUPPORTED;
}

// Compiles and decodes the first messages of a channel; columns stay as they were on a failure.
static void decode(const rml_log *log, const rml_log_message *m)
{
    size_t count;
    const rml_log_channel *c = &rml_log_channels(log, &count)[m->channel];
    const rml_message_kind kind = rml_log_channel_kind(c);
    rml_message_plan *plan = NULL;
    rml_batch batch = {0};
    rml_error err = {0};
    if (rml_message_compile(&kind, RML_STR("fuzz"), &plan, &err) != RML_OK) {
        return;
    }
    if (rml_batch_init(&batch, rml_message_schema(plan), &err) == RML_OK) {
        rml_status st = rml_message_decode(plan, m->data, (rml_place){0}, batch.columns, &err);
        batch.count = st == RML_OK ? 1 : 0;
        if (batch.schema.count > 0 && rml_batch_check(&batch, true, &err) != RML_OK) {
            abort();
        }
    }
    rml_batch_reset(&batch);
    rml_message_plan_free(plan);
}

static size_t read_messages(rml_bytes file, rml_log_order order, bool *ended)
{
    const rml_log_options options = {.order = order, .memory_max = MEMORY_MAX};
    rml_arena arena = {0};
    rml_log_ledger ledger = {0};
    rml_log *log = NULL;
    rml_error err = {0};
    size_t count = 0, faults = 0;
    if (rml_log_over(file, RML_STR("fuzz"), &options, &log, &err)) {
        return 0;
    }
    rml_log_extra extra;
    for (size_t i = 0; i < 100 && rml_log_extra_at(log, i, &extra, &err) == RML_OK; i++) {
    }
    rml_status st = rml_log_summarise(log, &arena, &ledger, &err);
    ledger = (rml_log_ledger){0};
    do {
        rml_log_message m;
        st = rml_log_next(log, &m, &err);
        faults += st != RML_OK;
        if (st == RML_OK) {
            st = rml_log_ledger_add(&ledger, &arena, &m, NULL, &err);
            if (count++ < PLANS_MAX) {
                decode(log, &m);
            }
        }
    } while (goes_on(st) && count < MESSAGES_MAX && faults < MESSAGES_MAX);
    *ended = st == RML_END;
    st = rml_log_ledger_end(&ledger, &arena, log, &err);
    if (st == RML_OK && ledger.messages > count) {
        abort();
    }
    if (rml_log_bytes_lost(log) > file.len) {
        abort();
    }
    rml_log_close(log);
    rml_arena_reset(&arena);
    return count;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    rml_bytes file = rml_bytes_of(data, size);
    bool ended[2] = {false, false};
    uint32_t mixed = fuzz_mix(data, size);
    (void)read_messages(file, RML_LOG_FILE_ORDER, &ended[0]);
    (void)read_messages(file, RML_LOG_TIME_ORDER, &ended[1]);
    rml_heap_fail_after(mixed % ALLOCATIONS);
    (void)read_messages(file, (mixed >> 16) % 2 ? RML_LOG_TIME_ORDER : RML_LOG_FILE_ORDER,
                        &ended[0]);
    rml_heap_fail_after(UINT64_MAX);
    return 0;
}
