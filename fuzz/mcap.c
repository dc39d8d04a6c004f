// MCAP files: every record, then the messages in the order of the file and of log time. What is
// given in time order must be as many as in file order when nothing is damaged.
#include <stdlib.h>

#include "roadmill/log.h"
#include "roadmill/log/mcap.h"

#define MEMORY_MAX ((size_t)1 << 20)

static bool goes_on(rml_status st)
{
    return st == RML_OK || st == RML_ERR_DATA || st == RML_ERR_LIMIT || st == RML_ERR_UNSUPPORTED;
}

static bool read_records(rml_bytes file)
{
    const rml_mcap_reader_options options = {.memory_max = MEMORY_MAX};
    rml_mcap_reader *reader = NULL;
    rml_error err = {0};
    bool whole = true;
    if (rml_mcap_reader_over(file, RML_STR("fuzz"), &options, &reader, &err)) {
        return false;
    }
    rml_status st;
    do {
        rml_mcap_record record;
        st = rml_mcap_reader_next(reader, &record, &err);
        whole = whole && (st == RML_OK || st == RML_END);
    } while (goes_on(st));
    if (rml_mcap_reader_lost(reader) > 0 && whole) {
        abort();
    }
    rml_mcap_reader_close(reader);
    return whole;
}

static size_t read_messages(rml_bytes file, rml_log_order order, uint64_t *sum, bool *whole)
{
    const rml_log_options options = {.order = order, .memory_max = MEMORY_MAX};
    rml_arena arena = {0};
    rml_log_ledger ledger = {0};
    rml_log *log = NULL;
    rml_error err = {0};
    size_t count = 0;
    if (rml_log_over(file, RML_STR("fuzz"), &options, &log, &err)) {
        *whole = false;
        return 0;
    }
    rml_status st;
    do {
        rml_log_message m;
        st = rml_log_next(log, &m, &err);
        *whole = *whole && (st == RML_OK || st == RML_END);
        if (st == RML_OK) {
            for (size_t i = 0; i < m.data.len; i++) {
                *sum += m.data.data[i];
            }
            count++;
            st = rml_log_ledger_add(&ledger, &arena, &m, NULL, &err);
        }
    } while (goes_on(st));
    st = rml_log_ledger_end(&ledger, &arena, log, &err);
    if (st == RML_OK && ledger.messages != count) {
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
    uint64_t sums[2] = {0};
    bool whole = read_records(file), in_file = true, in_time = true;
    size_t a = read_messages(file, RML_LOG_FILE_ORDER, &sums[0], &in_file);
    size_t b = read_messages(file, RML_LOG_TIME_ORDER, &sums[1], &in_time);
    if (whole && in_file && in_time && (a != b || sums[0] != sums[1])) {
        abort();
    }
    return 0;
}
