// One channel of a recording on its way into the lake.
#include "channel.h"

#include "roadmill/codec.h"

#define TABLE_NAME_MAX 120

// Message types that stay where they are: the lake refers to them.
static const struct {
    const char *type, *kind;
} blob_types[] = {
    {"sensor_msgs/msg/Image", "image"},
    {"sensor_msgs/msg/CompressedImage", "image"},
    {"sensor_msgs/msg/PointCloud2", "cloud"},
    {"sensor_msgs/msg/PointCloud", "cloud"},
    {"foxglove_msgs/msg/CompressedVideo", "video"},
    {"foxglove_msgs/msg/CompressedImage", "image"},
    {"foxglove.RawImage", "image"},
    {"foxglove.CompressedImage", "image"},
    {"foxglove.CompressedVideo", "video"},
    {"foxglove.PointCloud", "cloud"},
};

// The columns that stand before the message's own in every signals table. They are filled column
// by column, not row by row: half of them say the same in every row of a channel.
enum {
    SIGNAL_RECORDING,
    SIGNAL_CHANNEL,
    SIGNAL_SEQUENCE,
    SIGNAL_SENSOR,
    SIGNAL_PUBLISH,
    SIGNAL_LOG,
    SIGNAL_CLOCK,
    SIGNAL_SCHEMA,
    SIGNAL_COLUMNS
};
static const rml_field signal_fields[SIGNAL_COLUMNS] = {
    [SIGNAL_RECORDING] = RML_FIELD("recording_id", RML_TYPE_STRING, RML_REQUIRED),
    [SIGNAL_CHANNEL] = RML_FIELD("channel", RML_TYPE_STRING, RML_REQUIRED),
    [SIGNAL_SEQUENCE] = RML_FIELD("sequence", RML_TYPE_I64, RML_REQUIRED),
    [SIGNAL_SENSOR] = RML_FIELD("sensor_ns", RML_TYPE_I64, RML_NULLABLE),
    [SIGNAL_PUBLISH] = RML_FIELD("publish_ns", RML_TYPE_I64, RML_REQUIRED),
    [SIGNAL_LOG] = RML_FIELD("log_ns", RML_TYPE_I64, RML_REQUIRED),
    [SIGNAL_CLOCK] = RML_FIELD("clock_id", RML_TYPE_STRING, RML_NULLABLE),
    [SIGNAL_SCHEMA] = RML_FIELD("schema_hash", RML_TYPE_STRING, RML_REQUIRED),
};

// Those that are the same in every row of a channel, in ascending order; a recording does not name
// its clocks.
static const size_t constants[] = {SIGNAL_RECORDING, SIGNAL_CHANNEL, SIGNAL_CLOCK, SIGNAL_SCHEMA};

// "sensor_msgs/msg/Imu" -> "signals_sensor_msgs_msg_imu"
static rml_str table_name(rml_arena *arena, rml_str type)
{
    char text[TABLE_NAME_MAX];
    size_t len = type.len < sizeof text ? type.len : sizeof text;
    for (size_t i = 0; i < len; i++) {
        char c = type.data[i];
        bool upper = c >= 'A' && c <= 'Z';
        bool plain = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
        text[i] = (char)(upper ? c - 'A' + 'a' : plain ? c : '_');
    }
    return rml_arena_printf(arena, "signals_%.*s", (int)len, text);
}

// The columns of a signals table: ours, then the message's. A field that is named like one of ours
// gets "message_" before its name.
static rml_status table_fields(const rml_message_plan *plan, rml_arena *arena, rml_schema *out,
                               rml_error *err)
{
    rml_schema own = {signal_fields, SIGNAL_COLUMNS}, message = rml_message_schema(plan);
    rml_field *fields = RML_NEW_ARRAY(arena, rml_field, SIGNAL_COLUMNS + message.count);
    if (fields == NULL) {
        return rml_fail_memory(err, message.count * sizeof *fields);
    }
    for (size_t i = 0; i < SIGNAL_COLUMNS; i++) {
        fields[i] = signal_fields[i];
    }
    for (size_t i = 0; i < message.count; i++) {
        rml_field *field = &fields[SIGNAL_COLUMNS + i];
        *field = message.fields[i];
        if (rml_schema_find(own, field->name) < own.count) {
            field->name = rml_arena_printf(arena, "message_%.*s", RML_FMT(field->name));
            if (field->name.data == NULL) {
                return rml_fail_memory(err, 64);
            }
        }
    }
    *out = (rml_schema){fields, SIGNAL_COLUMNS + message.count};
    return RML_OK;
}

static void reject_all(rml_ingest_channel *c, rml_str reason)
{
    c->fate = RML_FATE_REJECTS;
    c->reason = reason;
}

static rml_status hash_schema(rml_ingest_channel *c, const rml_log_channel *channel, rml_error *err)
{
    rml_hash hash;
    if (rml_sha256(channel->schema.data, channel->schema.len, &hash) != RML_OK) {
        return rml_fail_memory(err, channel->schema.len);
    }
    rml_hash_text(&hash, c->schema_hash);
    return RML_OK;
}

// Names of ROS 1 lack the "/msg" of ROS 2.
static bool is_type(rml_str name, rml_str type)
{
    size_t at = rml_str_find(type, RML_STR("/msg/"));
    return rml_str_equal(name, type) ||
           (at < type.len && name.len + 4 == type.len &&
            rml_str_starts(name, (rml_str){type.data, at}) &&
            rml_str_ends(name, (rml_str){type.data + at + 4, type.len - at - 4}));
}

// Messages without a schema: "signals_can_frames", "signals_json".
static rml_str frames_name(rml_arena *arena, rml_str encoding)
{
    bool frames =
        rml_str_equal(encoding, RML_STR("can")) || rml_str_equal(encoding, RML_STR("lin"));
    return rml_arena_printf(arena, "signals_%.*s%s", RML_FMT(encoding), frames ? "_frames" : "");
}

rml_status rml_ingest_channel_init(rml_ingest_channel *c, const rml_log_channel *channel,
                                   rml_str file, rml_arena *arena, rml_error *err)
{
    *c = (rml_ingest_channel){.fate = RML_FATE_SIGNALS};
    RML_TRY(hash_schema(c, channel, err));
    for (size_t i = 0; i < sizeof blob_types / sizeof *blob_types; i++) {
        if (is_type(channel->schema_name, rml_str_of(blob_types[i].type))) {
            c->fate = RML_FATE_BLOBS;
            c->kind = blob_types[i].kind;
        }
    }
    rml_error fault = {0};
    const rml_message_kind kind = rml_log_channel_kind(channel);
    rml_status st = rml_message_compile(&kind, file, &c->plan, &fault);
    if (st == RML_ERR_MEMORY) {
        return rml_fail_memory(err, channel->schema.len);
    }
    c->undecodable = st == RML_ERR_UNSUPPORTED;
    if (st && c->fate != RML_FATE_BLOBS) {
        reject_all(c, rml_arena_printf(arena, "schema of \"%.*s\": %s",
                                       RML_FMT(channel->schema_name), fault.what));
    }
    if (st) {
        return RML_OK;
    }
    if (c->fate == RML_FATE_BLOBS) {
        return rml_frame_reader_make(c->plan, &c->frames, err);
    }
    rml_schema schema;
    c->table = channel->schema_name.len > 0 ? table_name(arena, channel->schema_name)
                                            : frames_name(arena, channel->message_encoding);
    RML_TRY(table_fields(c->plan, arena, &schema, err));
    if (c->table.data == NULL) {
        return rml_fail_memory(err, TABLE_NAME_MAX);
    }
    RML_TRY(rml_batch_init(&c->batch, schema, err));
    return rml_message_decoder_make(c->plan, c->batch.columns + SIGNAL_COLUMNS, &c->decoder, err);
}

void rml_ingest_channel_reset(rml_ingest_channel *c)
{
    rml_message_decoder_free(c->decoder);
    rml_frame_reader_free(c->frames);
    rml_message_plan_free(c->plan);
    rml_batch_reset(&c->batch);
    *c = (rml_ingest_channel){0};
}

rml_status rml_ingest_channel_add(rml_ingest_channel *c, const rml_log_message *message,
                                  const int64_t *sensor_ns, rml_str file, rml_error *err)
{
    rml_column *columns = c->batch.columns;
    RML_TRY(rml_message_decoder_next(c->decoder, message->data,
                                     rml_place_byte(file, message->offset), err));
    RML_TRY(rml_column_i64(&columns[SIGNAL_SEQUENCE], message->sequence, err));
    RML_TRY(sensor_ns != NULL ? rml_column_i64(&columns[SIGNAL_SENSOR], *sensor_ns, err)
                              : rml_column_null(&columns[SIGNAL_SENSOR], err));
    RML_TRY(rml_column_i64(&columns[SIGNAL_PUBLISH], message->publish_ns, err));
    RML_TRY(rml_column_i64(&columns[SIGNAL_LOG], message->log_ns, err));
    c->batch_bytes += message->data.len;
    c->batch.count++;
    return RML_OK;
}

// The columns that say the same in every row of a channel, made as long as the batch. They keep
// their rows from one batch to the next.
static rml_status fill_constants(rml_ingest_channel *c, rml_str topic, rml_str recording_id,
                                 rml_error *err)
{
    const rml_str hash = rml_str_of(c->schema_hash);
    const rml_str *const texts[] = {&recording_id, &topic, NULL, &hash};
    for (size_t i = 0; i < sizeof constants / sizeof *constants; i++) {
        rml_column *column = &c->batch.columns[constants[i]];
        rml_column_cut(column, column->count < c->batch.count ? column->count : c->batch.count);
        while (column->count < c->batch.count) {
            RML_TRY(texts[i] != NULL ? rml_column_str(column, *texts[i], err)
                                     : rml_column_null(column, err));
        }
    }
    return RML_OK;
}

static void clear_rows(rml_ingest_channel *c)
{
    size_t next = 0;
    for (size_t i = 0; i < c->batch.schema.count; i++) {
        if (next < sizeof constants / sizeof *constants && constants[next] == i) {
            next++;
        } else {
            rml_column_clear(&c->batch.columns[i]);
        }
    }
    c->batch.count = 0;
    c->batch_bytes = 0;
}

rml_status rml_ingest_channel_flush(rml_ingest_channel *c, rml_lake_txn *txn, rml_str topic,
                                    rml_str recording_id, rml_arena *arena, rml_error *err)
{
    if (c->fate != RML_FATE_SIGNALS || c->batch.count == 0) {
        return RML_OK;
    }
    RML_TRY(fill_constants(c, topic, recording_id, err));
    rml_status st = rml_lake_append(txn, c->table.data, &c->batch, err);
    if (st == RML_ERR_CONFLICT) {
        // The table holds another definition of this type: this one gets a table of its own.
        c->table = rml_arena_printf(arena, "%.*s_%.8s", RML_FMT(c->table), c->schema_hash);
        st = c->table.data == NULL ? rml_fail_memory(err, TABLE_NAME_MAX)
                                   : rml_lake_append(txn, c->table.data, &c->batch, err);
    }
    clear_rows(c);
    return st;
}
