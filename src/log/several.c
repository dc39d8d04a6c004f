// Several logs as one: in the order of the files one behind the other, in the order of time merged
// over a heap, equal times in the order of the files. Channels that agree in everything are one.
#include <string.h>

#include "format.h"
#include "roadmill/codec.h"

typedef struct child {
    rml_log *log;
    rml_array channel_of; // uint32_t: index of the joint channel, by the child's
    uint32_t file_base;
    bool over;
    rml_log_message head; // time order: its next message
} child;

typedef struct several {
    child *children;
    size_t count;
    size_t current; // file order: the child that is read
    // Time order: children with a head, the earliest first, and those that need one.
    uint32_t *heap;
    size_t heap_count;
    uint32_t *hungry;
    size_t hungry_count;
    // Of a ROS 2 bag whose messages were compressed one by one.
    rml_buffer space;
    rml_codec_context codec;
    rml_error *told; // faults before the first message
    size_t told_count, told_next;
} several;

static several *several_of(const rml_log *log)
{
    return log->state;
}

// ---- Channels ----------------------------------------------------------------------------------

static bool same_pairs(const rml_log_channel *a, const rml_log_channel *b)
{
    bool same = a->pair_count == b->pair_count;
    for (size_t i = 0; same && i < a->pair_count; i++) {
        same = rml_str_equal(a->pairs[i].key, b->pairs[i].key) &&
               rml_str_equal(a->pairs[i].value, b->pairs[i].value);
    }
    return same;
}

static bool same_channel(const rml_log_channel *a, const rml_log_channel *b)
{
    return rml_str_equal(a->topic, b->topic) &&
           rml_str_equal(a->message_encoding, b->message_encoding) &&
           rml_str_equal(a->schema_name, b->schema_name) &&
           rml_str_equal(a->schema_encoding, b->schema_encoding) &&
           rml_str_equal(rml_str_of_bytes(a->schema), rml_str_of_bytes(b->schema)) &&
           same_pairs(a, b);
}

// Joint numbers for the channels of a child that are new. Text stays the child's: it lives as long.
static rml_status meet_channels(rml_log *log, child *c, rml_error *err)
{
    size_t count;
    const rml_log_channel *channels = rml_log_channels(c->log, &count);
    while (c->channel_of.count < count) {
        const rml_log_channel *fresh = &channels[c->channel_of.count];
        size_t joint = 0;
        while (joint < log->channels.count &&
               !same_channel(RML_AT(&log->channels, rml_log_channel, joint), fresh)) {
            joint++;
        }
        if (joint == log->channels.count) {
            rml_log_channel *out = rml_array_push(&log->channels, err);
            if (out == NULL) {
                return RML_ERR_MEMORY;
            }
            *out = *fresh;
            out->id = (uint32_t)joint;
        }
        uint32_t *place = rml_array_push(&c->channel_of, err);
        if (place == NULL) {
            return RML_ERR_MEMORY;
        }
        *place = (uint32_t)joint;
    }
    return RML_OK;
}

static rml_status child_next(rml_log *log, child *c, rml_log_message *out, rml_error *err)
{
    rml_status st = rml_log_next(c->log, out, err);
    RML_TRY(meet_channels(log, c, err));
    if (st == RML_OK) {
        out->channel = *RML_AT(&c->channel_of, uint32_t, out->channel);
        out->file += c->file_base;
    }
    return st;
}

// rosbag2 compresses messages one by one where it is asked to: CDR never begins as a zstd frame.
static rml_status unpack(rml_log *log, rml_log_message *m, rml_error *err)
{
    static const uint8_t zstd[4] = {0x28, 0xB5, 0x2F, 0xFD};
    several *s = several_of(log);
    const rml_log_channel *c = RML_AT(&log->channels, rml_log_channel, m->channel);
    if (!log->unpacks || m->data.len < 4 || memcmp(m->data.data, zstd, 4) != 0 ||
        !rml_str_equal(c->message_encoding, RML_STR("cdr"))) {
        return RML_OK;
    }
    rml_buffer_clear(&s->space);
    RML_TRY(rml_decompress_all(&s->codec, RML_CODEC_ZSTD, m->data, log->options.memory_max,
                               &s->space, rml_place_byte(log->name, m->offset), err));
    m->data = rml_buffer_bytes(&s->space);
    bool plain = m->compression != NULL && m->compression[0] == '\0';
    m->compression = plain ? "zstd" : NULL;
    return RML_OK;
}

// ---- The order of time -------------------------------------------------------------------------

static bool before(const several *s, uint32_t a, uint32_t b)
{
    int64_t x = s->children[a].head.log_ns, y = s->children[b].head.log_ns;
    return x != y ? x < y : a < b;
}

static void heap_push(several *s, uint32_t index)
{
    size_t i = s->heap_count++;
    while (i > 0 && before(s, index, s->heap[(i - 1) / 2])) {
        s->heap[i] = s->heap[(i - 1) / 2];
        i = (i - 1) / 2;
    }
    s->heap[i] = index;
}

static uint32_t heap_pop(several *s)
{
    uint32_t least = s->heap[0], moved = s->heap[--s->heap_count];
    size_t i = 0;
    for (;;) {
        size_t next = 2 * i + 1;
        if (next + 1 < s->heap_count && before(s, s->heap[next + 1], s->heap[next])) {
            next++;
        }
        if (next >= s->heap_count || !before(s, s->heap[next], moved)) {
            break;
        }
        s->heap[i] = s->heap[next];
        i = next;
    }
    s->heap[i] = moved;
    return least;
}

static rml_status next_in_time(rml_log *log, rml_log_message *out, rml_error *err)
{
    several *s = several_of(log);
    // A child that tells a fault stays hungry: it is asked again at the next call.
    while (s->hungry_count > 0) {
        uint32_t index = s->hungry[s->hungry_count - 1];
        child *c = &s->children[index];
        rml_status st = child_next(log, c, &c->head, err);
        if (st != RML_OK && st != RML_END) {
            return st;
        }
        s->hungry_count--;
        if (st == RML_OK) {
            heap_push(s, index);
        }
    }
    if (s->heap_count == 0) {
        return RML_END;
    }
    uint32_t index = heap_pop(s);
    *out = s->children[index].head;
    s->hungry[s->hungry_count++] = index;
    return unpack(log, out, err);
}

// ---- The format --------------------------------------------------------------------------------

static rml_status next_several(rml_log *log, rml_log_message *out, rml_error *err)
{
    several *s = several_of(log);
    if (s->told_next < s->told_count) {
        const rml_error *fault = &s->told[s->told_next++];
        if (err != NULL) {
            *err = *fault;
        }
        return fault->status;
    }
    if (log->options.order == RML_LOG_TIME_ORDER) {
        return next_in_time(log, out, err);
    }
    while (s->current < s->count) {
        rml_status st = child_next(log, &s->children[s->current], out, err);
        if (st != RML_END) {
            return st ? st : unpack(log, out, err);
        }
        s->current++;
    }
    return RML_END;
}

static void begin(several *s)
{
    s->current = s->heap_count = s->hungry_count = 0;
    for (size_t i = s->count; i > 0; i--) {
        s->hungry[s->hungry_count++] = (uint32_t)(i - 1);
    }
}

static rml_status rewind_several(rml_log *log, rml_error *err)
{
    several *s = several_of(log);
    for (size_t i = 0; i < s->count; i++) {
        RML_TRY(rml_log_seek(s->children[i].log, log->options.start_ns, err));
    }
    begin(s);
    return RML_OK;
}

static rml_status extra_several(rml_log *log, size_t index, rml_log_extra *out, rml_error *err)
{
    several *s = several_of(log);
    for (size_t i = 0; i < s->count; i++) {
        size_t count = 0;
        rml_status st = RML_OK;
        while (st == RML_OK && count <= index) {
            st = rml_log_extra_at(s->children[i].log, count, out, err);
            count += st == RML_OK;
        }
        if (st != RML_END) {
            return st;
        }
        index -= count;
    }
    return RML_END;
}

// Adds a child's channel to the joint one.
static void add_channel(rml_log_channel_ledger *to, const rml_log_channel_ledger *from)
{
    if (from->messages > 0) {
        bool first = to->messages == 0;
        to->first_ns = first || from->first_ns < to->first_ns ? from->first_ns : to->first_ns;
        to->last_ns = first || from->last_ns > to->last_ns ? from->last_ns : to->last_ns;
    }
    to->messages += from->messages;
    to->bytes += from->bytes;
}

static rml_status summary_several(rml_log *log, rml_arena *arena, rml_log_ledger *out,
                                  rml_error *err)
{
    several *s = several_of(log);
    rml_log_ledger parts = {0};
    out->complete = out->has_index = s->told_count == 0;
    for (size_t i = 0; i < s->count; i++) {
        RML_TRY(rml_log_summarise(s->children[i].log, arena, &parts, err));
        RML_TRY(meet_channels(log, &s->children[i], err));
        size_t capacity = log->channels.count + 1;
        rml_log_channel_ledger *channels = RML_NEW_ARRAY(arena, rml_log_channel_ledger, capacity);
        if (channels == NULL) {
            return rml_fail_memory(err, capacity * sizeof(*channels));
        }
        for (size_t k = 0; k < out->channel_count; k++) {
            channels[k] = out->channels[k];
        }
        for (size_t k = 0; k < parts.channel_count; k++) {
            add_channel(&channels[*RML_AT(&s->children[i].channel_of, uint32_t, k)],
                        &parts.channels[k]);
        }
        out->channels = channels;
        out->channel_count = log->channels.count;
        out->messages += parts.messages;
        out->bytes += parts.bytes;
        out->complete = out->complete && parts.complete;
        out->has_index = out->has_index && parts.has_index;
    }
    return RML_OK;
}

static uint64_t lost_several(const rml_log *log)
{
    const several *s = several_of(log);
    uint64_t lost = 0;
    for (size_t i = 0; i < s->count; i++) {
        lost += rml_log_bytes_lost(s->children[i].log);
    }
    return lost;
}

static bool complete_several(const rml_log *log, bool *has_index)
{
    const several *s = several_of(log);
    bool complete = s->told_count == 0, index;
    *has_index = s->count > 0;
    for (size_t i = 0; i < s->count; i++) {
        complete = s->children[i].log->format->complete(s->children[i].log, &index) && complete;
        *has_index = *has_index && index;
    }
    return complete;
}

static void close_several(rml_log *log)
{
    several *s = several_of(log);
    if (s != NULL) {
        rml_buffer_reset(&s->space);
        rml_codec_context_reset(&s->codec);
    }
    for (size_t i = 0; s != NULL && i < s->count; i++) {
        rml_array_reset(&s->children[i].channel_of);
        rml_log_close(s->children[i].log);
    }
}

const rml_log_format rml_log_several = {.name = "several",
                                        .next = next_several,
                                        .rewind = rewind_several,
                                        .orders = true,
                                        .extra = extra_several,
                                        .summary = summary_several,
                                        .lost = lost_several,
                                        .complete = complete_several,
                                        .close = close_several};

// ---- Joining -----------------------------------------------------------------------------------

static rml_status fill(rml_log *log, rml_log **children, size_t count, rml_error *err)
{
    several *s = several_of(log);
    for (size_t i = 0; i < count; i++) {
        child *c = &s->children[i];
        rml_log *from = children[i];
        c->file_base = (uint32_t)log->files.count;
        for (size_t k = 0; k < from->files.count; k++) {
            rml_str *file = rml_array_push(&log->files, err);
            if (file == NULL) {
                return RML_ERR_MEMORY;
            }
            *file = *RML_AT(&from->files, rml_str, k);
        }
        log->bytes += from->bytes;
        log->unread += from->unread;
        const char *name = rml_log_format_name(from);
        bool same = i == 0 || strcmp(log->shown, name) == 0;
        log->shown = same ? name : rml_log_several.name;
        RML_TRY(meet_channels(log, c, err));
    }
    if (count > 0) {
        log->profile = children[0]->profile;
        log->library = children[0]->library;
    }
    return RML_OK;
}

static rml_status make_state(rml_log *log, size_t count, const rml_error *told, size_t told_count,
                             rml_error *err)
{
    several *s = RML_NEW(&log->arena, several);
    if (s == NULL) {
        return rml_fail_memory(err, sizeof(*s));
    }
    s->children = RML_NEW_ARRAY(&log->arena, child, count + 1);
    s->heap = RML_NEW_ARRAY(&log->arena, uint32_t, count + 1);
    s->hungry = RML_NEW_ARRAY(&log->arena, uint32_t, count + 1);
    s->told = RML_NEW_ARRAY(&log->arena, rml_error, told_count + 1);
    if (s->children == NULL || s->heap == NULL || s->hungry == NULL || s->told == NULL) {
        return rml_fail_memory(err, count * sizeof(child));
    }
    for (size_t i = 0; i < told_count; i++) {
        s->told[i] = told[i];
    }
    s->told_count = told_count;
    log->state = s;
    return RML_OK;
}

rml_status rml_log_join(rml_log **children, size_t count, rml_str name,
                        const rml_log_options *options, const rml_error *told, size_t told_count,
                        rml_log **out, rml_error *err)
{
    rml_log *log = NULL;
    rml_status st = rml_log_make(&rml_log_several, name, options, &log, err);
    if (st == RML_OK) {
        st = make_state(log, count, told, told_count, err);
    }
    if (st) {
        for (size_t i = 0; i < count; i++) {
            rml_log_close(children[i]);
        }
        rml_log_close(log);
        return st;
    }
    several *s = several_of(log);
    for (size_t i = 0; i < count; i++) {
        s->children[i] = (child){.log = children[i], .channel_of = RML_ARRAY(uint32_t)};
    }
    s->count = count;
    st = fill(log, children, count, err);
    if (st) {
        rml_log_close(log);
        return st;
    }
    begin(s);
    *out = log;
    return RML_OK;
}
