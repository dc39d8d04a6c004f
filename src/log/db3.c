// The SQLite file of a ROS 2 bag as a log (rosbag2_storage_sqlite3): tables `topics` and
// `messages`, in newer files `message_definitions` too. The order of the file is that of the ids,
// the order of time that of (timestamp, id).
//
// The file is opened so that it is never changed: as one that nobody writes. A write-ahead log left
// beside it holds messages that are not in the file yet; then both are copied to a temporary folder
// and read there. A file in memory is read where it lies.
#include <sqlite3.h>
#include <string.h>

#include "format.h"
#include "roadmill/codec.h"

#define TOPICS_MAX 65536
#define REMEDY "sqlite3 FILE .recover saves what can be read"

typedef struct topic {
    int64_t id;
    uint32_t channel;
    bool wanted;
} topic;

typedef struct db3 {
    sqlite3 *db;
    sqlite3_stmt *messages;
    rml_str copied;   // the temporary folder; empty: none
    rml_array topics; // topic, by id
    rml_buffer space;
    rml_codec_context codec;
    uint64_t lost;
    bool damaged;
} db3;

static db3 *db3_of(const rml_log *log)
{
    return log->state;
}

static bool recognised(rml_bytes head)
{
    return head.len >= 16 && memcmp(head.data, "SQLite format 3", 16) == 0;
}

static rml_status fail(rml_log *log, const char *doing, rml_error *err)
{
    const db3 *d = db3_of(log);
    int code = sqlite3_errcode(d->db);
    rml_status status = code == SQLITE_NOMEM ? RML_ERR_MEMORY : RML_ERR_DATA;
    return rml_fail(err, status, rml_place_file(log->name), REMEDY,
                    "expected a ROS 2 bag in SQLite, found an error %s: %s", doing,
                    sqlite3_errmsg(d->db));
}

// ---- Opening the database ----------------------------------------------------------------------

static rml_status copy_file(rml_str from, rml_str to, rml_error *err)
{
    rml_object object;
    RML_TRY(rml_object_open(&object, from, err));
    rml_status st = rml_store_put(to, object.bytes, err);
    rml_object_close(&object);
    return st;
}

// The database and its write-ahead log in a temporary folder.
static rml_status copy_with_log(rml_log *log, rml_str path, rml_str wal, rml_str *out,
                                rml_error *err)
{
    db3 *d = db3_of(log);
    RML_TRY(rml_folder_temporary(&log->arena, &d->copied, err));
    *out = rml_path_join(&log->arena, d->copied, RML_STR("bag.db3"));
    rml_str copied_wal = rml_path_join(&log->arena, d->copied, RML_STR("bag.db3-wal"));
    if (out->data == NULL || copied_wal.data == NULL) {
        return rml_fail_memory(err, path.len);
    }
    RML_TRY(copy_file(path, *out, err));
    return copy_file(wal, copied_wal, err);
}

// "file:PATH?immutable=1", the path escaped.
static rml_status immutable_uri(rml_log *log, rml_str path, rml_str *out, rml_error *err)
{
    rml_buffer text = {0};
    rml_status st = rml_buffer_str(&text, RML_STR("file:"), err);
    for (size_t i = 0; st == RML_OK && i < path.len; i++) {
        unsigned char c = (unsigned char)path.data[i];
        bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                     c == '/' || c == '.' || c == '_' || c == '-';
        st = plain ? rml_buffer_append(&text, &c, 1, err)
                   : rml_buffer_printf(&text, err, "%%%02X", c);
    }
    if (st == RML_OK) {
        st = rml_buffer_str(&text, RML_STR("?immutable=1"), err);
    }
    if (st == RML_OK) {
        st = rml_log_copy(log, rml_buffer_text(&text), out, err);
    }
    rml_buffer_reset(&text);
    return st;
}

static rml_status open_bytes(rml_log *log, rml_error *err)
{
    db3 *d = db3_of(log);
    if (sqlite3_open_v2(":memory:", &d->db, SQLITE_OPEN_READWRITE, NULL) != SQLITE_OK) {
        return fail(log, "opening it", err);
    }
    // SQLite does not write to a read-only image.
    unsigned char *image = (unsigned char *)(uintptr_t)log->file.data;
    sqlite3_int64 size = (sqlite3_int64)log->file.len;
    return sqlite3_deserialize(d->db, "main", image, size, size, SQLITE_DESERIALIZE_READONLY) ==
                   SQLITE_OK
               ? RML_OK
               : fail(log, "opening it", err);
}

static rml_status open_uri(rml_log *log, rml_error *err)
{
    db3 *d = db3_of(log);
    rml_str path, uri;
    rml_str wal = rml_arena_printf(&log->arena, "%.*s-wal", RML_FMT(log->name));
    rml_file_info info = {0};
    if (wal.data == NULL) {
        return rml_fail_memory(err, log->name.len);
    }
    RML_TRY(rml_store_stat(wal, &info, err));
    int flags = SQLITE_OPEN_READONLY | SQLITE_OPEN_URI;
    if (info.exists && info.size > 0) {
        RML_TRY(copy_with_log(log, log->name, wal, &uri, err));
        flags = SQLITE_OPEN_READWRITE;
    } else if (rml_store_is_local(log->name)) {
        RML_TRY(rml_store_path(log->name, &log->arena, &path, err));
        RML_TRY(immutable_uri(log, path, &uri, err));
    } else {
        return open_bytes(log, err);
    }
    return sqlite3_open_v2(uri.data, &d->db, flags, NULL) == SQLITE_OK
               ? RML_OK
               : fail(log, "opening it", err);
}

// ---- Topics ------------------------------------------------------------------------------------

static rml_str column_text(sqlite3_stmt *s, int column)
{
    const void *text = sqlite3_column_text(s, column);
    return (rml_str){text, text == NULL ? 0 : (size_t)sqlite3_column_bytes(s, column)};
}

static bool has_column(sqlite3 *db, const char *table, const char *column)
{
    return sqlite3_table_column_metadata(db, NULL, table, column, NULL, NULL, NULL, NULL, NULL) ==
           SQLITE_OK;
}

// The definition of a type, where the file has one.
static rml_status find_definition(rml_log *log, rml_str type, rml_log_channel *c, rml_error *err)
{
    db3 *d = db3_of(log);
    sqlite3_stmt *s = NULL;
    if (!has_column(d->db, "message_definitions", "encoded_message_definition")) {
        return RML_OK;
    }
    if (sqlite3_prepare_v2(d->db,
                           "SELECT encoding, encoded_message_definition FROM message_definitions "
                           "WHERE topic_type = ?1 ORDER BY id",
                           -1, &s, NULL) != SQLITE_OK ||
        sqlite3_bind_text(s, 1, type.data, (int)type.len, SQLITE_STATIC) != SQLITE_OK) {
        sqlite3_finalize(s);
        return fail(log, "reading message definitions", err);
    }
    rml_status st = RML_OK;
    // The text of a type without fields is empty; one that was not found is of encoding "unknown".
    if (sqlite3_step(s) == SQLITE_ROW &&
        (column_text(s, 1).len > 0 || rml_str_equal(column_text(s, 0), RML_STR("ros2msg")))) {
        rml_str schema;
        st = rml_log_copy(log, column_text(s, 1), &schema, err);
        c->schema = rml_bytes_of_str(schema);
        if (st == RML_OK) {
            st = rml_log_copy(log, column_text(s, 0), &c->schema_encoding, err);
        }
    }
    sqlite3_finalize(s);
    return st;
}

static rml_status copy_pairs(rml_log *log, sqlite3_stmt *s, rml_log_channel *c, rml_error *err)
{
    static const char *const keys[] = {"offered_qos_profiles", "type_description_hash"};
    rml_log_pair *pairs = RML_NEW_ARRAY(&log->arena, rml_log_pair, 2);
    if (pairs == NULL) {
        return rml_fail_memory(err, 2 * sizeof(*pairs));
    }
    c->pairs = pairs;
    for (int i = 0; i < 2; i++) {
        rml_str value = column_text(s, 4 + i);
        if (value.len > 0) {
            pairs[c->pair_count].key = rml_str_of(keys[i]);
            RML_TRY(rml_log_copy(log, value, &pairs[c->pair_count++].value, err));
        }
    }
    return RML_OK;
}

static rml_status add_topic(rml_log *log, sqlite3_stmt *s, rml_error *err)
{
    db3 *d = db3_of(log);
    rml_log_channel c = {.id = (uint32_t)log->channels.count,
                         .container_id = (uint32_t)sqlite3_column_int64(s, 0)};
    RML_TRY(rml_log_copy(log, column_text(s, 1), &c.topic, err));
    RML_TRY(rml_log_copy(log, column_text(s, 2), &c.schema_name, err));
    RML_TRY(rml_log_copy(log, column_text(s, 3), &c.message_encoding, err));
    RML_TRY(copy_pairs(log, s, &c, err));
    RML_TRY(find_definition(log, c.schema_name, &c, err));
    if (d->topics.count >= TOPICS_MAX) {
        return rml_fail(err, RML_ERR_LIMIT, rml_place_file(log->name), NULL,
                        "expected at most %d topics, found more", TOPICS_MAX);
    }
    topic *t = rml_array_push(&d->topics, err);
    rml_log_channel *out = rml_array_push(&log->channels, err);
    if (t == NULL || out == NULL) {
        return RML_ERR_MEMORY;
    }
    *out = c;
    *t = (topic){sqlite3_column_int64(s, 0), c.id, rml_log_wants_topic(log, c.topic)};
    return RML_OK;
}

static rml_status read_topics(rml_log *log, rml_error *err)
{
    db3 *d = db3_of(log);
    sqlite3_stmt *s = NULL;
    rml_str sql = rml_arena_printf(
        &log->arena, "SELECT id, name, type, serialization_format, %s, %s FROM topics ORDER BY id",
        has_column(d->db, "topics", "offered_qos_profiles") ? "offered_qos_profiles" : "NULL",
        has_column(d->db, "topics", "type_description_hash") ? "type_description_hash" : "NULL");
    if (sql.data == NULL) {
        return rml_fail_memory(err, 256);
    }
    if (sqlite3_prepare_v2(d->db, sql.data, -1, &s, NULL) != SQLITE_OK) {
        return fail(log, "reading its topics", err);
    }
    rml_status st = RML_OK;
    int step = SQLITE_DONE;
    while (st == RML_OK && (step = sqlite3_step(s)) == SQLITE_ROW) {
        st = add_topic(log, s, err);
    }
    if (st == RML_OK && step != SQLITE_DONE) {
        st = fail(log, "reading its topics", err);
    }
    sqlite3_finalize(s);
    return st;
}

// ---- Messages ----------------------------------------------------------------------------------

static rml_status begin_reading(rml_log *log, rml_error *err)
{
    db3 *d = db3_of(log);
    const rml_log_options *o = &log->options;
    sqlite3_finalize(d->messages);
    d->messages = NULL;
    d->lost = 0;
    rml_str sql = rml_arena_printf(
        &log->arena, "SELECT id, topic_id, timestamp, data FROM messages%s ORDER BY %s",
        o->start_ns != 0 || o->end_ns != 0 ? " WHERE timestamp >= ?1 AND timestamp < ?2" : "",
        o->order == RML_LOG_TIME_ORDER ? "timestamp, id" : "id");
    if (sql.data == NULL) {
        return rml_fail_memory(err, 256);
    }
    if (sqlite3_prepare_v2(d->db, sql.data, -1, &d->messages, NULL) != SQLITE_OK) {
        return fail(log, "reading its messages", err);
    }
    if (o->start_ns != 0 || o->end_ns != 0) {
        sqlite3_bind_int64(d->messages, 1, o->start_ns == 0 ? INT64_MIN : o->start_ns);
        sqlite3_bind_int64(d->messages, 2, o->end_ns == 0 ? INT64_MAX : o->end_ns);
    }
    return RML_OK;
}

static rml_status open_db3(rml_log *log, rml_error *err)
{
    db3 *d = RML_NEW(&log->arena, db3);
    if (d == NULL) {
        return rml_fail_memory(err, sizeof(*d));
    }
    log->state = d;
    d->topics = RML_ARRAY(topic);
    RML_TRY(log->object.handle != NULL ? open_uri(log, err) : open_bytes(log, err));
    // A value larger than memory_max is an error of SQLite, and its sorts go to a file.
    size_t most = log->options.memory_max < INT32_MAX ? log->options.memory_max : INT32_MAX;
    sqlite3_limit(d->db, SQLITE_LIMIT_LENGTH, (int)most);
    if (sqlite3_exec(d->db, "PRAGMA temp_store = file; PRAGMA cache_size = -16384", NULL, NULL,
                     NULL) != SQLITE_OK) {
        return fail(log, "opening it", err);
    }
    log->profile = RML_STR("ros2");
    RML_TRY(read_topics(log, err));
    return begin_reading(log, err);
}

static topic *find_topic(db3 *d, int64_t id)
{
    size_t low = 0, high = d->topics.count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        topic *t = RML_AT(&d->topics, topic, middle);
        if (t->id == id) {
            return t;
        }
        if (t->id < id) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return NULL;
}

// rosbag2 compresses messages one by one where it is asked to: CDR never begins as a zstd frame.
static rml_status open_message(rml_log *log, rml_log_message *m, rml_error *err)
{
    static const uint8_t zstd[4] = {0x28, 0xB5, 0x2F, 0xFD};
    db3 *d = db3_of(log);
    m->compression = "sqlite";
    if (m->data.len < 4 || memcmp(m->data.data, zstd, 4) != 0) {
        return RML_OK;
    }
    m->compression = "sqlite+zstd";
    rml_buffer_clear(&d->space);
    rml_status st = rml_decompress_all(&d->codec, RML_CODEC_ZSTD, m->data, log->options.memory_max,
                                       &d->space, rml_place_file(log->name), err);
    m->data = rml_buffer_bytes(&d->space);
    return st;
}

static rml_status take_row(rml_log *log, rml_log_message *out, bool *wanted, rml_error *err)
{
    db3 *d = db3_of(log);
    sqlite3_stmt *s = d->messages;
    const topic *t = find_topic(d, sqlite3_column_int64(s, 1));
    const void *data = sqlite3_column_blob(s, 3);
    size_t len = (size_t)sqlite3_column_bytes(s, 3);
    *wanted = false;
    if (t == NULL) {
        d->lost += len;
        return rml_fail(err, RML_ERR_DATA, rml_place_file(log->name), REMEDY,
                        "expected a topic for message %lld, found none with id %lld",
                        (long long)sqlite3_column_int64(s, 0),
                        (long long)sqlite3_column_int64(s, 1));
    }
    if (!t->wanted) {
        return RML_OK;
    }
    *out = (rml_log_message){.channel = t->channel,
                             .log_ns = sqlite3_column_int64(s, 2),
                             .publish_ns = sqlite3_column_int64(s, 2),
                             .data = {data, len},
                             .offset = (uint64_t)sqlite3_column_int64(s, 0),
                             .length = len};
    rml_status st = open_message(log, out, err);
    if (st) {
        d->lost += len;
    }
    *wanted = st == RML_OK;
    return st;
}

static rml_status next_db3(rml_log *log, rml_log_message *out, rml_error *err)
{
    db3 *d = db3_of(log);
    for (;;) {
        bool wanted;
        int step = d->damaged ? SQLITE_DONE : sqlite3_step(d->messages);
        if (step == SQLITE_DONE) {
            return RML_END;
        }
        if (step != SQLITE_ROW) {
            // SQLite does not go on behind damage.
            rml_status st = fail(log, "reading its messages", err);
            d->damaged = true;
            return st;
        }
        RML_TRY(take_row(log, out, &wanted, err));
        if (wanted) {
            return RML_OK;
        }
    }
}

static rml_status rewind_db3(rml_log *log, rml_error *err)
{
    db3_of(log)->damaged = false;
    return begin_reading(log, err);
}

static uint64_t lost_db3(const rml_log *log)
{
    return db3_of(log)->lost;
}

static bool complete_db3(const rml_log *log, bool *has_index)
{
    *has_index = true;
    return !db3_of(log)->damaged;
}

static void close_db3(rml_log *log)
{
    db3 *d = db3_of(log);
    if (d == NULL) {
        return;
    }
    sqlite3_finalize(d->messages);
    sqlite3_close(d->db);
    if (d->copied.len > 0) {
        rml_status st = rml_folder_remove(d->copied.data, NULL);
        (void)st; // closing has nobody to tell; it lies in the temporary folder
    }
    rml_array_reset(&d->topics);
    rml_buffer_reset(&d->space);
    rml_codec_context_reset(&d->codec);
}

const rml_log_format rml_log_db3 = {.name = "ros2",
                                    .recognised = recognised,
                                    .open = open_db3,
                                    .next = next_db3,
                                    .rewind = rewind_db3,
                                    .orders = true,
                                    .lost = lost_db3,
                                    .complete = complete_db3,
                                    .close = close_db3};
