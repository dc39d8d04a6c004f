// An MDF file of version 3 (and 2) as a log: data groups one behind the other, a channel of
// messages in encoding "mdf4" for each channel group. Records stand in the file as they are; a
// message is one of them.
#include <math.h>

#include "mdf3_group.h"
#include "mdf_group.h"

typedef struct mdf3 {
    rml_mdf3 file;
    size_t current;    // data group
    uint64_t at, done; // the next record; records of the data group so far
    uint64_t lost;
    bool damaged, unfinished;
} mdf3;

static mdf3 *mdf3_of(const rml_log *log)
{
    return log->state;
}

// ---- Opening -----------------------------------------------------------------------------------

static rml_status define_group(rml_log *log, size_t dg, size_t cg, rml_mdf3_group *g,
                               rml_error *err)
{
    rml_str schema;
    rml_log_channel *c = rml_array_push(&log->channels, err);
    if (c == NULL) {
        return RML_ERR_MEMORY;
    }
    g->log_channel = (uint32_t)log->channels.count - 1;
    *c = (rml_log_channel){.id = g->log_channel,
                           .container_id = (uint32_t)(dg << 16 | (cg & 0xFFFF)),
                           .message_encoding = RML_STR("mdf4"),
                           .schema_encoding = RML_STR("mdf4")};
    // Comments repeat: the numbers make the topic unique.
    c->topic = rml_arena_printf(&log->arena, "%.*s%sdg%zu/cg%zu", RML_FMT(g->name),
                                g->name.len > 0 ? "/" : "", dg, cg);
    c->schema_name = c->topic;
    if (c->topic.data == NULL) {
        return rml_fail_memory(err, g->name.len);
    }
    RML_TRY(rml_log_copy(log, rml_buffer_text(&g->schema), &schema, err));
    c->schema = rml_bytes_of_str(schema);
    return RML_OK;
}

static rml_status open_mdf3(rml_log *log, rml_error *err)
{
    mdf3 *m = log->state = RML_NEW(&log->arena, mdf3);
    if (m == NULL) {
        return rml_fail_memory(err, sizeof *m);
    }
    m->unfinished = log->file.len > 0 && log->file.data[0] == 'U';
    RML_TRY(rml_mdf3_read(log, &m->file, err));
    for (size_t i = 0; i < m->file.data_groups.count; i++) {
        rml_mdf3_data_group *d = RML_AT(&m->file.data_groups, rml_mdf3_data_group, i);
        for (size_t k = 0; k < d->groups.count; k++) {
            RML_TRY(define_group(log, i, k, RML_AT(&d->groups, rml_mdf3_group, k), err));
        }
    }
    return RML_OK;
}

// ---- Records -----------------------------------------------------------------------------------

static uint64_t records_of(const rml_mdf3_data_group *d)
{
    uint64_t records = 0;
    for (size_t i = 0; i < d->groups.count; i++) {
        records += RML_AT(&d->groups, rml_mdf3_group, i)->cycles;
    }
    return records;
}

static rml_mdf3_group *group_of(const rml_mdf3_data_group *d, uint8_t id)
{
    for (size_t i = 0; i < d->groups.count; i++) {
        rml_mdf3_group *g = RML_AT(&d->groups, rml_mdf3_group, i);
        if (d->id_size == 0 || g->record_id == id) {
            return g;
        }
    }
    return NULL;
}

static rml_status next_group(mdf3 *m)
{
    m->current++;
    m->at = m->done = 0;
    return RML_OK;
}

// Nanoseconds of the channel of time, to the nearest (ties to even).
static int64_t time_of(const rml_log *log, const rml_mdf3_group *g, rml_bytes record)
{
    int64_t start_ns = mdf3_of(log)->file.start_ns, out;
    const rml_mdf_channel c = {.data_type = g->time_type,
                               .byte_offset = g->time_bit / 8,
                               .bit_offset = (uint8_t)(g->time_bit % 8),
                               .bit_count = g->time_bits};
    double raw;
    if (!g->has_time || !rml_mdf_number(&c, record, &raw)) {
        return start_ns;
    }
    double ns = (g->time_offset + g->time_factor * raw) * 1e9;
    return fabs(ns) < 9e18 && !__builtin_add_overflow(start_ns, (int64_t)rint(ns), &out) ? out
                                                                                         : start_ns;
}

// Leaves the data group at damage; what is left of it cannot be read.
static rml_status leave(rml_log *log, const rml_mdf3_data_group *d, const char *found,
                        rml_error *err)
{
    mdf3 *m = mdf3_of(log);
    uint64_t place = d->data + m->at, missing = records_of(d) - m->done;
    m->lost += place < log->file.len && d->id_size > 0 ? log->file.len - place : 0;
    m->damaged = true;
    (void)next_group(m);
    return rml_fail(err, RML_ERR_DATA, rml_place_byte(log->name, place), RML_MDF_REMEDY,
                    "expected %llu records more of the data group, found %s",
                    (unsigned long long)missing, found);
}

static rml_status take_record(rml_log *log, const rml_mdf3_data_group *d, rml_log_message *out,
                              bool *wanted, rml_error *err)
{
    mdf3 *m = mdf3_of(log);
    rml_bytes file = log->file;
    uint64_t from = d->data + m->at;
    *wanted = false;
    if (d->data == 0 || from + d->id_size > file.len) {
        return leave(log, d, "the end of the file", err);
    }
    rml_mdf3_group *g = group_of(d, d->id_size > 0 ? file.data[from] : 0);
    if (g == NULL) {
        return leave(log, d, "a record whose id is none of its groups", err);
    }
    size_t around = (size_t)d->id_size * (d->id_behind ? 2 : 1);
    if (file.len - from < g->size + around) {
        return leave(log, d, "the end of the file", err);
    }
    rml_bytes record = rml_bytes_of(file.data + from + d->id_size, g->size);
    m->at += g->size + around;
    m->done++;
    *out = (rml_log_message){.channel = g->log_channel,
                             .data = record,
                             .compression = "",
                             .offset = from + d->id_size,
                             .length = g->size};
    out->log_ns = out->publish_ns = time_of(log, g, record);
    rml_str topic = RML_AT(&log->channels, rml_log_channel, g->log_channel)->topic;
    *wanted = rml_log_wants_time(log, out->log_ns) && rml_log_wants_topic(log, topic);
    return RML_OK;
}

static rml_status next_mdf3(rml_log *log, rml_log_message *out, rml_error *err)
{
    mdf3 *m = mdf3_of(log);
    while (m->current < m->file.data_groups.count) {
        const rml_mdf3_data_group *d =
            RML_AT(&m->file.data_groups, rml_mdf3_data_group, m->current);
        bool wanted;
        if (m->done >= records_of(d)) {
            RML_TRY(next_group(m));
            continue;
        }
        RML_TRY(take_record(log, d, out, &wanted, err));
        if (wanted) {
            return RML_OK;
        }
    }
    return RML_END;
}

static rml_status rewind_mdf3(rml_log *log, rml_error *err)
{
    (void)err;
    mdf3 *m = mdf3_of(log);
    m->current = 0;
    m->at = m->done = m->lost = 0;
    return RML_OK;
}

static uint64_t lost_mdf3(const rml_log *log)
{
    return mdf3_of(log)->lost;
}

static bool complete_mdf3(const rml_log *log, bool *has_index)
{
    *has_index = false;
    return !mdf3_of(log)->unfinished && !mdf3_of(log)->damaged;
}

static void close_mdf3(rml_log *log)
{
    if (log->state != NULL) {
        rml_mdf3_reset(&mdf3_of(log)->file);
    }
}

const rml_log_format rml_log_mdf3 = {.name = "mdf3",
                                     .recognised = rml_mdf3_recognised,
                                     .open = open_mdf3,
                                     .next = next_mdf3,
                                     .rewind = rewind_mdf3,
                                     .lost = lost_mdf3,
                                     .complete = complete_mdf3,
                                     .close = close_mdf3};
