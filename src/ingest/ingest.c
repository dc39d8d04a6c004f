// A recording into the lake in one pass: every message becomes a row, a reference or a reject, and
// their sum is checked before the row in `recordings` makes them visible.
#include "roadmill/ingest.h"

#include <string.h>

#include "roadmill/codec.h"
#include "roadmill/os.h"
#include "roadmill/store.h"
#include "roadmill/table/recordings.h"

#include "blobs.h"
#include "channel.h"
#include "ledger_json.h"

#define FLUSH_ROWS 16384
#define FLUSH_BYTES ((size_t)4 << 20)
#define HASH_PIECE ((size_t)8 << 20)
// Faults of the container that are told as rows each; more are counted in the ledger alone.
#define FAULT_ROWS_MAX 1000

typedef struct rml_ingest_job {
    rml_str uri;      // as given
    rml_str absolute; // for references
    rml_str recording_id;
    const rml_ingest_options *options;
    const rml_progress *progress;
    rml_ingest_result *out;
    rml_arena arena;
    rml_log *log;
    rml_lake_txn *txn;
    rml_log_ledger ledger;
    rml_array channels; // rml_ingest_channel
    rml_array counts;   // rml_channel_count
    rml_batch blobs, rejects;
} rml_ingest_job;

// ---- Identity ----------------------------------------------------------------------------------

static rml_status hash_object(rml_ingest_job *job, rml_object *object, rml_error *err)
{
    rml_sha256_state state;
    rml_hash hash;
    RML_TRY(rml_sha256_begin(&state, err));
    for (size_t at = 0; at < object->bytes.len; at += HASH_PIECE) {
        size_t len = object->bytes.len - at < HASH_PIECE ? object->bytes.len - at : HASH_PIECE;
        rml_sha256_add(&state, object->bytes.data + at, len);
        rml_object_release(object, at, len);
        rml_progress_report(job->progress, "hash", (double)(at + len), (double)object->bytes.len,
                            "B");
        if (rml_progress_stop(job->progress)) {
            rml_sha256_abort(&state);
            return rml_fail(err, RML_ERR_STOPPED, rml_place_file(job->uri),
                            "run the same command again to go on", "stopped while hashing");
        }
    }
    rml_sha256_end(&state, &hash);
    rml_hash_text(&hash, job->out->recording_id);
    job->recording_id = rml_str_of(job->out->recording_id);
    job->out->bytes = object->bytes.len;
    return RML_OK;
}

static rml_status identify(rml_ingest_job *job, rml_error *err)
{
    rml_object object;
    rml_str path;
    RML_TRY(rml_store_path(job->uri, &job->arena, &path, err));
    RML_TRY(rml_path_absolute(path.data, &job->arena, &job->absolute, err));
    RML_TRY(rml_object_open(&object, job->uri, err));
    rml_status st = hash_object(job, &object, err);
    rml_object_close(&object);
    return st;
}

// The drive: as given, or named by vehicle and start.
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

static rml_status flush_all(rml_ingest_job *job, rml_error *err)
{
    for (size_t i = 0; i < job->channels.count; i++) {
        RML_TRY(rml_ingest_channel_flush(RML_AT(&job->channels, rml_ingest_channel, i), job->txn,
                                         &job->arena, err));
    }
    if (job->blobs.count > 0) {
        RML_TRY(rml_lake_append(job->txn, "blobs", &job->blobs, err));
    }
    if (job->rejects.count > 0) {
        RML_TRY(rml_lake_append(job->txn, "rejects", &job->rejects, err));
    }
    rml_batch_clear(&job->blobs);
    rml_batch_clear(&job->rejects);
    return RML_OK;
}

static rml_status add_reject(rml_ingest_job *job, const char *stage, rml_str channel,
                             uint64_t offset, uint64_t length, rml_str reason, rml_error *err)
{
    rml_reject_row row = {job->recording_id, rml_str_of(stage), channel, offset, length, reason};
    return rml_rejects_append(&job->rejects, &row, err);
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

static rml_status refer(rml_ingest_job *job, const rml_ingest_channel *channel, rml_str topic,
                        const rml_log_message *message, rml_error *err)
{
    int64_t sensor_ns;
    bool has =
        channel->plan != NULL && rml_message_sensor_ns(channel->plan, message->data, &sensor_ns);
    return rml_blobs_append(&job->blobs, job->recording_id, topic, channel->kind, job->absolute,
                            message, has ? &sensor_ns : NULL, err);
}

static rml_status take_message(rml_ingest_job *job, const rml_log_message *message, rml_error *err)
{
    RML_TRY(meet_channels(job, err));
    size_t count;
    const rml_log_channel *described = &rml_log_channels(job->log, &count)[message->channel];
    rml_ingest_channel *channel = RML_AT(&job->channels, rml_ingest_channel, message->channel);
    rml_channel_count *kept = RML_AT(&job->counts, rml_channel_count, message->channel);
    RML_TRY(rml_log_ledger_add(&job->ledger, &job->arena, message, err));
    job->out->messages++;
    rml_str reason = channel->reason;
    rml_error fault = {0};
    if (channel->fate == RML_FATE_BLOBS) {
        RML_TRY(refer(job, channel, described->topic, message, err));
        kept->blobs++;
        job->out->blobs++;
        return RML_OK;
    }
    if (channel->fate == RML_FATE_SIGNALS) {
        rml_status st = rml_ingest_channel_add(channel, described, message, job->recording_id,
                                               job->uri, &fault);
        if (st == RML_OK) {
            kept->rows++;
            job->out->rows++;
            return channel->batch.count >= FLUSH_ROWS || channel->batch_bytes >= FLUSH_BYTES
                       ? rml_ingest_channel_flush(channel, job->txn, &job->arena, err)
                       : RML_OK;
        }
        if (st != RML_ERR_DATA && st != RML_ERR_LIMIT) {
            if (err != NULL) {
                *err = fault;
            }
            return st;
        }
        reason = rml_str_of(fault.what);
    }
    RML_TRY(
        add_reject(job, "decode", described->topic, message->offset, message->length, reason, err));
    kept->rejects++;
    job->out->rejects++;
    return job->rejects.count >= FLUSH_ROWS ? flush_all(job, err) : RML_OK;
}

// Damage in the container: the ledger counts it, a row tells it, reading goes on behind it.
static rml_status take_fault(rml_ingest_job *job, const rml_error *fault, rml_error *err)
{
    RML_TRY(rml_log_ledger_fault(&job->ledger, &job->arena, fault, err));
    if (job->ledger.faults > FAULT_ROWS_MAX) {
        return RML_OK;
    }
    rml_str reason = rml_arena_printf(&job->arena, "%s: %s", fault->place, fault->what);
    return add_reject(job, "container", (rml_str){0}, 0, 0, reason, err);
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
        } else if (st == RML_ERR_DATA || st == RML_ERR_LIMIT) {
            RML_TRY(take_fault(job, &fault, err));
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
    RML_TRY(meet_channels(job, err));
    RML_TRY(rml_log_ledger_end(&job->ledger, &job->arena, job->log, err));
    return flush_all(job, err);
}

// ---- The end -----------------------------------------------------------------------------------

static void span_of(const rml_log_ledger *ledger, int64_t *start_ns, int64_t *end_ns, bool *has)
{
    *has = false;
    *start_ns = *end_ns = 0;
    for (size_t i = 0; i < ledger->channel_count; i++) {
        const rml_log_channel_ledger *c = &ledger->channels[i];
        if (c->messages == 0) {
            continue;
        }
        *start_ns = !*has || c->first_ns < *start_ns ? c->first_ns : *start_ns;
        *end_ns = !*has || c->last_ns > *end_ns ? c->last_ns : *end_ns;
        *has = true;
    }
}

static rml_status append_drive(rml_ingest_job *job, const rml_recording_row *r, rml_error *err)
{
    rml_batch batch = {0};
    rml_drive_row row = {.drive_id = r->drive_id,
                         .recording_id = r->recording_id,
                         .vehicle = job->options->vehicle,
                         .start_ns = r->start_ns,
                         .end_ns = r->end_ns,
                         .has_span = r->has_span};
    RML_TRY(rml_batch_init(&batch, rml_drives_schema(), err));
    rml_status st = rml_drives_append(&batch, &row, err);
    if (!st) {
        st = rml_lake_append(job->txn, "drives", &batch, err);
    }
    rml_batch_reset(&batch);
    return st;
}

static rml_status commit_recording(rml_ingest_job *job, const rml_recording_row *row,
                                   rml_error *err)
{
    rml_batch batch = {0};
    RML_TRY(append_drive(job, row, err));
    RML_TRY(rml_batch_init(&batch, rml_recordings_schema(), err));
    rml_status st = rml_recordings_append(&batch, row, err);
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
    size_t count;
    const rml_log_channel *channels = rml_log_channels(job->log, &count);
    rml_buffer ledger = {0};
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
    span_of(&job->ledger, &row.start_ns, &row.end_ns, &row.has_span);
    out->bytes_lost = job->ledger.bytes_lost;
    out->complete = job->ledger.complete && job->ledger.faults == 0;
    RML_TRY(name_drive(job, row.start_ns, err));
    row.drive_id = rml_str_of(out->drive_id);
    rml_status st = rml_ledger_json(&job->ledger, channels, job->counts.data, count, &ledger, err);
    if (!st) {
        row.ledger = rml_buffer_text(&ledger);
        st = commit_recording(job, &row, err);
    }
    rml_buffer_reset(&ledger);
    return st;
}

static rml_status ingest(rml_ingest_job *job, rml_lake *lake, rml_error *err)
{
    RML_TRY(identify(job, err));
    RML_TRY(rml_lake_has(lake, job->recording_id, &job->out->already, err));
    if (job->out->already) {
        return RML_OK;
    }
    rml_log_options options = {.memory_max = job->options->memory_max};
    RML_TRY(rml_log_open(job->uri, &options, &job->log, err));
    RML_TRY(rml_batch_init(&job->blobs, rml_blobs_schema(), err));
    RML_TRY(rml_batch_init(&job->rejects, rml_rejects_schema(), err));
    RML_TRY(rml_lake_begin(lake, job->recording_id, &job->txn, err));
    RML_TRY(take_all(job, err));
    return finish(job, err);
}

rml_status rml_ingest_recording(rml_lake *lake, rml_str uri, const rml_ingest_options *options,
                                const rml_progress *progress, rml_ingest_result *out,
                                rml_error *err)
{
    static const rml_ingest_options none = {0};
    *out = (rml_ingest_result){0};
    rml_ingest_job job = {.uri = uri,
                          .options = options != NULL ? options : &none,
                          .progress = progress,
                          .out = out,
                          .channels = RML_ARRAY(rml_ingest_channel),
                          .counts = RML_ARRAY(rml_channel_count)};
    rml_status st = ingest(&job, lake, err);
    for (size_t i = 0; i < job.channels.count; i++) {
        rml_ingest_channel_reset(RML_AT(&job.channels, rml_ingest_channel, i));
    }
    rml_array_reset(&job.channels);
    rml_array_reset(&job.counts);
    rml_batch_reset(&job.blobs);
    rml_batch_reset(&job.rejects);
    rml_lake_txn_close(job.txn);
    rml_log_close(job.log);
    rml_arena_reset(&job.arena);
    return st;
}
