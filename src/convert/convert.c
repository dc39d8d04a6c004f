// Reads recordings, writes one, and proves it.
#include "roadmill/convert.h"

#include <string.h>

#include "carry.h"
#include "roadmill/base/json.h"
#include "roadmill/codec.h"
#include "roadmill/os.h"
#include "roadmill/store.h"

#define LOSSES_MAX 1000
#define LIBRARY "roadmill " RML_VERSION

typedef struct job {
    const rml_convert_options *options;
    const rml_progress *progress;
    const char *path;
    const char *format; // of the output
    rml_str file;       // for errors
    rml_arena *arena;
    rml_convert_account *out;
    rml_log *log;
    rml_log_writer *writer;
    rml_array carries;  // rml_carry, by channel of the input
    rml_array ids;      // uint32_t: number + 1 in the output; 0: not written yet
    rml_array channels; // rml_convert_channel
    rml_array losses;   // rml_convert_loss
    rml_array notes;    // rml_convert_note
    int64_t last_ns;
    bool any;
    uint32_t proof; // over what was written: topic, time, bytes
} job;

static rml_status add_note(job *j, rml_str what, const char *fate, rml_str why, rml_error *err)
{
    for (size_t i = 0; i < j->notes.count; i++) {
        if (rml_str_equal(RML_AT(&j->notes, rml_convert_note, i)->what, what)) {
            return RML_OK;
        }
    }
    rml_convert_note *n = rml_array_push(&j->notes, err);
    rml_str kept = rml_arena_str(j->arena, what);
    if (n == NULL || kept.data == NULL) {
        return rml_fail_memory(err, what.len);
    }
    *n = (rml_convert_note){kept, fate, why};
    return RML_OK;
}

// ---- Channels ----------------------------------------------------------------------------------

static rml_status meet_channel(job *j, const rml_log_channel *c, rml_error *err)
{
    rml_carry *carry = rml_array_push(&j->carries, err);
    uint32_t *id = rml_array_push(&j->ids, err);
    rml_convert_channel *told = rml_array_push(&j->channels, err);
    if (carry == NULL || id == NULL || told == NULL) {
        return RML_ERR_MEMORY;
    }
    RML_TRY(rml_carry_init(carry, c, j->format, j->options->messages, j->file, j->arena, err));
    // Text of a log is gone when it is closed.
    *told = (rml_convert_channel){.topic = rml_arena_str(j->arena, c->topic),
                                  .type = rml_arena_str(j->arena, c->schema_name),
                                  .encoding = rml_arena_str(j->arena, c->message_encoding),
                                  .written_as =
                                      rml_arena_str(j->arena, carry->channel.message_encoding)};
    if (told->topic.data == NULL || told->type.data == NULL || told->encoding.data == NULL ||
        told->written_as.data == NULL) {
        return rml_fail_memory(err, c->topic.len);
    }
    return carry->note.len > 0 ? add_note(j, c->topic, "derived", carry->note, err) : RML_OK;
}

static rml_status meet_channels(job *j, rml_error *err)
{
    size_t count;
    const rml_log_channel *channels = rml_log_channels(j->log, &count);
    while (j->carries.count < count) {
        RML_TRY(meet_channel(j, &channels[j->carries.count], err));
    }
    return RML_OK;
}

// An earlier channel that is the same in the output: ROS 1 has a connection for each publisher of a
// topic, ROS 2 one topic.
static uint32_t same_topic(const job *j, size_t channel)
{
    const rml_carry *carries = j->carries.data, *own = &carries[channel];
    for (size_t i = 0; own->ros != NULL && i < j->carries.count; i++) {
        uint32_t id = *RML_AT(&j->ids, uint32_t, i);
        if (i != channel && id != 0 && carries[i].ros != NULL &&
            rml_str_equal(own->channel.message_encoding, RML_STR("cdr")) &&
            rml_str_equal(own->channel.topic, carries[i].channel.topic) &&
            rml_str_equal(own->channel.schema_name, carries[i].channel.schema_name) &&
            rml_str_equal(rml_str_of_bytes(own->channel.schema),
                          rml_str_of_bytes(carries[i].channel.schema))) {
            return id;
        }
    }
    return 0;
}

// The channel's number in the output, where it is written when its first message is, or at the end.
static rml_status number_of(job *j, size_t channel, uint32_t *out, rml_error *err)
{
    uint32_t *id = RML_AT(&j->ids, uint32_t, channel);
    *id = *id != 0 ? *id : same_topic(j, channel);
    if (*id == 0) {
        uint32_t number;
        RML_TRY(rml_log_writer_channel(j->writer, &RML_AT(&j->carries, rml_carry, channel)->channel,
                                       &number, err));
        *id = number + 1;
    }
    *out = *id - 1;
    return RML_OK;
}

// ---- Messages ----------------------------------------------------------------------------------

static uint32_t prove(uint32_t proof, rml_str topic, int64_t log_ns, rml_bytes data)
{
    uint8_t time[8];
    rml_save_u64(time, (uint64_t)log_ns);
    proof = rml_crc32c(proof, topic.data, topic.len);
    proof = rml_crc32c(proof, time, sizeof time);
    return rml_crc32c(proof, data.data, data.len);
}

static rml_status take_fault(job *j, const rml_error *fault, rml_error *err)
{
    j->out->faults++;
    if (j->losses.count >= LOSSES_MAX) {
        return RML_OK;
    }
    char text[1200];
    rml_error_text(fault, text, sizeof text);
    rml_convert_loss *loss = rml_array_push(&j->losses, err);
    rml_str what = rml_arena_str(j->arena, rml_str_of(text));
    if (loss == NULL || what.data == NULL) {
        return rml_fail_memory(err, sizeof text);
    }
    *loss = (rml_convert_loss){.what = what, .has_before = j->any, .before_ns = j->last_ns};
    return RML_OK;
}

// A message that cannot be written anew is left out and told as a loss.
static rml_status take_message(job *j, const rml_log_message *m, rml_error *err)
{
    RML_TRY(meet_channels(j, err));
    rml_convert_channel *told = RML_AT(&j->channels, rml_convert_channel, m->channel);
    told->in++;
    j->out->messages_in++;
    j->last_ns = m->log_ns;
    j->any = true;
    if (j->options->keep != NULL && !j->options->keep(j->options->context, j->log, m)) {
        told->left_out++;
        j->out->messages_left_out++;
        return RML_OK;
    }
    uint32_t id;
    rml_log_message written = *m;
    rml_carry *carry = RML_AT(&j->carries, rml_carry, m->channel);
    RML_TRY(number_of(j, m->channel, &id, err));
    rml_error fault = {0};
    rml_status st = rml_carry_message(carry, m, j->file, &written.data, &fault);
    if (rml_status_is_of_data(st) || st == RML_ERR_ARGUMENT) {
        told->failed++;
        j->out->messages_failed++;
        return take_fault(j, &fault, err);
    }
    if (st) {
        if (err != NULL) {
            *err = fault;
        }
        return st;
    }
    RML_TRY(rml_log_writer_message(j->writer, id, &written, err));
    j->proof = prove(j->proof, told->topic, m->log_ns, written.data);
    told->kept++;
    j->out->messages_kept++;
    return RML_OK;
}

// The first message behind faults ends the stretch in which they lie.
static void end_losses(job *j, const rml_log_message *m)
{
    for (size_t i = j->losses.count; i > 0; i--) {
        rml_convert_loss *loss = RML_AT(&j->losses, rml_convert_loss, i - 1);
        if (loss->has_after) {
            return;
        }
        loss->has_after = true;
        loss->after_ns = m->log_ns;
    }
}

static rml_status take_all(job *j, rml_error *err)
{
    for (;;) {
        rml_log_message m;
        rml_error fault = {0};
        rml_status st = rml_log_next(j->log, &m, &fault);
        if (st == RML_END) {
            return meet_channels(j, err);
        }
        if (rml_status_is_of_data(st)) {
            RML_TRY(take_fault(j, &fault, err));
            continue;
        }
        if (st) {
            if (err != NULL) {
                *err = fault;
            }
            return st;
        }
        end_losses(j, &m);
        RML_TRY(take_message(j, &m, err));
        if ((j->out->messages_in & 4095) == 0) {
            rml_progress_report(j->progress, "writing", (double)m.offset, (double)j->out->bytes_in,
                                "B");
            if (rml_progress_stop(j->progress)) {
                return rml_fail(err, RML_ERR_STOPPED, rml_place_file(j->file), NULL,
                                "stopped; nothing is written");
            }
        }
    }
}

// ---- Beside the messages -----------------------------------------------------------------------

static rml_status take_extras(job *j, rml_error *err)
{
    for (size_t i = 0;; i++) {
        rml_log_extra extra;
        rml_error fault = {0};
        rml_status st = rml_log_extra_at(j->log, i, &extra, &fault);
        if (st == RML_END) {
            return RML_OK;
        }
        if (rml_status_is_of_data(st)) {
            return take_fault(j, &fault, err);
        }
        if (st == RML_OK) {
            st = rml_log_writer_extra(j->writer, &extra, &fault);
        }
        if (st == RML_ERR_UNSUPPORTED) {
            j->out->extras_dropped++;
            RML_TRY(add_note(j, extra.name, "dropped",
                             rml_arena_str(j->arena, rml_str_of(fault.what)), err));
        } else if (st) {
            if (err != NULL) {
                *err = fault;
            }
            return st;
        } else {
            j->out->extras_kept++;
        }
    }
}

// What a container has no place for.
static rml_status note_fields(job *j, rml_error *err)
{
    if (strcmp(j->format, "mcap") == 0 || j->out->messages_kept == 0) {
        return RML_OK;
    }
    RML_TRY(add_note(j, RML_STR("sequence"), "dropped", RML_STR("the container keeps none"), err));
    return add_note(j, RML_STR("publish time"), "dropped",
                    RML_STR("the container keeps the log time alone"), err);
}

// Channels without messages are part of a recording too, unless they were filtered away.
static rml_status write_silent_channels(job *j, rml_error *err)
{
    size_t count;
    const rml_log_channel *channels = rml_log_channels(j->log, &count);
    for (size_t i = 0; i < count; i++) {
        uint32_t id;
        const rml_convert_channel *told = RML_AT(&j->channels, rml_convert_channel, i);
        bool wanted = j->options->read.topics == NULL;
        for (size_t k = 0; k < j->options->read.topic_count && !wanted; k++) {
            wanted = rml_str_equal(j->options->read.topics[k], channels[i].topic);
        }
        if (told->in == 0 && wanted) {
            RML_TRY(number_of(j, i, &id, err));
        }
    }
    return RML_OK;
}

// ---- The proof ---------------------------------------------------------------------------------

static rml_status read_back(job *j, rml_error *err)
{
    rml_log *log = NULL;
    uint32_t proof = 0;
    uint64_t messages = 0;
    const rml_log_options options = {.order = RML_LOG_FILE_ORDER,
                                     .threads = j->options->read.threads};
    rml_log_message m;
    RML_TRY(rml_log_open(rml_str_of(j->path), &options, &log, err));
    rml_status st;
    while ((st = rml_log_next(log, &m, err)) == RML_OK) {
        size_t count;
        proof = prove(proof, rml_log_channels(log, &count)[m.channel].topic, m.log_ns, m.data);
        messages++;
    }
    rml_log_close(log);
    if (st != RML_END) {
        return st;
    }
    if (messages != j->out->messages_kept || proof != j->proof) {
        return rml_fail(err, RML_ERR_CONFLICT, rml_place_file(rml_str_of(j->path)), NULL,
                        "expected to read back the %llu messages that were written, found %llu%s",
                        (unsigned long long)j->out->messages_kept, (unsigned long long)messages,
                        messages == j->out->messages_kept ? " that differ" : "");
    }
    j->out->verified = true;
    rml_file_info info;
    if (rml_store_stat(rml_str_of(j->path), &info, NULL) == RML_OK && !info.is_folder) {
        j->out->bytes_out = info.size;
    }
    return RML_OK;
}

// ---- The whole ---------------------------------------------------------------------------------

// How many messages each channel should have, where the input says it.
static rml_status learn_expected(job *j, rml_error *err)
{
    rml_log_ledger ledger;
    rml_status st = rml_log_summarise(j->log, j->arena, &ledger, NULL);
    RML_TRY(meet_channels(j, err));
    for (size_t i = 0; st == RML_OK && i < j->channels.count && i < ledger.channel_count; i++) {
        rml_convert_channel *c = RML_AT(&j->channels, rml_convert_channel, i);
        c->expected_known = true;
        c->expected = ledger.channels[i].messages;
    }
    return RML_OK;
}

static rml_status write_all(job *j, rml_error *err)
{
    rml_log_writer_options write = j->options->write;
    write.format = j->format;
    rml_str profile =
        j->options->messages != NULL ? rml_str_of(j->options->messages) : rml_log_profile(j->log);
    write.profile = write.profile.len > 0 ? write.profile : profile;
    write.library = write.library.len > 0 ? write.library : RML_STR(LIBRARY);
    RML_TRY(learn_expected(j, err));
    RML_TRY(rml_log_writer_open(j->path, &write, &j->writer, err));
    RML_TRY(take_all(j, err));
    RML_TRY(write_silent_channels(j, err));
    RML_TRY(take_extras(j, err));
    RML_TRY(note_fields(j, err));
    if (j->out->messages_in == 0 && j->out->faults > 0) {
        const rml_convert_loss *first = RML_AT(&j->losses, rml_convert_loss, 0);
        return rml_fail(err, RML_ERR_DATA, (rml_place){0}, NULL, "%.*s; nothing could be saved",
                        RML_FMT(first->what));
    }
    RML_TRY(rml_log_writer_finish(j->writer, err));
    return strcmp(j->path, "-") == 0 ? RML_OK : read_back(j, err);
}

static void settle(job *j)
{
    rml_convert_account *a = j->out;
    rml_log_ledger ledger = {0};
    a->bytes_lost = rml_log_bytes_lost(j->log);
    // A size that a file lies about is no more than the file.
    a->bytes_lost = a->bytes_lost < a->bytes_in ? a->bytes_lost : a->bytes_in;
    a->bytes_kept = a->bytes_in - a->bytes_lost;
    if (rml_log_ledger_end(&ledger, j->arena, j->log, NULL) == RML_OK) {
        a->whole = ledger.complete && a->faults == 0;
    }
    a->losses = j->losses.data;
    a->loss_count = j->losses.count;
    a->channels = j->channels.data;
    a->channel_count = j->channels.count;
    a->notes = j->notes.data;
    a->note_count = j->notes.count;
}

// Lists of the account move into its arena.
static rml_status move(rml_arena *arena, const void **data, size_t count, size_t size,
                       rml_error *err)
{
    void *copy = rml_arena_make(arena, (count + 1) * size);
    if (copy == NULL) {
        return rml_fail_memory(err, count * size);
    }
    if (count > 0) {
        memcpy(copy, *data, count * size);
    }
    *data = copy;
    return RML_OK;
}

static rml_status keep_lists(job *j, rml_error *err)
{
    rml_convert_account *a = j->out;
    RML_TRY(move(j->arena, (const void **)&a->losses, a->loss_count, sizeof *a->losses, err));
    RML_TRY(
        move(j->arena, (const void **)&a->channels, a->channel_count, sizeof *a->channels, err));
    return move(j->arena, (const void **)&a->notes, a->note_count, sizeof *a->notes, err);
}

static rml_status sum_bytes(job *j, rml_error *err)
{
    size_t count;
    const rml_str *files = rml_log_files(j->log, &count);
    for (size_t i = 0; i < count; i++) {
        rml_file_info info = {0};
        if (rml_str_equal(files[i], RML_STR("-"))) {
            continue;
        }
        RML_TRY(rml_store_stat(files[i], &info, err));
        j->out->bytes_in += info.size;
    }
    return RML_OK;
}

rml_status rml_convert(const rml_str *uris, size_t count, const char *path,
                       const rml_convert_options *options, const rml_progress *progress,
                       rml_arena *arena, rml_convert_account *out, rml_error *err)
{
    static const rml_convert_options none = {0};
    *out = (rml_convert_account){0};
    job j = {.options = options != NULL ? options : &none,
             .progress = progress,
             .path = path,
             .file = count > 0 ? uris[0] : (rml_str){0},
             .arena = arena,
             .out = out,
             .carries = RML_ARRAY(rml_carry),
             .ids = RML_ARRAY(uint32_t),
             .channels = RML_ARRAY(rml_convert_channel),
             .losses = RML_ARRAY(rml_convert_loss),
             .notes = RML_ARRAY(rml_convert_note)};
    j.format = j.options->write.format != NULL ? j.options->write.format
                                               : rml_log_writer_format_of(rml_str_of(path));
    rml_status st = rml_log_open_many(uris, count, &j.options->read, &j.log, err);
    if (st == RML_OK) {
        out->from = rml_arena_str(arena, rml_str_of(rml_log_format_name(j.log)));
        out->to = rml_str_of(j.format);
        st = sum_bytes(&j, err);
        st = st ? st : write_all(&j, err);
        settle(&j);
        rml_status kept = keep_lists(&j, st == RML_OK ? err : NULL);
        st = st ? st : kept;
    }
    rml_log_writer_close(j.writer);
    for (size_t i = 0; i < j.carries.count; i++) {
        rml_carry_reset(RML_AT(&j.carries, rml_carry, i));
    }
    rml_array_reset(&j.carries);
    rml_array_reset(&j.ids);
    rml_array_reset(&j.channels);
    rml_array_reset(&j.losses);
    rml_array_reset(&j.notes);
    rml_log_close(j.log);
    return st;
}

// ---- As JSON -----------------------------------------------------------------------------------

static void channel_json(const rml_convert_channel *c, rml_json_writer *w)
{
    rml_json_object(w);
    rml_json_kv_str(w, "topic", c->topic);
    rml_json_kv_str(w, "type", c->type);
    rml_json_kv_str(w, "encoding", c->encoding);
    rml_json_kv_str(w, "written_as", c->written_as);
    rml_json_kv_i64(w, "in", (int64_t)c->in);
    rml_json_kv_i64(w, "kept", (int64_t)c->kept);
    rml_json_kv_i64(w, "left_out", (int64_t)c->left_out);
    rml_json_kv_i64(w, "failed", (int64_t)c->failed);
    if (c->expected_known) {
        rml_json_kv_i64(w, "expected", (int64_t)c->expected);
    }
    rml_json_object_end(w);
}

static void loss_json(const rml_convert_loss *l, rml_json_writer *w)
{
    rml_json_object(w);
    rml_json_kv_str(w, "what", l->what);
    if (l->has_before) {
        rml_json_kv_ns(w, "after_ns", l->before_ns);
    }
    if (l->has_after) {
        rml_json_kv_ns(w, "before_ns", l->after_ns);
    }
    rml_json_object_end(w);
}

void rml_convert_json(const rml_convert_account *a, rml_json_writer *w)
{
    rml_json_object(w);
    rml_json_kv_str(w, "from", a->from);
    rml_json_kv_str(w, "to", a->to);
    rml_json_kv_i64(w, "bytes_in", (int64_t)a->bytes_in);
    rml_json_kv_i64(w, "bytes_kept", (int64_t)a->bytes_kept);
    rml_json_kv_i64(w, "bytes_lost", (int64_t)a->bytes_lost);
    rml_json_kv_i64(w, "bytes_out", (int64_t)a->bytes_out);
    rml_json_kv_i64(w, "messages_in", (int64_t)a->messages_in);
    rml_json_kv_i64(w, "messages_kept", (int64_t)a->messages_kept);
    rml_json_kv_i64(w, "messages_left_out", (int64_t)a->messages_left_out);
    rml_json_kv_i64(w, "messages_failed", (int64_t)a->messages_failed);
    rml_json_kv_i64(w, "extras_kept", (int64_t)a->extras_kept);
    rml_json_kv_i64(w, "extras_dropped", (int64_t)a->extras_dropped);
    rml_json_kv_bool(w, "whole", a->whole);
    rml_json_kv_i64(w, "faults", (int64_t)a->faults);
    rml_json_kv_bool(w, "verified", a->verified);
    rml_json_key(w, "channels");
    rml_json_list(w);
    for (size_t i = 0; i < a->channel_count; i++) {
        channel_json(&a->channels[i], w);
    }
    rml_json_list_end(w);
    rml_json_key(w, "losses");
    rml_json_list(w);
    for (size_t i = 0; i < a->loss_count; i++) {
        loss_json(&a->losses[i], w);
    }
    rml_json_list_end(w);
    rml_json_key(w, "notes");
    rml_json_list(w);
    for (size_t i = 0; i < a->note_count; i++) {
        rml_json_object(w);
        rml_json_kv_str(w, "what", a->notes[i].what);
        rml_json_kv_str(w, "fate", rml_str_of(a->notes[i].fate));
        rml_json_kv_str(w, "why", a->notes[i].why);
        rml_json_object_end(w);
    }
    rml_json_list_end(w);
    rml_json_object_end(w);
}
