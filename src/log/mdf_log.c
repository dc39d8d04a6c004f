// An MDF 4 file as a log (ASAM MDF 4.0 to 4.2): data groups one behind the other, their records in
// the order of the file. A channel group is a channel of messages in encoding "mdf4"; the groups of
// a bus logger become frames, a channel for each bus.
//
// An unfinished file (UnFinMF) is read as far as its data goes, whatever its counters say; nothing
// is written to it. Values of variable length that stand between the records are spilled to a file
// without a name first, so that they are found whether they come before or behind their record.
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "mdf_bus.h"
#include "mdf_group.h"

#define GROUPS_MAX 65536
#define UNFINISHED_LENGTH 4 // "IDBLOCK" id_unfin_flags: the last DT block's length is not right

typedef struct data_group {
    uint64_t data; // link
    uint8_t id_size;
    rml_array groups; // rml_mdf_group
} data_group;

typedef struct mdf {
    bool unfinished;
    uint16_t unfinished_flags;
    int64_t start_ns;
    uint64_t attachments, events; // links
    rml_array data_groups;
    // The data group under way.
    size_t current;
    bool open;
    rml_mdf_data data;
    uint64_t at, cycle;
    rml_buffer message; // a record with its values of variable length, or a frame
    uint64_t lost;
    bool damaged;
    rml_error fault; // ended the list of data groups before its time; told behind all messages
    bool fault_told;
} mdf;

static mdf *mdf_of(const rml_log *log)
{
    return log->state;
}

static bool recognised(rml_bytes head)
{
    return head.len >= 64 &&
           (memcmp(head.data, "MDF     4.", 10) == 0 || memcmp(head.data, "UnFinMF 4.", 10) == 0);
}

// ---- Opening -----------------------------------------------------------------------------------

static rml_status read_header(rml_log *log, rml_mdf_block *hd, rml_error *err)
{
    mdf *m = mdf_of(log);
    m->unfinished = log->file.data[0] == 'U';
    m->unfinished_flags = rml_load_u16(log->file.data + 60);
    RML_TRY(rml_mdf_block_at(log, 64, "HD", 6, 24, hd, err));
    // Of a file that says local time only, that is what its times count.
    m->start_ns = (int64_t)rml_load_u64(hd->data.data);
    m->attachments = rml_mdf_link(hd, 3);
    m->events = rml_mdf_link(hd, 4);
    size_t len = 0;
    while (len < 8 && log->file.data[16 + len] != '\0') {
        len++;
    }
    return rml_log_copy(log, rml_str_trim((rml_str){(const char *)log->file.data + 16, len}),
                        &log->library, err);
}

static rml_status read_groups(rml_log *log, data_group *d, uint64_t link, rml_error *err)
{
    while (link != 0) {
        if (d->groups.count >= GROUPS_MAX) {
            return rml_fail(err, RML_ERR_LIMIT, rml_place_byte(log->name, link), RML_MDF_REMEDY,
                            "expected at most %d channel groups, found more", GROUPS_MAX);
        }
        rml_mdf_group *g = rml_array_push(&d->groups, err);
        if (g == NULL) {
            return RML_ERR_MEMORY;
        }
        RML_TRY(rml_mdf_group_read(log, link, g, &link, &log->unread, err));
        rml_mdf_bus bus;
        if (rml_mdf_bus_find(g, &bus)) {
            g->bus = RML_NEW(&log->arena, rml_mdf_bus);
            if (g->bus == NULL) {
                return rml_fail_memory(err, sizeof bus);
            }
            *g->bus = bus;
        }
    }
    return RML_OK;
}

static rml_status read_data_groups(rml_log *log, uint64_t link, rml_error *err)
{
    mdf *m = mdf_of(log);
    while (link != 0) {
        rml_mdf_block b;
        RML_TRY(rml_mdf_block_at(log, link, "DG", 4, 1, &b, err));
        if (m->data_groups.count >= GROUPS_MAX) {
            return rml_fail(err, RML_ERR_LIMIT, rml_place_byte(log->name, link), RML_MDF_REMEDY,
                            "expected at most %d data groups, found more", GROUPS_MAX);
        }
        data_group *d = rml_array_push(&m->data_groups, err);
        if (d == NULL) {
            return RML_ERR_MEMORY;
        }
        *d = (data_group){rml_mdf_link(&b, 2), b.data.data[0], RML_ARRAY(rml_mdf_group)};
        if (d->id_size > 8 || (d->id_size & (d->id_size - 1)) != 0) {
            return rml_fail(err, RML_ERR_DATA, rml_place_byte(log->name, link), RML_MDF_REMEDY,
                            "expected record ids of 0, 1, 2, 4 or 8 bytes, found %u", d->id_size);
        }
        RML_TRY(read_groups(log, d, rml_mdf_link(&b, 1), err));
        link = rml_mdf_link(&b, 0);
    }
    return RML_OK;
}

// A data group whose description is damaged ends the list; those before it are read.
static rml_status read_what_is_there(rml_log *log, uint64_t link, rml_error *err)
{
    mdf *m = mdf_of(log);
    rml_status st = read_data_groups(log, link, &m->fault);
    if (st == RML_ERR_DATA && m->data_groups.count > 1) {
        data_group *last = RML_AT(&m->data_groups, data_group, m->data_groups.count - 1);
        for (size_t i = 0; i < last->groups.count; i++) {
            rml_mdf_group_reset(RML_AT(&last->groups, rml_mdf_group, i));
        }
        rml_array_reset(&last->groups);
        m->data_groups.count--;
        m->damaged = true;
        return RML_OK;
    }
    if (st && err != NULL) {
        *err = m->fault;
    }
    m->fault = (rml_error){0};
    return st;
}

// The group whose CG block stands at an offset, as index + 1; 0: none.
static size_t group_at(const data_group *d, uint64_t offset)
{
    for (size_t i = 0; i < d->groups.count; i++) {
        if (RML_AT(&d->groups, rml_mdf_group, i)->offset == offset) {
            return i + 1;
        }
    }
    return 0;
}

// Where the values of variable length of a group are.
static rml_status link_values(rml_log *log, data_group *d, rml_mdf_group *g, rml_error *err)
{
    for (size_t i = 0; i < g->channels.count; i++) {
        rml_mdf_channel *c = RML_AT(&g->channels, rml_mdf_channel, i);
        if (c->type == RML_MDF_VLSD && c->data != 0) {
            c->vlsd_group = group_at(d, c->data);
            if (c->vlsd_group == 0) {
                RML_TRY(rml_mdf_data_open(&c->values, log, c->data, false, err));
            }
        }
    }
    return RML_OK;
}

// ---- Channels of the log -----------------------------------------------------------------------

static bool topic_taken(const rml_log *log, rml_str topic)
{
    for (size_t i = 0; i < log->channels.count; i++) {
        if (rml_str_equal(RML_AT(&log->channels, rml_log_channel, i)->topic, topic)) {
            return true;
        }
    }
    return false;
}

// A new channel, its topic made unique.
static rml_status add_channel(rml_log *log, rml_log_channel c, uint32_t *number, rml_error *err)
{
    rml_str topic = c.topic;
    for (unsigned k = 2; topic_taken(log, topic); k++) {
        topic = rml_arena_printf(&log->arena, "%.*s#%u", RML_FMT(c.topic), k);
        if (topic.data == NULL) {
            return rml_fail_memory(err, c.topic.len);
        }
    }
    RML_TRY(rml_log_copy(log, topic, &c.topic, err));
    c.id = (uint32_t)log->channels.count;
    rml_log_channel *out = rml_array_push(&log->channels, err);
    if (out == NULL) {
        return RML_ERR_MEMORY;
    }
    *out = c;
    *number = c.id + 1;
    return RML_OK;
}

static rml_status define_group(rml_log *log, size_t dg, size_t cg, rml_mdf_group *g, rml_error *err)
{
    rml_buffer text = {0};
    rml_str schema;
    rml_log_channel c = {.container_id = (uint32_t)(dg << 16 | (cg & 0xFFFF)),
                         .message_encoding = RML_STR("mdf4"),
                         .schema_encoding = RML_STR("mdf4")};
    c.topic = g->name.len > 0 ? g->name : g->source;
    if (c.topic.len == 0) {
        c.topic = rml_arena_printf(&log->arena, "dg%zu/cg%zu", dg, cg);
    }
    rml_status st = rml_log_copy(log, c.topic, &c.schema_name, err);
    if (st == RML_OK) {
        st = rml_mdf_schema(log, g, &text, err);
    }
    if (st == RML_OK) {
        st = rml_log_copy(log, rml_buffer_text(&text), &schema, err);
        c.schema = rml_bytes_of_str(schema);
    }
    rml_buffer_reset(&text);
    return st ? st : add_channel(log, c, &g->log_channel, err);
}

static rml_status define_groups(rml_log *log, rml_error *err)
{
    mdf *m = mdf_of(log);
    for (size_t i = 0; i < m->data_groups.count; i++) {
        data_group *d = RML_AT(&m->data_groups, data_group, i);
        for (size_t k = 0; k < d->groups.count; k++) {
            rml_mdf_group *g = RML_AT(&d->groups, rml_mdf_group, k);
            RML_TRY(link_values(log, d, g, err));
            bool plain = g->bus == NULL && (g->flags & RML_MDF_CG_VLSD) == 0;
            RML_TRY(plain ? define_group(log, i, k, g, err) : RML_OK);
        }
    }
    return RML_OK;
}

// The channel of a bus: "can1", "can1/tx" for what the logger sent itself, "lin1".
static rml_status bus_channel(rml_log *log, bool is_lin, uint32_t bus, bool sent, uint32_t *number,
                              rml_error *err)
{
    char topic[48];
    const char *name = is_lin ? "lin" : "can";
    snprintf(topic, sizeof topic, "%s%u%s", name, bus, sent ? "/tx" : "");
    for (size_t i = 0; i < log->channels.count; i++) {
        const rml_log_channel *c = RML_AT(&log->channels, rml_log_channel, i);
        if (rml_str_equal(c->topic, rml_str_of(topic)) &&
            rml_str_equal(c->message_encoding, rml_str_of(name))) {
            *number = c->id + 1;
            return RML_OK;
        }
    }
    return add_channel(log,
                       (rml_log_channel){.container_id = bus,
                                         .topic = rml_str_of(topic),
                                         .message_encoding = rml_str_of(name)},
                       number, err);
}

static rml_status open_mdf(rml_log *log, rml_error *err)
{
    rml_mdf_block hd;
    mdf *m = RML_NEW(&log->arena, mdf);
    if (m == NULL) {
        return rml_fail_memory(err, sizeof(*m));
    }
    log->state = m;
    m->data_groups = RML_ARRAY(data_group);
    RML_TRY(read_header(log, &hd, err));
    RML_TRY(read_what_is_there(log, rml_mdf_link(&hd, 0), err));
    return define_groups(log, err);
}

// ---- Records -----------------------------------------------------------------------------------

static uint64_t id_of(const uint8_t *p, size_t size)
{
    uint64_t id = 0;
    for (size_t i = 0; i < size; i++) {
        id |= (uint64_t)p[i] << 8 * i;
    }
    return id;
}

static rml_mdf_group *group_of(const data_group *d, uint64_t id)
{
    for (size_t i = 0; i < d->groups.count; i++) {
        rml_mdf_group *g = RML_AT(&d->groups, rml_mdf_group, i);
        if (g->record_id == id || d->id_size == 0) {
            return g;
        }
    }
    return NULL;
}

// The record at m->at: its group, and where it begins and ends. RML_END behind the last whole one.
static rml_status next_record(rml_log *log, rml_mdf_group **group, uint64_t *from, size_t *size,
                              rml_error *err)
{
    mdf *m = mdf_of(log);
    const data_group *d = RML_AT(&m->data_groups, data_group, m->current);
    rml_bytes id;
    RML_TRY(rml_mdf_data_read(&m->data, m->at, d->id_size, &id, err));
    rml_mdf_group *g = group_of(d, id_of(id.data, d->id_size));
    if (g == NULL) {
        return rml_fail(err, RML_ERR_DATA,
                        rml_place_byte(log->name, rml_mdf_data_place(&m->data, m->at)),
                        RML_MDF_REMEDY, "expected the id of a channel group, found %llu",
                        (unsigned long long)id_of(id.data, d->id_size));
    }
    *group = g;
    *from = m->at + d->id_size;
    *size = (size_t)g->data_bytes + g->invalid_bytes;
    if ((g->flags & RML_MDF_CG_VLSD) != 0) {
        rml_bytes length;
        RML_TRY(rml_mdf_data_read(&m->data, *from, 4, &length, err));
        *size = 4 + (size_t)rml_load_u32(length.data);
    }
    if (*size == 0 || *size > m->data.size - *from) {
        return RML_END;
    }
    m->at = *from + *size;
    return RML_OK;
}

// Values of variable length that stand between the records of a data group.
static rml_status spill_values(rml_log *log, data_group *d, rml_error *err)
{
    mdf *m = mdf_of(log);
    bool any = false;
    for (size_t i = 0; i < d->groups.count; i++) {
        rml_mdf_group *g = RML_AT(&d->groups, rml_mdf_group, i);
        if ((g->flags & RML_MDF_CG_VLSD) != 0 && !g->values.open && g->values_map.handle == NULL) {
            RML_TRY(rml_spill_open(&g->values, err));
            any = true;
        }
    }
    for (rml_status st = any ? RML_OK : RML_END; st == RML_OK;) {
        rml_mdf_group *g;
        uint64_t from;
        size_t size;
        st = next_record(log, &g, &from, &size, NULL);
        if (st == RML_OK && g->values.open) {
            rml_bytes bytes;
            RML_TRY(rml_mdf_data_read(&m->data, from, size, &bytes, err));
            RML_TRY(rml_spill_write(&g->values, bytes.data, bytes.len, err));
        }
    }
    for (size_t i = 0; i < d->groups.count; i++) {
        rml_mdf_group *g = RML_AT(&d->groups, rml_mdf_group, i);
        if (g->values.open) {
            RML_TRY(rml_spill_map(&g->values, &g->values_map, err));
            rml_spill_close(&g->values);
        }
    }
    m->at = 0;
    return RML_OK;
}

// A value of variable length by the offset that its record holds. RML_ERR_DATA where none is there.
static rml_status variable(rml_log *log, const data_group *d, rml_mdf_channel *c, rml_bytes record,
                           rml_bytes *out, rml_error *err)
{
    uint64_t offset;
    rml_mdf_channel place = *c;
    place.data_type = 0;
    rml_bytes head;
    rml_status st = RML_END;
    if (rml_mdf_integer(&place, record, &offset)) {
        if (c->vlsd_group == 0) {
            st = rml_mdf_data_read(&c->values, offset, 4, &head, err);
            st = st ? st
                    : rml_mdf_data_read(&c->values, offset + 4, rml_load_u32(head.data), out, err);
        } else {
            rml_bytes all = RML_AT(&d->groups, rml_mdf_group, c->vlsd_group - 1)->values_map.bytes;
            if (offset < all.len && all.len - offset >= 4 &&
                rml_load_u32(all.data + offset) <= all.len - offset - 4) {
                *out = (rml_bytes){all.data + offset + 4, rml_load_u32(all.data + offset)};
                st = RML_OK;
            }
        }
    }
    return st != RML_END ? st
                         : rml_fail(err, RML_ERR_DATA, rml_place_file(log->name), RML_MDF_REMEDY,
                                    "expected a value of %.*s in its data, found none there",
                                    RML_FMT(c->name));
}

// ---- Messages ----------------------------------------------------------------------------------

// Nanoseconds of the master, to the nearest (ties to even).
static int64_t time_of(const rml_log *log, const rml_mdf_group *g, rml_bytes record, uint64_t cycle)
{
    double raw = (double)cycle;
    if (g->master >= g->channels.count) {
        return mdf_of(log)->start_ns;
    }
    const rml_mdf_channel *c = RML_AT(&g->channels, rml_mdf_channel, g->master);
    if (c->type == RML_MDF_MASTER && !rml_mdf_number(c, record, &raw)) {
        return mdf_of(log)->start_ns;
    }
    double ns = (g->master_offset + g->master_factor * raw) * 1e9;
    if (!(fabs(ns) < 9e18)) {
        return mdf_of(log)->start_ns;
    }
    int64_t out;
    return __builtin_add_overflow(mdf_of(log)->start_ns, (int64_t)rint(ns), &out) ? 0 : out;
}

static rml_status take_frame(rml_log *log, const data_group *d, rml_mdf_group *g, rml_bytes record,
                             rml_log_message *out, rml_error *err)
{
    mdf *m = mdf_of(log);
    rml_bytes payload = {0};
    uint32_t bus, number = 0;
    bool sent;
    if (g->bus->bytes >= 0) {
        rml_mdf_channel *c = RML_AT(&g->channels, rml_mdf_channel, g->bus->bytes);
        if (c->type == RML_MDF_VLSD) {
            RML_TRY(variable(log, d, c, record, &payload, err));
        }
    }
    RML_TRY(rml_mdf_bus_frame(g, record, payload, &m->message, &bus, &sent,
                              rml_place_file(log->name), err));
    RML_TRY(bus_channel(log, g->bus->is_lin, bus, sent, &number, err));
    out->channel = number - 1;
    out->data = rml_buffer_bytes(&m->message);
    return RML_OK;
}

// The record, and behind it for each channel of variable length its size (u32) and bytes.
static rml_status take_row(rml_log *log, const data_group *d, rml_mdf_group *g, rml_bytes record,
                           uint64_t place, rml_log_message *out, rml_error *err)
{
    mdf *m = mdf_of(log);
    bool has_variable = false;
    out->channel = g->log_channel - 1;
    out->data = record;
    for (size_t i = 0; i < g->channels.count; i++) {
        rml_mdf_channel *c = RML_AT(&g->channels, rml_mdf_channel, i);
        if (c->type != RML_MDF_VLSD) {
            continue;
        }
        if (!has_variable) {
            rml_buffer_clear(&m->message);
            RML_TRY(rml_buffer_append(&m->message, record.data, record.len, err));
            has_variable = true;
        }
        rml_bytes value = {0};
        uint8_t size[4];
        RML_TRY(variable(log, d, c, record, &value, err));
        rml_save_u32(size, (uint32_t)value.len);
        RML_TRY(rml_buffer_append(&m->message, size, sizeof size, err));
        RML_TRY(rml_buffer_append(&m->message, value.data, value.len, err));
    }
    if (has_variable) {
        out->data = rml_buffer_bytes(&m->message);
    } else if (record.data >= log->file.data && record.data < log->file.data + log->file.len) {
        out->compression = "";
        out->offset = place;
        out->length = record.len;
    }
    return RML_OK;
}

static rml_status take_record(rml_log *log, rml_mdf_group *g, uint64_t from, size_t size,
                              rml_log_message *out, bool *wanted, rml_error *err)
{
    mdf *m = mdf_of(log);
    const data_group *d = RML_AT(&m->data_groups, data_group, m->current);
    rml_bytes record;
    *wanted = false;
    if ((g->flags & RML_MDF_CG_VLSD) != 0) {
        return RML_OK;
    }
    RML_TRY(rml_mdf_data_read(&m->data, from, size, &record, err));
    *out = (rml_log_message){.compression = NULL};
    out->log_ns = out->publish_ns = time_of(log, g, record, m->cycle);
    m->cycle++;
    if (!rml_log_wants_time(log, out->log_ns)) {
        return RML_OK;
    }
    uint64_t place = rml_mdf_data_place(&m->data, from);
    rml_status st = g->bus != NULL ? take_frame(log, d, g, record, out, err)
                                   : take_row(log, d, g, record, place, out, err);
    if (st) {
        m->lost += size;
        m->damaged = true;
        return st;
    }
    rml_str topic = RML_AT(&log->channels, rml_log_channel, out->channel)->topic;
    *wanted = rml_log_wants_topic(log, topic);
    return RML_OK;
}

// ---- The order of the file ---------------------------------------------------------------------

static rml_status open_data(rml_log *log, rml_error *err)
{
    mdf *m = mdf_of(log);
    data_group *d = RML_AT(&m->data_groups, data_group, m->current);
    bool to_end = m->unfinished && (m->unfinished_flags & UNFINISHED_LENGTH) != 0 &&
                  m->current + 1 == m->data_groups.count;
    m->at = m->cycle = 0;
    RML_TRY(rml_mdf_data_open(&m->data, log, d->data, to_end, err));
    m->open = true;
    return d->id_size > 0 ? spill_values(log, d, err) : RML_OK;
}

// Leaves the data group; what its lists lacked and what is left of a record is told.
static rml_status end_data(rml_log *log, rml_error *err)
{
    mdf *m = mdf_of(log);
    uint64_t left = m->data.size - m->at;
    rml_error fault = m->data.fault;
    uint64_t place = rml_mdf_data_place(&m->data, m->at);
    m->open = false;
    m->current++;
    rml_mdf_data_reset(&m->data);
    if (fault.status) {
        m->damaged = true;
        if (err != NULL) {
            *err = fault;
        }
        return fault.status;
    }
    if (left == 0) {
        return RML_OK;
    }
    m->lost += left;
    m->damaged = true;
    return rml_fail(err, RML_ERR_DATA, rml_place_byte(log->name, place), RML_MDF_REMEDY,
                    "expected a whole record, found %llu bytes of one", (unsigned long long)left);
}

// A finished file of sorted records says how many there are; what lies behind them is no record.
static bool is_over(const mdf *m, const data_group *d)
{
    const rml_mdf_group *g = RML_AT(&d->groups, rml_mdf_group, 0);
    return !m->unfinished && d->id_size == 0 && m->cycle >= g->cycles;
}

static rml_status next_mdf(rml_log *log, rml_log_message *out, rml_error *err)
{
    mdf *m = mdf_of(log);
    while (m->current < m->data_groups.count) {
        const data_group *d = RML_AT(&m->data_groups, data_group, m->current);
        if (d->groups.count == 0) {
            m->current++;
            continue;
        }
        if (!m->open) {
            RML_TRY(open_data(log, err));
        }
        rml_mdf_group *g;
        uint64_t from;
        size_t size;
        bool wanted;
        if (is_over(m, d)) {
            m->at = m->data.size;
        }
        rml_status st = next_record(log, &g, &from, &size, err);
        if (st == RML_END) {
            RML_TRY(end_data(log, err));
            continue;
        }
        if (st) {
            // Without its id the length of a record is not known: the rest of the group is lost.
            m->lost += m->data.size - m->at;
            m->damaged = true;
            m->at = m->data.size;
            return st;
        }
        RML_TRY(take_record(log, g, from, size, out, &wanted, err));
        if (wanted) {
            return RML_OK;
        }
    }
    if (m->fault.status && !m->fault_told) {
        m->fault_told = true;
        if (err != NULL) {
            *err = m->fault;
        }
        return m->fault.status;
    }
    return RML_END;
}

static rml_status rewind_mdf(rml_log *log, rml_error *err)
{
    (void)err;
    mdf *m = mdf_of(log);
    if (m->open) {
        rml_mdf_data_reset(&m->data);
    }
    m->open = m->fault_told = false;
    m->current = 0;
    m->lost = 0;
    return RML_OK;
}

static uint64_t lost_mdf(const rml_log *log)
{
    return mdf_of(log)->lost;
}

static bool complete_mdf(const rml_log *log, bool *has_index)
{
    *has_index = !mdf_of(log)->unfinished;
    return !mdf_of(log)->unfinished && !mdf_of(log)->damaged;
}

// ---- Attachments and events --------------------------------------------------------------------

// "ATBLOCK": at_flags bit 0 embedded, bit 1 compressed.
static rml_status attachment(rml_log *log, const rml_mdf_block *b, rml_log_extra *out,
                             rml_error *err)
{
    mdf *m = mdf_of(log);
    const uint8_t *p = b->data.data;
    uint16_t flags = rml_load_u16(p);
    uint64_t size = rml_load_u64(p + 24), stored = rml_load_u64(p + 32);
    rml_bytes data = {p + 40, b->data.len - 40};
    *out = (rml_log_extra){.kind = RML_LOG_ATTACHMENT,
                           .name = rml_mdf_text(log, rml_mdf_link(b, 1)),
                           .media_type = rml_mdf_text(log, rml_mdf_link(b, 2)),
                           .log_ns = m->start_ns,
                           .create_ns = m->start_ns};
    if ((flags & 1) == 0) {
        return RML_OK; // it lies beside the file; its name is kept
    }
    data.len = stored < data.len ? (size_t)stored : data.len;
    if ((flags & 2) == 0) {
        out->data = data;
        return RML_OK;
    }
    rml_place at = rml_place_byte(log->name, b->offset);
    if (size > log->options.memory_max || size / 1100 > stored + 64) {
        return rml_fail(err, RML_ERR_LIMIT, at, "give more memory",
                        "expected an attachment of at most %zu bytes (memory_max), found %llu",
                        log->options.memory_max, (unsigned long long)size);
    }
    uint8_t *space = rml_arena_make(&log->arena, (size_t)size + 1);
    rml_codec_context codec = {0};
    if (space == NULL) {
        return rml_fail_memory(err, (size_t)size);
    }
    rml_status st = rml_decompress(&codec, RML_CODEC_ZLIB, data, space, (size_t)size, at, err);
    rml_codec_context_reset(&codec);
    out->data = (rml_bytes){space, (size_t)size};
    return st;
}

// "EVBLOCK": ev_sync_base_value times ev_sync_factor, in seconds where ev_sync_type is 1.
static rml_status event(rml_log *log, const rml_mdf_block *b, rml_log_extra *out)
{
    mdf *m = mdf_of(log);
    const uint8_t *p = b->data.data;
    double value = (double)(int64_t)rml_load_u64(p + 16) * rml_mdf_f64(p + 24);
    bool is_time = p[1] == 1 && fabs(value) < 9e9;
    *out = (rml_log_extra){.kind = RML_LOG_EVENT, .name = rml_mdf_text(log, rml_mdf_link(b, 3))};
    out->log_ns = m->start_ns + (is_time ? (int64_t)rint(value * 1e9) : 0);
    out->create_ns = out->log_ns;
    return RML_OK;
}

static rml_status extra_mdf(rml_log *log, size_t index, rml_log_extra *out, rml_error *err)
{
    const mdf *m = mdf_of(log);
    rml_mdf_block b;
    size_t steps = 0;
    for (uint64_t link = m->attachments; link != 0 && steps++ < RML_MDF_CHAIN_MAX;) {
        RML_TRY(rml_mdf_block_at(log, link, "AT", 4, 40, &b, err));
        if (index-- == 0) {
            return attachment(log, &b, out, err);
        }
        link = rml_mdf_link(&b, 0);
    }
    for (uint64_t link = m->events; link != 0 && steps++ < RML_MDF_CHAIN_MAX;) {
        RML_TRY(rml_mdf_block_at(log, link, "EV", 5, 32, &b, err));
        if (index-- == 0) {
            return event(log, &b, out);
        }
        link = rml_mdf_link(&b, 0);
    }
    return RML_END;
}

// ---- The ledger by counters --------------------------------------------------------------------

// Counts from the groups, spans from the first and the last record of each: for a finished file of
// sorted groups that hold no bus frames.
static rml_status summary_mdf(rml_log *log, rml_arena *arena, rml_log_ledger *out, rml_error *err)
{
    mdf *m = mdf_of(log);
    out->channel_count = log->channels.count;
    out->channels = RML_NEW_ARRAY(arena, rml_log_channel_ledger, log->channels.count + 1);
    if (out->channels == NULL) {
        return rml_fail_memory(err, log->channels.count * sizeof(rml_log_channel_ledger));
    }
    for (size_t i = 0; i < m->data_groups.count; i++) {
        const data_group *d = RML_AT(&m->data_groups, data_group, i);
        if (m->unfinished || d->id_size > 0 || d->groups.count != 1) {
            return RML_END;
        }
        const rml_mdf_group *g = RML_AT(&d->groups, rml_mdf_group, 0);
        if (g->log_channel == 0) {
            return RML_END;
        }
        rml_log_channel_ledger *c = &out->channels[g->log_channel - 1];
        size_t size = (size_t)g->data_bytes + g->invalid_bytes;
        rml_mdf_data data;
        rml_bytes record;
        RML_TRY(rml_mdf_data_open(&data, log, d->data, false, err));
        rml_status st = RML_OK;
        if (g->cycles > 0) {
            st = rml_mdf_data_read(&data, 0, size, &record, err);
            c->first_ns = st ? 0 : time_of(log, g, record, 0);
            st = st ? st : rml_mdf_data_read(&data, (g->cycles - 1) * size, size, &record, err);
            c->last_ns = st ? 0 : time_of(log, g, record, g->cycles - 1);
        }
        rml_mdf_data_reset(&data);
        RML_TRY(st);
        c->messages = g->cycles;
        c->bytes = g->cycles * size;
        out->messages += c->messages;
    }
    out->bytes = log->bytes;
    out->complete = out->has_index = true;
    return RML_OK;
}

static void close_mdf(rml_log *log)
{
    mdf *m = mdf_of(log);
    if (m == NULL) {
        return;
    }
    rml_mdf_data_reset(&m->data);
    for (size_t i = 0; i < m->data_groups.count; i++) {
        data_group *d = RML_AT(&m->data_groups, data_group, i);
        for (size_t k = 0; k < d->groups.count; k++) {
            rml_mdf_group_reset(RML_AT(&d->groups, rml_mdf_group, k));
        }
        rml_array_reset(&d->groups);
    }
    rml_array_reset(&m->data_groups);
    rml_buffer_reset(&m->message);
}

const rml_log_format rml_log_mdf = {.name = "mdf",
                                    .recognised = recognised,
                                    .open = open_mdf,
                                    .next = next_mdf,
                                    .rewind = rewind_mdf,
                                    .extra = extra_mdf,
                                    .summary = summary_mdf,
                                    .lost = lost_mdf,
                                    .complete = complete_mdf,
                                    .close = close_mdf};
