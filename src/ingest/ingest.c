// A recording into the lake in one pass: every message becomes a row, a reference or a reject, and
// their sum is checked before the row in `recordings` makes them visible.
#include "roadmill/ingest.h"

#include <string.h>

#include "roadmill/base/json.h"
#include "roadmill/codec.h"
#include "roadmill/lake/recordings.h"
#include "roadmill/os.h"
#include "roadmill/store.h"

#include "blobs.h"
#include "can.h"
#include "channel.h"

#define FLUSH_ROWS 16384
#define FLUSH_BYTES ((size_t)4 << 20)
#define MEMORY_DEFAULT ((size_t)256 << 20)
// Rows of all channels are handed to the lake when what they were decoded from reaches this part of
// memory_max: columns take at most eight times the bytes of their messages (a bool, a byte each).
#define PENDING_SHARE 16
// Bytes of a row's own columns in memory: two hashes, a topic, numbers.
#define ROW_BYTES 256
// A message in an encoding that is not decoded stays in its file from this size on; smaller ones
// are rejects, whose row would be larger than they are.
#define BLOB_SIZE_MIN 4096
#define HASH_PIECE ((size_t)8 << 20)
// Faults of the container that are told as rows each; more are counted in the ledger alone.
#define FAULT_ROWS_MAX 1000

typedef struct rml_ingest_job {
    rml_str uri; // as given
    rml_str absolute;
    rml_str *files; // absolute, by rml_log_message.file: for references
    rml_str recording_id;
    const rml_ingest_options *options;
    const rml_progress *progress;
    rml_ingest_result *out;
    rml_arena arena;
    rml_log *log;
    rml_lake *lake;
    rml_lake_txn *txn;
    rml_log_ledger ledger;
    rml_array channels; // rml_ingest_channel
    rml_array counts;   // rml_log_kept
    size_t pending;     // bytes that the batches were made from
    uint64_t lost;      // bytes that could not be read, so far
    rml_batch blobs, rejects;
    rml_ingest_can can;
    bool can_only; // the recording is in the lake: its frames are decoded again, the rest stays
} rml_ingest_job;

// ---- Identity ----------------------------------------------------------------------------------

static rml_status hash_bytes(rml_ingest_job *job, rml_sha256_state *state, rml_object *object,
                             rml_error *err)
{
    for (size_t at = 0; at < object->bytes.len; at += HASH_PIECE) {
        size_t len = object->bytes.len - at < HASH_PIECE ? object->bytes.len - at : HASH_PIECE;
        rml_sha256_add(state, object->bytes.data + at, len);
        rml_object_release(object, at, len);
        rml_progress_report(job->progress, "hash", (double)(at + len), (double)object->bytes.len,
                            "B");
        if (rml_progress_stop(job->progress)) {
            return rml_fail(err, RML_ERR_STOPPED, rml_place_file(job->uri),
                            "run the same command again to go on", "stopped while hashing");
        }
    }
    job->out->bytes += object->bytes.len;
    return RML_OK;
}

static rml_status hash_files(rml_ingest_job *job, rml_sha256_state *state, rml_error *err)
{
    size_t count;
    const rml_str *files = rml_log_files(job->log, &count);
    for (size_t i = 0; i < count; i++) {
        rml_object object;
        RML_TRY(rml_object_open(&object, files[i], err));
        rml_status st = hash_bytes(job, state, &object, err);
        rml_object_close(&object);
        RML_TRY(st);
    }
    return RML_OK;
}

// The recording's id, and the absolute paths of its files for references.
static rml_status identify(rml_ingest_job *job, rml_error *err)
{
    rml_sha256_state state;
    rml_hash hash;
    RML_TRY(rml_store_absolute(job->uri, &job->arena, &job->absolute, err));
    size_t count;
    const rml_str *files = rml_log_files(job->log, &count);
    job->files = RML_NEW_ARRAY(&job->arena, rml_str, count + 1);
    if (job->files == NULL) {
        return rml_fail_memory(err, count * sizeof *job->files);
    }
    for (size_t i = 0; i < count; i++) {
        RML_TRY(rml_store_absolute(files[i], &job->arena, &job->files[i], err));
    }
    RML_TRY(rml_sha256_begin(&state, err));
    rml_status st = hash_files(job, &state, err);
    if (st) {
        rml_sha256_abort(&state);
        return st;
    }
    rml_sha256_end(&state, &hash);
    rml_hash_text(&hash, job->out->recording_id);
    job->recording_id = rml_str_of(job->out->recording_id);
    return RML_OK;
}

// Log times from here on count from 1970; smaller ones count from some start of their own.
#define EPOCH_NS_MIN ((int64_t)100000000000000000)

// The drive: as given, or named by vehicle and start. Where one of them is not known the recording
// is a drive of its own: others that lack it as well are not the same drive for that.
static rml_status name_drive(rml_ingest_job *job, int64_t start_ns, rml_error *err)
{
    rml_str given = job->options->drive_id;
    if (given.len >= sizeof job->out->drive_id) {
        return rml_fail(err, RML_ERR_ARGUMENT, (rml_place){0}, "give a shorter --drive",
                        "expected a drive of at most 64 bytes, found %zu", given.len);
    }
    if (given.len > 0) {
        memcpy(job->out->drive_id, given.data, given.len);
        return RML_OK;
    }
    rml_str vehicle = job->options->vehicle;
    if (vehicle.len == 0 || start_ns < EPOCH_NS_MIN) {
        memcpy(job->out->drive_id, job->out->recording_id, 16);
        return RML_OK;
    }
    rml_str text =
        rml_arena_printf(&job->arena, "%.*s %lld", RML_FMT(vehicle), (long long)start_ns);
    rml_hash hash;
    char name[RML_HASH_TEXT];
    if (text.data == NULL || rml_sha256(text.data, text.len, &hash) != RML_OK) {
        return rml_fail_memory(err, vehicle.len);
    }
    rml_hash_text(&hash, name);
    memcpy(job->out->drive_id, name, 16);
    return RML_OK;
}

// ---- Messages ----------------------------------------------------------------------------------

static rml_status flush_channel(rml_ingest_job *job, size_t index, rml_error *err)
{
    size_t count;
    rml_str topic = rml_log_channels(job->log, &count)[index].topic;
    return rml_ingest_channel_flush(RML_AT(&job->channels, rml_ingest_channel, index), job->txn,
                                    topic, job->recording_id, &job->arena, err);
}

static rml_status flush_all(rml_ingest_job *job, rml_error *err)
{
    for (size_t i = 0; i < job->channels.count; i++) {
        RML_TRY(flush_channel(job, i, err));
    }
    if (job->blobs.count > 0) {
        RML_TRY(rml_lake_append(job->txn, "blobs", &job->blobs, err));
    }
    if (job->rejects.count > 0) {
        RML_TRY(rml_lake_append(job->txn, "rejects", &job->rejects, err));
    }
    rml_batch_clear(&job->blobs);
    rml_batch_clear(&job->rejects);
    job->pending = 0;
    return RML_OK;
}

static rml_status add_reject(rml_ingest_job *job, const char *stage, rml_str channel,
                             uint64_t offset, uint64_t length, rml_str reason, rml_error *err)
{
    rml_reject_row row = {job->recording_id, rml_str_of(stage), channel, offset, length, reason};
    return rml_row_append(&job->rejects, &row, err);
}

// Channels seen for the first time.
static rml_status meet_channels(rml_ingest_job *job, rml_error *err)
{
    size_t count;
    const rml_log_channel *channels = rml_log_channels(job->log, &count);
    while (job->channels.count < count) {
        size_t i = job->channels.count;
        rml_ingest_channel *channel = rml_array_push(&job->channels, err);
        if (channel == NULL || rml_array_push(&job->counts, err) == NULL) {
            return RML_ERR_MEMORY;
        }
        RML_TRY(rml_ingest_channel_init(channel, &channels[i], job->uri, &job->arena, err));
    }
    return RML_OK;
}

static rml_status keep_blob(rml_ingest_job *job, const rml_ingest_channel *channel, rml_str topic,
                            const rml_log_message *message, const int64_t *sensor_ns,
                            rml_error *err)
{
    const char *kind = channel->kind != NULL ? channel->kind : "message";
    rml_ingest_frame frame;
    bool has_frame = channel->frames != NULL;
    RML_TRY(has_frame ? rml_frame_read(channel->frames, message->data, &frame, err) : RML_OK);
    job->out->blobs++;
    return rml_blobs_append(&job->blobs, job->recording_id, topic, kind, job->files[message->file],
                            message, sensor_ns, has_frame ? &frame : NULL, err);
}

static rml_status keep_reject(rml_ingest_job *job, const char *stage, rml_str topic,
                              const rml_log_message *message, rml_str reason, rml_error *err)
{
    job->out->rejects++;
    return add_reject(job, stage, topic, message->offset, message->length, reason, err);
}

// Decodes into the channel's batch; a message that cannot be decoded is a reject.
static rml_status keep_row(rml_ingest_job *job, rml_ingest_channel *channel,
                           const rml_log_channel *described, const rml_log_message *message,
                           const int64_t *sensor_ns, rml_log_kept *kept, rml_error *err)
{
    rml_error fault = {0};
    rml_status st = rml_ingest_channel_add(channel, message, sensor_ns, job->uri, &fault);
    if (st == RML_OK) {
        kept->rows++;
        job->out->rows++;
        return channel->batch.count >= FLUSH_ROWS || channel->batch_bytes >= FLUSH_BYTES
                   ? flush_channel(job, message->channel, err)
                   : RML_OK;
    }
    if (rml_status_is_of_data(st)) {
        kept->rejects++;
        return keep_reject(job, "decode", described->topic, message, rml_str_of(fault.what), err);
    }
    if (err != NULL) {
        *err = fault;
    }
    return st;
}

static bool is_frame(const rml_ingest_job *job, const rml_log_channel *channel)
{
    return job->can.count > 0 && rml_str_equal(channel->message_encoding, RML_STR("can"));
}

static rml_status take_frame(rml_ingest_job *job, const rml_log_channel *channel,
                             const rml_log_message *message, rml_error *err)
{
    RML_TRY(rml_ingest_can_add(&job->can, channel, message, job->recording_id, err));
    if (job->can.batch.count < FLUSH_ROWS) {
        return RML_OK;
    }
    job->out->can_signals += job->can.batch.count;
    rml_status st = rml_lake_append(job->txn, "signals_can", &job->can.batch, err);
    rml_batch_clear(&job->can.batch);
    return st;
}

static rml_status take_message(rml_ingest_job *job, const rml_log_message *message, rml_error *err)
{
    size_t count;
    const rml_log_channel *described = &rml_log_channels(job->log, &count)[message->channel];
    if (is_frame(job, described)) {
        RML_TRY(take_frame(job, described, message, err));
    }
    if (job->can_only) {
        return RML_OK;
    }
    RML_TRY(meet_channels(job, err));
    rml_ingest_channel *channel = RML_AT(&job->channels, rml_ingest_channel, message->channel);
    rml_log_kept *kept = RML_AT(&job->counts, rml_log_kept, message->channel);
    int64_t time_ns;
    bool says =
        channel->plan != NULL && rml_message_sensor_ns(channel->plan, message->data, &time_ns);
    const int64_t *sensor_ns = says ? &time_ns : NULL;
    RML_TRY(rml_log_ledger_add(&job->ledger, &job->arena, message, sensor_ns, err));
    job->out->messages++;
    bool large = channel->undecodable && message->data.len >= BLOB_SIZE_MIN;
    bool refers = channel->fate == RML_FATE_BLOBS || large;
    if (refers && message->compression == NULL) {
        kept->rejects++;
        RML_TRY(keep_reject(job, "reference", described->topic, message,
                            RML_STR("expected a value that stands in one place of its file, found "
                                    "one of a bag that is compressed as a file"),
                            err));
    } else if (refers) {
        kept->blobs++;
        RML_TRY(keep_blob(job, channel, described->topic, message, sensor_ns, err));
    } else if (channel->fate == RML_FATE_SIGNALS) {
        RML_TRY(keep_row(job, channel, described, message, sensor_ns, kept, err));
        job->pending += message->data.len;
    } else {
        kept->rejects++;
        RML_TRY(keep_reject(job, channel->undecodable ? "decode" : "schema", described->topic,
                            message, channel->reason, err));
    }
    job->pending += ROW_BYTES;
    size_t memory_max = job->options->memory_max;
    memory_max = memory_max == 0 ? MEMORY_DEFAULT : memory_max;
    return job->pending >= memory_max / PENDING_SHARE ? flush_all(job, err) : RML_OK;
}

// Damage in the container: the ledger counts it, a row tells it, reading goes on behind it.
static rml_status take_fault(rml_ingest_job *job, const rml_error *fault, rml_error *err)
{
    RML_TRY(rml_log_ledger_fault(&job->ledger, &job->arena, fault, err));
    if (job->ledger.faults > FAULT_ROWS_MAX) {
        return RML_OK;
    }
    uint64_t lost = rml_log_bytes_lost(job->log), length = lost - job->lost;
    job->lost = lost;
    return add_reject(job, "container", (rml_str){0}, fault->offset, length,
                      rml_str_of(fault->what), err);
}

static rml_status take_all(rml_ingest_job *job, rml_error *err)
{
    for (;;) {
        rml_log_message message;
        rml_error fault = {0};
        rml_status st = rml_log_next(job->log, &message, &fault);
        if (st == RML_END) {
            break;
        }
        if (st == RML_OK) {
            RML_TRY(take_message(job, &message, err));
        } else if (rml_status_is_of_data(st)) {
            RML_TRY(job->can_only ? RML_OK : take_fault(job, &fault, err));
        } else {
            if (err != NULL) {
                *err = fault;
            }
            return st;
        }
        if ((job->out->messages & 1023) == 0) {
            rml_progress_report(job->progress, "ingest", st == RML_OK ? (double)message.offset : 0,
                                (double)job->out->bytes, "B");
            if (rml_progress_stop(job->progress)) {
                return rml_fail(err, RML_ERR_STOPPED, rml_place_file(job->uri),
                                "run the same command again to go on",
                                "stopped; nothing of this recording is in the lake yet");
            }
        }
    }
    if (job->can_only) {
        return RML_OK;
    }
    RML_TRY(meet_channels(job, err));
    return rml_log_ledger_end(&job->ledger, &job->arena, job->log, err);
}

// Waits for the turn of this recording. *there: the same one has come into the lake meanwhile.
static rml_status take_turn(rml_ingest_job *job, bool *there, rml_error *err)
{
    *there = false;
    if (job->options->before_commit == NULL) {
        return RML_OK;
    }
    RML_TRY(job->options->before_commit(job->options->before_commit_context, err));
    return rml_lake_has(job->lake, job->recording_id, there, err);
}

// The last rows of every table.
static rml_status flush_last(rml_ingest_job *job, rml_error *err)
{
    if (job->can.batch.count > 0) {
        job->out->can_signals += job->can.batch.count;
        RML_TRY(rml_lake_append(job->txn, "signals_can", &job->can.batch, err));
    }
    if (job->can_only) {
        bool there; // it is, and its frames are made again
        RML_TRY(take_turn(job, &there, err));
        return rml_lake_commit(job->txn, NULL, NULL, err);
    }
    RML_TRY(rml_ingest_can_rejects(&job->can, job->log, job->recording_id, &job->rejects,
                                   &job->arena, err));
    return flush_all(job, err);
}

// ---- The end -----------------------------------------------------------------------------------

static rml_status append_drive(rml_ingest_job *job, const rml_recording_row *r, rml_error *err)
{
    rml_batch batch = {0};
    rml_drive_row row = {.drive_id = r->drive_id,
                         .recording_id = r->recording_id,
                         .vehicle = job->options->vehicle,
                         .start_ns = r->start_ns,
                         .end_ns = r->end_ns,
                         .has_span = r->has_span};
    rml_buffer words = {0};
    rml_status st = rml_batch_init(&batch, rml_drives_schema(), err);
    if (!st) {
        st = rml_log_ledger_words(&job->ledger, job->log, &words, err);
    }
    if (!st) {
        row.findings = rml_str_trim(rml_buffer_text(&words));
        st = rml_row_append(&batch, &row, err);
    }
    if (!st) {
        st = rml_lake_append(job->txn, "drives", &batch, err);
    }
    rml_buffer_reset(&words);
    rml_batch_reset(&batch);
    return st;
}

static rml_status commit_recording(rml_ingest_job *job, const rml_recording_row *row,
                                   rml_error *err)
{
    rml_batch batch = {0};
    bool there;
    RML_TRY(take_turn(job, &there, err));
    if (there) {
        rml_ingest_result *out = job->out;
        out->already = true;
        out->messages = out->rows = out->blobs = out->rejects = 0;
        out->bytes_lost = 0;
        return RML_OK;
    }
    RML_TRY(append_drive(job, row, err));
    RML_TRY(rml_batch_init(&batch, rml_recordings_schema(), err));
    rml_status st = rml_row_append(&batch, row, err);
    if (!st) {
        st = rml_lake_commit(job->txn, "recordings", &batch, err);
    }
    rml_batch_reset(&batch);
    return st;
}

static rml_status finish(rml_ingest_job *job, rml_error *err)
{
    rml_ingest_result *out = job->out;
    if (out->messages != out->rows + out->blobs + out->rejects) {
        return rml_fail(err, RML_ERR_CONFLICT, rml_place_file(job->uri), NULL,
                        "expected messages = rows + blobs + rejects, found %llu = %llu + %llu + "
                        "%llu",
                        (unsigned long long)out->messages, (unsigned long long)out->rows,
                        (unsigned long long)out->blobs, (unsigned long long)out->rejects);
    }
    rml_buffer ledger = {0};
    rml_json_writer w;
    const rml_ingest_options *o = job->options;
    rml_recording_row row = {.recording_id = job->recording_id,
                             .uri = job->absolute,
                             .format = rml_str_of(rml_log_format_name(job->log)),
                             .logger = rml_log_library(job->log),
                             .bytes = out->bytes,
                             .bytes_lost = job->ledger.bytes_lost,
                             .messages = out->messages,
                             .rows = out->rows,
                             .blobs = out->blobs,
                             .rejects = out->rejects,
                             .completeness = rml_str_of(rml_log_completeness(&job->ledger)),
                             .licence = o->licence,
                             .purpose = o->purpose,
                             .region = o->region};
    row.has_span = rml_log_ledger_span(&job->ledger, &row.start_ns, &row.end_ns);
    out->bytes_lost = job->ledger.bytes_lost;
    out->complete = job->ledger.complete && job->ledger.faults == 0;
    RML_TRY(name_drive(job, row.start_ns, err));
    row.drive_id = rml_str_of(out->drive_id);
    rml_json_writer_init(&w, &ledger, err);
    rml_log_ledger_json(&job->ledger, job->log, job->counts.data, &w);
    rml_status st = rml_json_finish(&w);
    if (!st) {
        row.ledger = rml_buffer_text(&ledger);
        st = commit_recording(job, &row, err);
    }
    rml_buffer_reset(&ledger);
    return st;
}

static rml_status ingest(rml_ingest_job *job, rml_error *err)
{
    rml_lake *lake = job->lake;
    const rml_ingest_options *o = job->options;
    const rml_log_options options = {.memory_max = o->memory_max, .threads = o->threads};
    RML_TRY(rml_log_open(job->uri, &options, &job->log, err));
    RML_TRY(identify(job, err));
    RML_TRY(rml_lake_has(lake, job->recording_id, &job->out->already, err));
    job->can_only = job->out->already;
    if (job->out->already && o->dbc_count == 0) {
        return RML_OK;
    }
    RML_TRY(rml_ingest_can_init(&job->can, o->dbc, o->dbc_count, err));
    RML_TRY(rml_batch_init(&job->blobs, rml_blobs_schema(), err));
    RML_TRY(rml_batch_init(&job->rejects, rml_rejects_schema(), err));
    RML_TRY(rml_lake_begin(lake, job->recording_id, &job->txn, err));
    RML_TRY(job->can_only ? rml_lake_replace(job->txn, "signals_can", err) : RML_OK);
    RML_TRY(take_all(job, err));
    RML_TRY(flush_last(job, err));
    return job->can_only ? RML_OK : finish(job, err);
}

rml_status rml_ingest_recording(rml_lake *lake, rml_str uri, const rml_ingest_options *options,
                                const rml_progress *progress, rml_ingest_result *out,
                                rml_error *err)
{
    static const rml_ingest_options none = {0};
    *out = (rml_ingest_result){0};
    rml_ingest_job job = {.uri = uri,
                          .lake = lake,
                          .options = options != NULL ? options : &none,
                          .progress = progress,
                          .out = out,
                          .channels = RML_ARRAY(rml_ingest_channel),
                          .counts = RML_ARRAY(rml_log_kept)};
    rml_status st = ingest(&job, err);
    for (size_t i = 0; i < job.channels.count; i++) {
        rml_ingest_channel_reset(RML_AT(&job.channels, rml_ingest_channel, i));
    }
    rml_array_reset(&job.channels);
    rml_array_reset(&job.counts);
    rml_batch_reset(&job.blobs);
    rml_batch_reset(&job.rejects);
    rml_ingest_can_reset(&job.can);
    rml_lake_txn_close(job.txn);
    rml_log_close(job.log);
    rml_arena_reset(&job.arena);
    return st;
}
